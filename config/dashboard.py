"""The back office's first page: what needs this member now. Every number opens exactly the rows that it counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, TextChoices
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commissions.models import Commission, Status
from config.cards import CARDS, DESKS, Desk
from core import health
from core.actors import Actor
from core.roles import Capability, Role
from crm.models import Property
from crm.models.stock import PropertyStatus


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the chart: `share` of the longest, in percent; its address opens the rows that it counts."""

    title: str
    count: int
    share: int
    address: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What there is of something, by where it stands."""

    name: str
    title: Any
    bars: list[Bar]


def charts(actor: Actor) -> list[Chart]:
    """Those of this member's work: money first for who pays, stock first for everybody else. A query each."""
    stock = Chart(
        "stock", _("Units by status"), _by_status(actor, Property.objects.visible_to(actor).live(), PropertyStatus)
    )
    if not actor.can(Capability.COMMISSIONS_READ):
        return [stock]
    money = Chart(
        "commissions", _("Commissions by status"), _by_status(actor, Commission.objects.visible_to(actor), Status)
    )
    return [money, stock] if _role(actor) == Role.ACCOUNTANT else [stock, money]


def _by_status(actor: Actor, rows: QuerySet[Any], statuses: type[TextChoices]) -> list[Bar]:
    counts: dict[str, int] = dict(rows.order_by().values_list("status").annotate(Count("pk")))
    most = max(counts.values(), default=0)
    address = reverse(f"admin:{rows.model._meta.app_label}_{rows.model._meta.model_name}_changelist")
    return [
        Bar(
            title=gettext(status.label),
            count=counts[status.value],
            share=max(1, round(100 * counts[status.value] / most)),
            address=f"{address}?status__exact={status.value}",
        )
        for status in statuses
        if counts.get(status.value)
    ]


def _role(actor: Actor) -> Role | None:
    return Role(actor.membership.role) if actor.membership else None


def callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add this member's figures to the first page of the back office. One query a figure at most."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    desk = Desk(actor)
    mine = DESKS.get(_role(actor) or Role.VIEWER, [])
    figures = []
    for card in CARDS:
        if actor.can(card.capability):
            try:
                count, address = card.look(desk)
            except NoReverseMatch:  # its list is not part of this back office, so its number could not be opened
                continue
            tone = card.tone if count else "none"
            place = mine.index(card.name) if card.name in mine else len(mine)
            figures.append(
                {
                    "title": card.title,
                    "hint": card.hint,
                    "count": count,
                    "address": address,
                    "tone": tone,
                    "place": place,
                }
            )
    asking = ("bad", "warn")
    figures.sort(key=lambda figure: (not (figure["count"] and figure["tone"] in asking), figure["place"]))
    first = [figure for figure in figures if figure["place"] < len(mine)]
    return {
        **context,
        "title": _("Overview"),
        "figures": first,
        "others": [figure for figure in figures if figure not in first],
        "needs": sum(1 for figure in first if figure["count"] and figure["tone"] in asking),
        "charts": [chart for chart in charts(actor) if chart.bars] if actor.can(Capability.CRM_READ) else [],
        "system": health.running() if actor.can(Capability.ORGANIZATION_MANAGE) else {},
        "first_name": actor.user.name.split()[0] if actor.user else "",
    }
