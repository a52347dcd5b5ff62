"""The figures of the back office's first page: what each counts, and the rows that it opens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from commissions.filtering import OWED_AGAIN
from commissions.models import Receipt
from commissions.selectors import parts
from core.actors import Actor
from core.roles import Capability, Role
from messaging.models import OptOut
from messaging.selectors import InboxCounts, filtered_numbers, inbox_counts
from sheets.models import Conflict, Spreadsheet

# How many, and the address that shows them.
Look = tuple[int, str]


class Desk:
    """What the cards of one page ask together, so that it is asked once."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    @cached_property
    def inbox(self) -> InboxCounts:
        return inbox_counts(actor=self.actor, at=timezone.now())


@dataclass(frozen=True, slots=True)
class Card:
    """One figure: what it says, what it counts, where its rows are, and when it is worth a colour."""

    name: str
    title: Any
    hint: Any
    capability: Capability
    look: Callable[[Desk], Look]
    tone: str = "calm"


def rows(label: str, **filters: str) -> Callable[[Desk], Look]:
    """Count the rows of a model by the very question that its back-office list is then asked."""

    def look(desk: Desk) -> Look:
        model = apps.get_model(label)
        wanted = dict(_wanted(name, value) for name, value in filters.items())
        count = model._default_manager.visible_to(desk.actor).filter(**wanted).count()
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        return count, f"{address}?{urlencode(filters)}"

    return look


def _wanted(name: str, value: str) -> tuple[str, Any]:
    """What a filter of a list asks of the table."""
    if name.endswith("__isempty"):
        return name.removesuffix("empty") + "null", value == "1"
    return name, value == "1" if name.startswith("is_") else value


def inbox(box: str) -> Callable[[Desk], Look]:
    """Count conversations as that view of the inbox does."""

    def look(desk: Desk) -> Look:
        return getattr(desk.inbox, box), f"/o/{desk.actor.organization.slug}/inbox/?box={box}"

    return look


def stale_sheets(desk: Desk) -> Look:
    """Linked sheets for which two intervals have passed without a success."""
    count = Spreadsheet.objects.visible_to(desk.actor).stale(timezone.now()).count()
    return count, f"{reverse('admin:sheets_spreadsheet_changelist')}?freshness=stale"


def open_conflicts(desk: Desk) -> Look:
    """Cells that wait for a person to say which side is right."""
    count = Conflict.objects.visible_to(desk.actor).open().count()
    return count, f"{reverse('admin:sheets_conflict_changelist')}?state=open"


def opt_outs(desk: Desk) -> Look:
    """People who said stop in the last seven days."""
    since = (timezone.localdate() - timedelta(days=7)).isoformat()  # the list compares days on the house's clock
    count = OptOut.objects.visible_to(desk.actor).live().filter(created_at__date__gte=since).count()
    query = urlencode({"created_at__date__gte": since, "deleted_at__isnull": "1"})
    return count, f"{reverse('admin:messaging_optout_changelist')}?{query}"


def payable_parts(desk: Desk) -> Look:
    """Parts of commissions that may be paid today."""
    count = parts(actor=desk.actor, asked={"show": "due"}).count()
    return count, f"/o/{desk.actor.organization.slug}/commissions/parts/?show=due"


def bounced_cheques(desk: Desk) -> Look:
    """What clients paid that was taken back, and that they still owe."""
    count = Receipt.objects.visible_to(desk.actor).filter(OWED_AGAIN).count()
    return count, f"{reverse('admin:commissions_receipt_changelist')}?stands=owed"


def troubled_numbers(desk: Desk) -> Look:
    """WhatsApp numbers that are blocked, do not work, or about which the last check found something."""
    count = filtered_numbers(actor=desk.actor, state="trouble").count()
    return count, f"/o/{desk.actor.organization.slug}/whatsapp/numbers/?state=trouble"


