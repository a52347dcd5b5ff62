"""One commission with everything that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from commissions.errors import CommissionUnknown
from commissions.models import Approval, Cancellation, Commission, CommissionPayment, CommissionSplit, Dispute, Status
from core.actors import Actor
from core.models import Membership
from core.roles import Capability, Reach


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody decided: `kind` is approved, disputed, said, resolved or cancelled; `by` is None for Majlis itself."""

    at: datetime
    kind: str
    by: Membership | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """A commission, the parts of it that the actor may see, what was paid of those, and what people said."""

    commission: Commission
    splits: list[CommissionSplit]
    payments: list[CommissionPayment]
    steps: list[Step]
    open_dispute: Dispute | None
    refusal: str  # why this actor may not approve it: "", "made" or "paid"
    may_dispute: bool


def explained(*, actor: Actor, commission_id: int) -> Explained:
    """Deal, plan version, rate, parts, payments and decisions of one commission. Nine queries, however much was paid.

    Agents see their own parts alone. Raises CommissionUnknown.
    """
    actor.require(Capability.COMMISSIONS_READ)
    joined = Commission.objects.visible_to(actor).select_related(
        "deal__property__project", "deal__agent", "plan_version__plan", "created_by__user"
    )
    commission: Commission | None = joined.filter(pk=commission_id).first()
    if commission is None:
        raise CommissionUnknown("There is no such commission here.", commission=commission_id)
    splits = list(
        CommissionSplit.objects.visible_to(actor)
        .filter(commission=commission)
        .select_related("agent", "contact")
        .order_by("position")
    )
    payments = CommissionPayment.objects.visible_to(actor).filter(split__commission=commission)
    disputes = list(
        Dispute.objects.visible_to(actor)
        .filter(commission=commission)
        .select_related("opened_by__user")
        .prefetch_related("resolutions__resolved_by__user", "messages__author__user")
        .order_by("pk")
    )
    mine = [
        split
        for split in splits
        if split.agent and actor.membership and split.agent.membership_id == actor.membership.pk
    ]
    return Explained(
        commission=commission,
        splits=splits,
        payments=list(
            payments.select_related("split__agent", "split__contact", "paid_by__user")
            .annotate(taken_back=F("reversals__reason"))
            .order_by("pk")
        ),
        steps=_steps(actor, commission, disputes),
        open_dispute=next((one for one in reversed(disputes) if not one.resolutions.all()), None),
        refusal=refusal(actor, commission, bool(mine)),
        may_dispute=commission.status not in {Status.DISPUTED, Status.CANCELLED}
        and (bool(mine) or actor.can(Capability.COMMISSIONS_WRITE)),
    )


def refusal(actor: Actor, commission: Commission, is_paid_by_it: bool) -> str:
    """Why the actor may not decide about a commission: "paid" by it, "made" it, or "" when he may."""
    if is_paid_by_it:
        return "paid"
    made = actor.membership is not None and commission.created_by_id == actor.membership.pk
    return "made" if made else ""


def _steps(actor: Actor, commission: Commission, disputes: list[Dispute]) -> list[Step]:
    rows: list[Step] = []
    for kind, model, who, text in (
        ("approved", Approval, "approved_by", ""),
        ("cancelled", Cancellation, "cancelled_by", "reason"),
    ):
        found: Any = model.objects.visible_to(actor).filter(commission=commission).select_related(f"{who}__user")
        rows += [Step(row.at, kind, getattr(row, who), getattr(row, text) if text else "") for row in found]
    for dispute in disputes:
        rows.append(Step(dispute.at, "disputed", dispute.opened_by, dispute.reason))
        rows += [Step(one.at, "said", one.author, one.text) for one in dispute.messages.all()]
        rows += [Step(one.at, "resolved", one.resolved_by, one.resolution) for one in dispute.resolutions.all()]
    return sorted(rows, key=lambda step: step.at)


def sees_all(actor: Actor) -> bool:
    """Whether the whole house is in view: then parts sum to the commission, the house's own included."""
    return actor.reach is Reach.ORGANIZATION
