"""Person by person: what happened, why, and what is safe to do. Every number of the truth screen opens these rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET

from campaigns import selectors
from campaigns.models import CampaignMessage, SkipReason, Status
from campaigns.pages.asking import actor_of, campaign_of
from campaigns.selectors.causes import words_of
from core.actors import Actor
from core.doors import page
from core.roles import Capability
from crm.keyset import Order, page_of
from crm.models.contacts import PointKind
from crm.pages import listed
from crm.selectors import masked
from messaging.models import Conversation

PAGE = 50
FILTERS = ("q", "step", "reason", "code", "variant", "replied")
# Of whom something is to be explained.
TROUBLED = (Status.SKIPPED, Status.FAILED, Status.UNKNOWN)
TONES = {
    Status.FAILED: "bad", Status.UNKNOWN: "warn", Status.DELIVERED: "good", Status.READ: "brand",
    Status.ACCEPTED: "calm", Status.SENT: "calm",
}  # fmt: skip
IN_THEIR_ORDER = Order("order")


@dataclass(frozen=True, slots=True)
class Row:
    """One person. `meaning` and `next_step` are empty for those who got it or wait; `conversation` leads to the talk."""

    recipient: CampaignMessage
    number: str
    tone: str
    meaning: str
    next_step: str
    conversation: int | None


def listed_recipients(actor: Actor, asked: str) -> QuerySet[CampaignMessage]:
    """What `campaigns/<campaign>/recipients/?<asked>` shows to this actor; `asked` names the campaign too."""
    query = QueryDict(asked[: listed.LONGEST]).dict()
    campaign = str(query.get("campaign", ""))
    found = int(campaign) if campaign.isdecimal() and len(campaign) < 19 else 0
    return selectors.narrowed_recipients(actor, found, {name: str(value) for name, value in query.items()})


listed.register("campaign-recipients", listed_recipients)


@require_GET
@page(Capability.CAMPAIGNS_READ)
def recipients(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """In the order in which they are written to."""
    actor, campaign = actor_of(request), campaign_of(request, campaign_id)
    asked = {name: request.GET.get(name, "") for name in FILTERS}
    rows = selectors.narrowed_recipients(actor, campaign.pk, asked).select_related("contact", "property", "message")
    shown, after = page_of(rows, IN_THEIR_ORDER, request.GET.get("after", "")[:64], PAGE)
    exported = request.GET.copy()
    exported["campaign"] = str(campaign.pk)
    context: dict[str, Any] = {
        "here": "campaigns",
        "campaign": campaign,
        "rows": _rows(actor, shown),
        "next_cursor": after,
        "asked": asked,
        "is_filtered": any(asked.values()),
        "exported": exported.urlencode(),
        "steps": [(name, words) for name, (words, _statuses) in selectors.STEPS.items()],
        "reasons": [(value, label) for value, label in SkipReason.choices if value],
        "cause": words_of(Status.FAILED, "", int(asked["code"]))[0] if asked["code"].isdecimal() else "",
    }
    return render(request, "campaigns/recipients.html", context)


def _rows(actor: Actor, shown: Sequence[CampaignMessage]) -> list[Row]:
    """One query: which of the conversations this member may open."""
    ids = [row.message.conversation_id for row in shown if row.message is not None]
    may = actor.can(Capability.CONVERSATIONS_READ)
    open_to = set(Conversation.objects.visible_to(actor).filter(pk__in=ids).values_list("pk", flat=True)) if may else ()
    found = []
    for row in shown:
        meaning, step = words_of(row.status, row.skip_reason, row.error_code) if row.status in TROUBLED else ("", "")
        talk = row.message.conversation_id if row.message is not None else None
        number = masked(PointKind.PHONE, f"+{row.recipient}") if row.recipient.isdigit() else row.recipient
        found.append(
            Row(row, number, TONES.get(Status(row.status), ""), meaning, step, talk if talk in open_to else None)
        )
    return found