CARDS: list[Card] = [
    Card(
        "unanswered",
        _("Unanswered"),
        _("waiting for more than 15 minutes"),
        Capability.CONVERSATIONS_READ,
        inbox("unanswered"),
        "bad",
    ),
    Card(
        "closing",
        _("Window closing"),
        _("within two hours; then only templates"),
        Capability.CONVERSATIONS_READ,
        inbox("closing"),
        "warn",
    ),
    Card(
        "unassigned",
        _("Unassigned"),
        _("nobody answers them"),
        Capability.CONVERSATIONS_READ,
        inbox("unassigned"),
        "warn",
    ),
    Card(
        "numbers",
        _("WhatsApp numbers"),
        _("blocked, not working, or with a warning"),
        Capability.CHANNELS_READ,
        troubled_numbers,
        "bad",
    ),
    Card("stops", _("Stops"), _("said in the last seven days"), Capability.CONVERSATIONS_READ, opt_outs),
    Card(
        "running",
        _("Campaigns running"),
        _("going out now"),
        Capability.CAMPAIGNS_READ,
        rows("campaigns.campaign", status__exact="running"),
    ),
    Card(
        "paused",
        _("Campaigns paused"),
        _("waiting for somebody to look"),
        Capability.CAMPAIGNS_READ,
        rows("campaigns.campaign", status__exact="paused"),
        "warn",
    ),
    Card(
        "campaign_approvals",
        _("Campaigns to approve"),
        _("written, not yet approved"),
        Capability.CAMPAIGNS_APPROVE,
        rows("campaigns.campaign", status__exact="in_review"),
        "warn",
    ),
    Card(
        "alerts",
        _("Numbers: limit reached"),
        _("somebody asked for more than usual"),
        Capability.AUDIT_READ,
        rows("crm.disclosurealert", seen_at__isempty="1"),
        "bad",
    ),
    Card(
        "imports",
        _("Imports failed"),
        _("the reason stands in each"),
        Capability.SHEETS_IMPORT,
        rows("sheets.importrun", status__exact="failed"),
        "bad",
    ),
    Card("stale", _("Sheets stale"), _("two intervals without a sync"), Capability.SHEETS_IMPORT, stale_sheets, "warn"),
    Card(
        "sheets",
        _("Sheets failed"),
        _("the next step stands in each"),
        Capability.SHEETS_IMPORT,
        rows("sheets.spreadsheet", status__exact="failed"),
        "bad",
    ),
    Card(
        "conflicts", _("Conflicts"), _("cells changed on both sides"), Capability.SHEETS_IMPORT, open_conflicts, "warn"
    ),
    Card(
        "commission_approvals",
        _("Commissions to approve"),
        _("not by whoever entered them"),
        Capability.COMMISSIONS_APPROVE,
        rows("commissions.commission", status__exact="pending"),
        "warn",
    ),
    Card(
        "disputed",
        _("Disputed"),
        _("nothing of it is paid until it is resolved"),
        Capability.COMMISSIONS_READ,
        rows("commissions.commission", status__exact="disputed"),
        "warn",
    ),
    Card(
        "bounced",
        _("Bounced cheques"),
        _("taken back, and still owed by the client"),
        Capability.COMMISSIONS_WRITE,
        bounced_cheques,
        "warn",
    ),
    Card(
        "payable",
        _("Parts to pay"),
        _("approved, and may be paid today"),
        Capability.COMMISSIONS_READ,
        payable_parts,
    ),
    Card(
        "payout_approvals",
        _("Payouts to approve"),
        _("not by whoever collected them"),
        Capability.COMMISSIONS_APPROVE,
        rows("commissions.payoutbatch", status__exact="proposed"),
        "warn",
    ),
    Card(
        "at_bank",
        _("At the bank"),
        _("people whose money is on its way"),
        Capability.COMMISSIONS_PAY,
        rows("commissions.payoutline", state__exact="waiting"),
    ),
    Card(
        "bank_details",
        _("Bank details to verify"),
        _("until then nobody is paid to them"),
        Capability.BANK_DETAILS_READ,
        rows("crm.bankdetails", verified_at__isempty="1"),
        "warn",
    ),
    Card(
        "duplicates",
        _("Possible duplicates"),
        _("nobody has said whether they are one"),
        Capability.CONTACTS_MERGE,
        rows("crm.duplicatecandidate", state__exact="open"),
    ),
    Card(
        "webhooks",
        _("Webhooks stopped"),
        _("their programs are told nothing"),
        Capability.ORGANIZATION_MANAGE,
        rows("core.hookendpoint", is_active__exact="0"),
        "bad",
    ),
    Card(
        "available",
        _("Units available"),
        _("to be sold or let"),
        Capability.CRM_READ,
        rows("crm.property", status__exact="available"),
    ),
]

# What is whose work, most pressing first; the other figures that a role may see stand below.
DESKS: dict[Role, list[str]] = {
    Role.ADMIN: ["numbers", "webhooks", "alerts", "sheets", "stale", "imports", "conflicts", "unanswered", "paused"],
    Role.MANAGER: [
        "unanswered", "closing", "unassigned", "campaign_approvals", "paused", "commission_approvals",
        "payout_approvals", "disputed", "conflicts", "duplicates",
    ],
    Role.ACCOUNTANT: ["payable", "bounced", "payout_approvals", "at_bank", "bank_details", "disputed", "commission_approvals"],
    Role.VIEWER: ["available", "running", "unanswered", "numbers"],
}  # fmt: skip
