"""Payouts through the bank, page by page, and one of them line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Prefetch, QuerySet, Sum
from django.db.models.functions import Coalesce

from commissions.errors import PayoutUnknown
from commissions.filtering import PayoutFilter
from commissions.models import LineState, PayoutApproval, PayoutBatch, PayoutItem, PayoutLine, PayoutStatus
from commissions.selectors.lists import PAGE, Listing
from core.actors import Actor
from core.roles import Capability
from crm.keyset import NEWEST, page_of


@dataclass(frozen=True, slots=True)
class PayoutSum:
    """What of a list of payouts the bank has not paid yet, in minor units of one currency."""

    currency: str
    waiting_minor: int


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout with its lines, their parts, and what this actor may do about it now."""

    batch: Any
    lines: list[PayoutLine]
    approval: PayoutApproval | None
    refusal: str  # why this actor may not approve it: "", "made" or "paid"

    @property
    def waiting(self) -> bool:
        """Whether the bank has yet to answer something of it."""
        return any(line.state == LineState.WAITING for line in self.lines)

    @property
    def untouched(self) -> bool:
        """Whether the bank has answered nothing of it: then it may still be cancelled."""
        return all(line.state == LineState.WAITING for line in self.lines)


def payouts(*, actor: Actor, asked: Mapping[str, Any]) -> QuerySet[PayoutBatch]:
    """The payouts that the actor may see, narrowed by PayoutFilter."""
    actor.require(Capability.COMMISSIONS_READ)
    chosen: QuerySet[PayoutBatch] = PayoutFilter(asked, PayoutBatch.objects.visible_to(actor)).qs
    return chosen


def payout_page(*, actor: Actor, asked: Mapping[str, Any], after: str = "", limit: int = PAGE) -> Listing:
    """A page of payouts, newest first, with `line_count` and `sum_minor`. Two queries."""
    chosen = payouts(actor=actor, asked=asked)
    rows, following = page_of(_summed(chosen).select_related("made_by__user"), NEWEST, after, limit)
    waiting = PayoutLine.objects.visible_to(actor).filter(
        batch__in=chosen.filter(status=PayoutStatus.APPROVED).order_by().values("pk"), state=LineState.WAITING
    )
    sums = waiting.order_by("currency").values_list("currency").annotate(Sum("amount_minor"))
    return Listing(rows, tuple(PayoutSum(currency, minor) for currency, minor in sums), following)


def payout(*, actor: Actor, batch_id: int) -> Payout:
    """One payout. As many queries however long it is. Raises PayoutUnknown."""
    actor.require(Capability.COMMISSIONS_READ)
    found = _summed(PayoutBatch.objects.visible_to(actor)).select_related("made_by__user").filter(pk=batch_id).first()
    if found is None:
        raise PayoutUnknown("There is no such payout here.", payout=batch_id)
    items = PayoutItem.objects.select_related("split__commission__deal__property__project").order_by("pk")
    lines = PayoutLine.objects.visible_to(actor).filter(batch=found).select_related("agent")
    listed = list(lines.prefetch_related(Prefetch("items", items)).order_by("position"))
    me = actor.membership.pk if actor.membership else None
    paid = any(line.agent.membership_id == me for line in listed)
    approval = PayoutApproval.objects.filter(batch=found).select_related("approved_by__user").first()
    return Payout(found, listed, approval, "paid" if paid else "made" if found.made_by_id == me else "")


def _summed(batches: QuerySet[Any]) -> QuerySet[Any]:
    summed: QuerySet[Any] = batches.annotate(
        line_count=Count("lines"), sum_minor=Coalesce(Sum("lines__amount_minor"), 0)
    )
    return summed
