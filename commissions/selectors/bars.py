"""What charts show: what was earned by month, by project and by agent, and how much of it is paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from commissions.filtering import LEFT, payable
from commissions.models import CommissionSplit, Status
from core.actors import Actor
from core.roles import Capability

MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in minor units: `key` is a first of month, or the key of a project or an agent. amount = paid + due +
    what waits for approval or for the client, is disputed, held back or the house's own."""

    key: Any
    label: str
    amount_minor: int
    paid_minor: int
    due_minor: int


@dataclass(frozen=True, slots=True)
class Charts:
    """One currency. By month the newest MOST_BARS in order of time; by project and agent the largest MOST_BARS."""

    currency: str
    by_month: tuple[Bar, ...]
    by_project: tuple[Bar, ...]
    by_agent: tuple[Bar, ...]


def charts(*, actor: Actor, currency: str, since: date | None = None, until: date | None = None) -> Charts:
    """Of the parts that the actor may see, not cancelled, earned between two days. Three queries."""
    actor.require(Capability.COMMISSIONS_READ)
    parts = CommissionSplit.objects.visible_to(actor).filter(currency=currency)
    parts = parts.exclude(commission__status=Status.CANCELLED)
    if since is not None:
        parts = parts.filter(commission__earned_on__gte=since)
    if until is not None:
        parts = parts.filter(commission__earned_on__lte=until)
    project = "commission__deal__property__project"
    months = parts.annotate(month=TruncMonth("commission__earned_on"))
    newest = _bars(months, "month", "month", order="-month")
    return Charts(
        currency=currency,
        by_month=tuple(reversed(newest)),
        by_project=_bars(parts, project, f"{project}__name", order="-amount"),
        by_agent=_bars(parts.filter(agent__isnull=False), "agent", "agent__name", order="-amount"),
    )


def _bars(parts: QuerySet[Any], key: str, label: str, *, order: str) -> tuple[Bar, ...]:
    rows = (
        parts.order_by()
        .values(key, label)
        .annotate(
            amount=Sum("amount_minor"),
            paid=Sum("paid_minor"),
            due=Sum(payable(timezone.localdate()), filter=LEFT, default=0),
        )
        .order_by(order, key)[:MOST_BARS]
    )
    return tuple(Bar(row[key], str(row[label]), row["amount"], row["paid"], row["due"]) for row in rows)
