"""What is owed to whom, and for how long: aged payables, now or at the end of a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import BigIntegerField, DateField, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from commissions.filtering import AGES
from commissions.models import Approval, Cancellation, CommissionPayment, CommissionSplit, SplitRole, Status
from core.actors import Actor
from core.roles import Capability
from ledger.models import Account, Entry


@dataclass(frozen=True, slots=True)
class Payable:
    """One beneficiary in one currency, in minor units: `bands` by AGES, and what a dispute holds (now only)."""

    agent_id: int | None
    contact_id: int | None
    name: str
    currency: str
    bands: tuple[int, ...]
    held_minor: int

    @property
    def total_minor(self) -> int:
        return sum(self.bands) + self.held_minor


@dataclass(frozen=True, slots=True)
class Payables:
    """`books` is what the payable accounts stand at, by currency: the sum of the rows, or something is wrong."""

    on: date
    rows: tuple[Payable, ...]
    books: dict[str, int]

    def total(self, currency: str) -> int:
        return sum(row.total_minor for row in self.rows if row.currency == currency)


def payables(*, actor: Actor, today: date, as_of: date | None = None) -> Payables:
    """Parts that are approved and not paid in full, by how long ago they came to be owed. Two queries.

    As of a past day, what was approved, paid, taken back or cancelled later is left out, and disputes are not told
    apart: what a dispute holds is owed.
    """
    actor.require(Capability.LEDGER_READ)
    on = as_of or today
    approved = Approval.objects.filter(commission=OuterRef("commission")).values("transfer__effective_on")
    parts: QuerySet[Any] = CommissionSplit.objects.visible_to(actor).exclude(role=SplitRole.HOUSE)
    parts = parts.annotate(owed_on=Subquery(approved[:1], output_field=DateField())).filter(owed_on__isnull=False)
    if as_of is None:
        parts = parts.exclude(commission__status=Status.CANCELLED).annotate(left=F("amount_minor") - F("paid_minor"))
    else:
        parts = _then(parts, as_of)
    held = Q(commission__status=Status.DISPUTED) if as_of is None else Q(pk__isnull=True)
    bands = {f"band_{name}": Sum("left", filter=_band(name, on) & ~held, default=0) for name in AGES}
    rows: Iterable[dict[str, Any]] = (
        parts.filter(left__gt=0)
        .order_by()
        .values("agent", "agent__name", "contact", "contact__display_name", "currency")
        .annotate(**bands, held=Sum("left", filter=held, default=0))
    )
    found = [
        Payable(
            row["agent"],
            row["contact"],
            row["agent__name"] or row["contact__display_name"],
            row["currency"],
            tuple(row[name] for name in bands),
            row["held"],
        )
        for row in rows
    ]
    found.sort(key=lambda row: (row.currency, -row.total_minor, row.name))
    return Payables(on, tuple(found), _books(actor, as_of))


def _then(parts: QuerySet[Any], day: date) -> QuerySet[Any]:
    """Parts as they stood at the end of a day, by the dates of the books."""
    cancelled = Cancellation.objects.filter(transfer__effective_on__lte=day).values("commission")
    paid = CommissionPayment.objects.filter(split=OuterRef("pk"), transfer__effective_on__lte=day).exclude(
        reversals__transfer__effective_on__lte=day
    )
    paid_then = paid.order_by().values("split").annotate(total=Sum("amount_minor")).values("total")
    standing: QuerySet[Any] = parts.filter(owed_on__lte=day).exclude(commission__in=cancelled)
    then: QuerySet[Any] = standing.annotate(
        left=F("amount_minor") - Coalesce(Subquery(paid_then, output_field=BigIntegerField()), 0)
    )
    return then


def _band(name: str, on: date) -> Q:
    youngest, oldest = AGES[name]
    # what is dated ahead is as young as can be
    band = Q(owed_on__lte=on - timedelta(days=youngest)) if youngest else Q()
    return band if oldest is None else band & Q(owed_on__gte=on - timedelta(days=oldest))


def _books(actor: Actor, as_of: date | None) -> dict[str, int]:
    """What the payable accounts stand at, by currency."""
    accounts = Account.objects.visible_to(actor).filter(code__startswith="payable:")
    left: Any = F("balance_minor")
    if as_of is not None:
        later = Entry.objects.filter(account=OuterRef("pk"), effective_on__gt=as_of).order_by().values("account")
        moved = Subquery(later.annotate(total=Sum("amount_minor")).values("total"), output_field=BigIntegerField())
        left = F("balance_minor") - Coalesce(moved, 0)
    rows = accounts.annotate(left=left).order_by("currency").values("currency").annotate(total=-Sum("left"))
    return {row["currency"]: row["total"] for row in rows}
