"""Lists of parts and of payments, page by page, with what they sum to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from commissions.filtering import LEFT, PartFilter, PaymentFilter, held, payable
from commissions.models import CommissionPayment, CommissionSplit, Status
from core.actors import Actor
from core.roles import Capability
from crm.keyset import NEWEST, page_of

PAGE = 50


@dataclass(frozen=True, slots=True)
class PartSum:
    """What a list of parts comes to in one currency, in minor units; cancelled ones count nowhere. Of what is approved
    and not paid, `due_minor` may be paid now and `held_minor` not yet."""

    currency: str
    count: int
    amount_minor: int
    paid_minor: int
    due_minor: int
    held_minor: int


@dataclass(frozen=True, slots=True)
class PaymentSum:
    """What standing payments of a list come to, and what was taken back."""

    currency: str
    paid_minor: int
    taken_back_minor: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list; `next` is the cursor of the following one, "" at the end."""

    rows: list[Any]
    sums: tuple[Any, ...]
    next: str


def parts(*, actor: Actor, asked: Mapping[str, Any]) -> QuerySet[CommissionSplit]:
    """The parts that the actor may see, narrowed by the filters of PartFilter; what makes no sense is passed over."""
    actor.require(Capability.COMMISSIONS_READ)
    chosen: QuerySet[CommissionSplit] = PartFilter(asked, CommissionSplit.objects.visible_to(actor)).qs
    return chosen


def part_page(*, actor: Actor, asked: Mapping[str, Any], after: str = "", limit: int = PAGE) -> Listing:
    """A page of parts, newest first, with unit, project and people. Two queries (a supervisor's reports are a third)."""
    chosen = parts(actor=actor, asked=asked)
    joined = chosen.select_related("agent", "contact", "commission__deal__property__project")
    rows, following = page_of(joined, NEWEST, after, limit)
    # from the keys alone: a filter may have grouped the rows
    alive = CommissionSplit.objects.filter(pk__in=chosen.order_by().values("pk"))
    alive = alive.exclude(commission__status=Status.CANCELLED)
    today = timezone.localdate()
    sums = (
        alive.order_by("currency")
        .values("currency")
        .annotate(
            amount=Sum("amount_minor"),
            paid=Sum("paid_minor"),
            due=Sum(payable(today), filter=LEFT, default=0),
            held=Sum(held(today), filter=LEFT, default=0),
            rows=Sum(1),
        )
    )
    return Listing(
        rows,
        tuple(
            PartSum(row["currency"], row["rows"], row["amount"], row["paid"], row["due"], row["held"]) for row in sums
        ),
        following,
    )


def payments(*, actor: Actor, asked: Mapping[str, Any]) -> QuerySet[CommissionPayment]:
    """The payments that the actor may see, narrowed by the filters of PaymentFilter."""
    actor.require(Capability.COMMISSIONS_READ)
    chosen: QuerySet[CommissionPayment] = PaymentFilter(asked, CommissionPayment.objects.visible_to(actor)).qs
    return chosen


def payment_page(*, actor: Actor, asked: Mapping[str, Any], after: str = "", limit: int = PAGE) -> Listing:
    """A page of payments, newest first, with whom they went to and why they were taken back. Two queries."""
    chosen = payments(actor=actor, asked=asked)
    joined = chosen.select_related("split__agent", "split__contact", "split__commission__deal__property")
    rows, following = page_of(joined.annotate(taken_back=F("reversals__reason")), NEWEST, after, limit)
    stands = Q(reversals__isnull=True)
    sums = (
        chosen.order_by("currency")
        .values("currency")
        .annotate(
            paid=Sum("amount_minor", filter=stands, default=0), back=Sum("amount_minor", filter=~stands, default=0)
        )
    )
    return Listing(rows, tuple(PaymentSum(row["currency"], row["paid"], row["back"]) for row in sums), following)
