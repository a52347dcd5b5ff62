"""What waits for somebody: approvals, disputes, what is overdue, what came back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Sum

from commissions.filtering import OVERDUE, OWED_AGAIN, CommissionFilter, due, payable, since_when
from commissions.models import (
    Clawback,
    Commission,
    CommissionPayment,
    CommissionSplit,
    Dispute,
    Receipt,
    ReceiptReversal,
    Status,
)
from commissions.selectors.lists import PAGE, Listing
from core.actors import Actor
from core.roles import Capability
from crm.keyset import Order, page_of

OLDEST = Order("oldest")
SHOWN = 10
LATELY = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Amount:
    """How many rows, and what they come to in one currency."""

    currency: str
    count: int
    minor: int


@dataclass(frozen=True, slots=True)
class Exceptions:
    """What is not as it should be: open disputes, parts due for long, payments that came back since `since`,
    receipts of clients that bounced and were not made good, claw-backs; of each the sums and the SHOWN oldest (of what
    came back the newest)."""

    since: date
    disputes: list[Dispute]
    disputed: tuple[Amount, ...]
    overdue: list[CommissionSplit]
    overdue_sums: tuple[Amount, ...]
    taken_back: list[CommissionPayment]
    taken_back_sums: tuple[Amount, ...]
    bounced: list[ReceiptReversal]
    bounced_sums: tuple[Amount, ...]
    clawed_back: list[Clawback]


def pending_approvals(*, actor: Actor) -> QuerySet[Commission]:
    """What waits for an approval, oldest first, with deal, unit and agent; those the actor may not approve are in it
    too, and are refused with the reason (`pays_me`: the actor has a part in it). One query when read."""
    actor.require(Capability.COMMISSIONS_READ)
    mine = CommissionSplit.objects.filter(commission=OuterRef("pk"), agent__membership=actor.membership)
    pending: QuerySet[Commission] = Commission.objects.visible_to(actor).filter(status=Status.PENDING)
    joined = pending.select_related("deal__property__project", "deal__agent", "created_by__user", "plan_version__plan")
    return joined.annotate(pays_me=Exists(mine)).order_by("id")


def awaiting(*, actor: Actor, asked: Mapping[str, Any]) -> QuerySet[Commission]:
    """The same, narrowed by the filters of CommissionFilter."""
    chosen: QuerySet[Commission] = CommissionFilter(asked, pending_approvals(actor=actor)).qs
    return chosen


def approval_page(*, actor: Actor, asked: Mapping[str, Any], after: str = "", limit: int = PAGE) -> Listing:
    """A page of what waits, oldest first, narrowed by CommissionFilter, and its sums. Two queries."""
    chosen = awaiting(actor=actor, asked=asked)
    rows, following = page_of(chosen, OLDEST, after, limit)
    plain: QuerySet[Any] = Commission.objects.filter(pk__in=chosen.order_by().values("pk"))
    return Listing(rows, _amounts(plain, "amount_minor"), following)


def status_counts(*, actor: Actor) -> dict[Status, int]:
    """How many commissions are in each status, for badges. One query."""
    actor.require(Capability.COMMISSIONS_READ)
    rows = Commission.objects.visible_to(actor).order_by().values_list("status").annotate(count=Count("pk"))
    counts = dict(rows)
    return {status: counts.get(status.value, 0) for status in Status}


def exceptions(*, actor: Actor, today: date) -> Exceptions:
    """What somebody should look into. Nine queries (a supervisor's reports are one more)."""
    actor.require(Capability.COMMISSIONS_READ)
    parts = CommissionSplit.objects.visible_to(actor)
    disputed = parts.filter(commission__status=Status.DISPUTED)
    open_disputes = Dispute.objects.for_organization(actor.organization).filter(
        resolutions__isnull=True, commission__in=disputed.values("commission")
    )
    late = since_when(due(parts, today)).filter(owed_on__lt=today - OVERDUE)
    late_parts = CommissionSplit.objects.filter(pk__in=late.order_by().values("pk"))
    since = today - LATELY
    returned = CommissionPayment.objects.visible_to(actor).filter(reversals__isnull=False, paid_on__gte=since)
    receipts = Receipt.objects.for_organization(actor.organization).filter(
        OWED_AGAIN, instalment__commission__in=Commission.objects.visible_to(actor).values("pk")
    )
    unit = "commission__deal__property__project"
    return Exceptions(
        since=since,
        disputes=list(open_disputes.select_related("opened_by__user", unit).order_by("pk")[:SHOWN]),
        disputed=_amounts(disputed, "amount_minor"),
        overdue=list(late.select_related("agent", "contact", unit).order_by("owed_on", "pk")[:SHOWN]),
        overdue_sums=_amounts(late_parts, payable(today)),
        taken_back=list(
            returned.select_related("split__agent", "split__contact")
            .annotate(taken_back=F("reversals__reason"))
            .order_by("-pk")[:SHOWN]
        ),
        taken_back_sums=_amounts(returned, "amount_minor"),
        bounced=list(
            ReceiptReversal.objects.filter(receipt__in=receipts.values("pk"))
            .select_related(f"receipt__instalment__{unit}", "reversed_by__user")
            .order_by("-pk")[:SHOWN]
        ),
        bounced_sums=_amounts(receipts, "amount_minor"),
        clawed_back=list(
            Clawback.objects.for_organization(actor.organization)
            .filter(split__in=parts.values("pk"))
            .select_related("split__agent", "split__contact", "split__commission__deal__property")
            .order_by("-pk")[:SHOWN]
        ),
    )


def _amounts(rows: QuerySet[Any], what: Any) -> tuple[Amount, ...]:
    summed = rows.order_by("currency").values("currency").annotate(count=Count("pk"), total=Sum(what))
    return tuple(Amount(row["currency"], row["count"], row["total"]) for row in summed)
