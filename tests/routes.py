"""Every address of Majlis, found from the routes themselves, and what stands in the places of an address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.admin import ModelAdmin
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from campaigns.models import Campaign, Enrollment, Sequence
from commissions.models import Commission, PayoutBatch
from core.models import ApiToken, Export, Invitation, Membership, SavedView
from crm.models import (
    Agent,
    BulkChange,
    Contact,
    ContactPoint,
    Departure,
    DepartureExport,
    DisclosureAlert,
    DoNotContact,
    DuplicateCandidate,
    Merge,
    ProjectAssignment,
    Property,
    SavedFilter,
    ValidationRun,
)
from ledger.models import Account
from messaging.models import CannedReply, Channel, Conversation, MemberNumber, Message, MessageTemplate
from sheets.models import GoogleAccount, ImportRun, Spreadsheet

# Open to everyone by design; each says why.
OPEN = {
    "",  # sends strangers to sign in
    "sw.js",  # keeps styles and scripts on a phone; says nothing of anybody
    "sign-in/",
    "sign-in/closed/",
    "sign-in/code/",  # after the password
    "sign-in/passkey/",
    "sign-out/",
    "password/reset/",  # says the same of every address
    "password/reset/sent/",
    "password/reset/done/",
    "^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[\\w-]+)/$",  # opened by the key in it
    "language/",
    "o/<slug:organization>/invitation/<str:token>/",  # opened by the token in it
    "healthz",
    "readyz",
    "api/schema/",  # says what there is, not what is in it
    "api/docs/",
    "api/v1/<slug:organization>/sign-in/",  # asks for e-mail and password
}

# Whose keys stand in an address under this name. A new name fails here, so that its pages are looked through too.
ROWS: dict[str, list[type[models.Model]]] = {
    "agent_id": [Agent], "assignment_id": [ProjectAssignment], "change_id": [BulkChange], "departure_id": [Departure],
    "export_id": [Export, DepartureExport], "alert_id": [DisclosureAlert], "entry_id": [DoNotContact],
    "candidate_id": [DuplicateCandidate], "run_id": [ImportRun, ValidationRun], "run": [ImportRun],
    "conversation_id": [Conversation], "message_id": [Message], "merge_id": [Merge], "contact_id": [Contact],
    "point_id": [ContactPoint], "sheet_id": [Spreadsheet], "account_id": [GoogleAccount, Account], "unit_id": [Property],
    "view_id": [SavedFilter], "invitation_id": [Invitation], "token_id": [ApiToken], "membership_id": [Membership],
    "campaign": [Campaign], "channel_id": [Channel], "template_id": [MessageTemplate],
    "sequence_id": [Sequence], "enrollment_id": [Enrollment],
    "number_id": [MemberNumber], "reply_id": [CannedReply], "campaign_id": [Campaign],
    "commission_id": [Commission], "payout_id": [PayoutBatch], "saved_view_id": [SavedView],
}  # fmt: skip
WORDS: dict[str, list[str]] = {
    "organization": ["palm"],
    "name": ["owners", "units", "do-not-contact"],
    "what": ["contacts"],
    "decision": ["submit", "pause"],
    "report": ["statement", "forecast", "voucher", "payables", "period", "trial-balance", "accounts", "account"],
    "token": ["x"],
    "uidb36": ["1"],
    "key": ["x"],
    "url": ["nowhere"],
    "app_label": ["crm"],
    "content_type_id": ["1"],
    "format": ["json"],
}
_PLACE = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^)]*\))*\)|<(?:\w+:)?(\w+)>")


def routes(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every route as text, e.g. `o/<slug:organization>/inbox/`, and its view."""
    for pattern in (resolver or get_resolver()).url_patterns:
        text = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, text)
        else:
            assert isinstance(pattern, URLPattern)
            yield text, pattern.callback


def places(route: str) -> list[str]:
    """The names of what an address of the route has to say."""
    return [first or second for first, second in _PLACE.findall(route)]


def filled(route: str, values: Callable[[str], str]) -> str:
    """An address of the route, asked for what stands in each place by its name; the back office is that of Palm."""
    path = _PLACE.sub(lambda found: values(found[1] or found[2]), route)
    path = path.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\.", ".").replace("/?", "/")
    return "/o/palm/" + path if path.startswith("admin/") else "/" + path


def model_of(view: Any) -> type[models.Model] | None:
    """The table behind a view of the API or of the back office."""
    desk: ModelAdmin[Any] | None = getattr(view, "model_admin", None)
    if desk is not None:
        return desk.model
    rows = getattr(getattr(view, "cls", None), "queryset", None)
    return None if rows is None else rows.model


def tables_of(name: str, view: Any) -> list[type[models.Model]]:
    """Whose keys stand in that place of the view's address; none when the address does not say it."""
    if name not in {"pk", "object_id"}:
        return ROWS[name]
    own = model_of(view)
    return [] if own is None else [own]
