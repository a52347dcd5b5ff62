"""What of commissions waits for this member today: approvals, and what is due to him."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone

from commissions.filtering import due
from commissions.models import CommissionSplit
from commissions.selectors.waiting import pending_approvals
from core.actors import Actor
from core.roles import Capability


@dataclass(frozen=True, slots=True)
class Money:
    """`due`: currency and minor units, of one's own parts that may be paid today; `to_approve`: how many commissions."""

    due: list[tuple[str, int]]
    to_approve: int


def money_today(actor: Actor, _shown: Any = None) -> Money | None:
    """None when nothing waits. Two queries at most."""
    if not actor.can(Capability.COMMISSIONS_READ) or actor.membership is None:
        return None
    approves = actor.can(Capability.COMMISSIONS_APPROVE)
    pending: QuerySet[Any] = pending_approvals(actor=actor)
    waiting = pending.filter(pays_me=False).order_by().count() if approves else 0
    mine = due(
        CommissionSplit.objects.visible_to(actor).filter(agent__membership=actor.membership), timezone.localdate()
    )
    sums = list(mine.order_by("currency").values_list("currency").annotate(sum=Sum("due_now")))
    return Money(sums, waiting) if sums or waiting else None
