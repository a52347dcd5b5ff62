"""The back office's first page: what needs somebody now. Every number opens exactly the rows that it counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.db.models import Count
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.roles import Capability
from crm.models import DisclosureAlert, Property
from crm.models.stock import PropertyStatus
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

    title: Any
    hint: Any
    capability: Capability
    look: Callable[[Desk], Look]
    tone: str = "calm"


def rows(label: str, **filters: str) -> Callable[[Desk], Look]:
    """Count the rows of a model by the very question that its back-office list is then asked."""

    def look(desk: Desk) -> Look:
        model = apps.get_model(label)
        wanted = {name: value.split(",") if name.endswith("__in") else value for name, value in filters.items()}
        count = model._default_manager.visible_to(desk.actor).filter(**wanted).count()
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        return count, f"{address}?{urlencode(filters)}"

    return look


def inbox(box: str) -> Callable[[Desk], Look]:
    """Count conversations as that view of the inbox does."""

    def look(desk: Desk) -> Look:
        return getattr(desk.inbox, box), f"/o/{desk.actor.organization.slug}/inbox/?box={box}"

    return look


def alerts(desk: Desk) -> Look:
    """Members who reached the limit of numbers an hour, and whom nobody has looked into yet."""
    waiting = DisclosureAlert.objects.visible_to(desk.actor).filter(seen_at__isnull=True).count()
    return waiting, f"{reverse('admin:crm_disclosurealert_changelist')}?seen_at__isempty=1"


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


def troubled_numbers(desk: Desk) -> Look:
    """WhatsApp numbers that are blocked, do not work, or about which the last check found something."""
    count = filtered_numbers(actor=desk.actor, state="trouble").count()
    return count, f"/o/{desk.actor.organization.slug}/whatsapp/numbers/?state=trouble"


CARDS: list[Card] = [
    Card(
        _("Unanswered"),
        _("waiting for more than 15 minutes"),
        Capability.CONVERSATIONS_READ,
        inbox("unanswered"),
        "bad",
    ),
    Card(
        _("Window closing"),
        _("within two hours; then only templates"),
        Capability.CONVERSATIONS_READ,
        inbox("closing"),
        "warn",
    ),
    Card(_("Unassigned"), _("nobody answers them"), Capability.CONVERSATIONS_READ, inbox("unassigned"), "warn"),
    Card(
        _("WhatsApp numbers"),
        _("blocked, not working, or with a warning"),
        Capability.CHANNELS_READ,
        troubled_numbers,
        "bad",
    ),
    Card(_("Stops"), _("said in the last seven days"), Capability.CONVERSATIONS_READ, opt_outs),
    Card(
        _("Campaigns running"),
        _("going out now"),
        Capability.CAMPAIGNS_READ,
        rows("campaigns.campaign", status__exact="running"),
    ),
    Card(
        _("Campaigns paused"),
        _("waiting for somebody to look"),
        Capability.CAMPAIGNS_READ,
        rows("campaigns.campaign", status__exact="paused"),
        "warn",
    ),
    Card(
        _("Campaigns to approve"),
        _("written, not yet approved"),
        Capability.CAMPAIGNS_APPROVE,
        rows("campaigns.campaign", status__exact="in_review"),
        "warn",
    ),
    Card(
        _("Numbers: limit reached"),
        _("somebody asked for more than usual"),
        Capability.AUDIT_READ,
        alerts,
        "bad",
    ),
    Card(
        _("Imports failed"),
        _("the reason stands in each"),
        Capability.SHEETS_IMPORT,
        rows("sheets.importrun", status__exact="failed"),
        "bad",
    ),
    Card(_("Sheets stale"), _("two intervals without a sync"), Capability.SHEETS_IMPORT, stale_sheets, "warn"),
    Card(
        _("Sheets failed"),
        _("the next step stands in each"),
        Capability.SHEETS_IMPORT,
        rows("sheets.spreadsheet", status__exact="failed"),
        "bad",
    ),
    Card(_("Conflicts"), _("cells changed on both sides"), Capability.SHEETS_IMPORT, open_conflicts, "warn"),
    Card(
        _("Commissions to approve"),
        _("not by whoever entered them"),
        Capability.COMMISSIONS_APPROVE,
        rows("commissions.commission", status__exact="pending"),
        "warn",
    ),
    Card(
        _("Payouts due"),
        _("approved and not wholly paid"),
        Capability.COMMISSIONS_READ,
        rows("commissions.commission", status__in="approved,part_paid"),
    ),
    Card(
        _("Units available"),
        _("to be sold or let"),
        Capability.CRM_READ,
        rows("crm.property", status__exact="available"),
    ),
]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the chart: `share` of the longest, in percent; its address opens the rows that it counts."""

    title: str
    count: int
    share: int
    address: str


def stock_by_status(actor: Actor) -> list[Bar]:
    """The units of the house by where they stand. One query."""
    counts: dict[str, int] = dict(
        Property.objects.visible_to(actor).live().order_by().values_list("status").annotate(Count("pk"))
    )
    most = max(counts.values(), default=0)
    address = reverse("admin:crm_property_changelist")
    return [
        Bar(
            title=gettext(status.label),
            count=counts[status.value],
            share=max(1, round(100 * counts[status.value] / most)),
            address=f"{address}?status__exact={status.value}",
        )
        for status in PropertyStatus
        if counts.get(status.value)
    ]


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add this member's figures to the first page of the back office. One query a figure at most."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    desk = Desk(actor)
    figures = []
    for card in CARDS:
        if actor.can(card.capability):
            try:
                count, address = card.look(desk)
            except NoReverseMatch:  # its list is not part of this back office, so its number could not be opened
                continue
            tone = card.tone if count else "none"
            figures.append({"title": card.title, "hint": card.hint, "count": count, "address": address, "tone": tone})
    needs = [figure for figure in figures if figure["count"] and figure["tone"] in ("bad", "warn")]
    return {
        **context,
        "title": _("Overview"),
        "figures": sorted(figures, key=lambda figure: figure not in needs),
        "needs": len(needs),
        "stock": stock_by_status(actor) if actor.can(Capability.CRM_READ) else [],
        "first_name": actor.user.name.split()[0] if actor.user else "",
    }
