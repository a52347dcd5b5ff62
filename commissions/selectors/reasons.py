"""One commission with everything that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Prefetch
from django.utils import timezone

from commissions.errors import CommissionUnknown
from commissions.filtering import payable
from commissions.models import (
    Approval,
    Cancellation,
    Commission,
    CommissionPayment,
    CommissionSplit,
    Dispute,
    HoldBack,
    HoldBackRelease,
    Instalment,
    Receipt,
    ReceiptReversal,
    Rescheduling,
    SplitRole,
    Status,
)
from commissions.models.commissions import OF_A_DEAL, PAYABLE
from core.actors import Actor
from core.models import Membership
from core.roles import Capability, Reach

PLANNED = {Status.PENDING, Status.APPROVED}


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody decided or noted: `kind` is approved, disputed, said, resolved, cancelled, received, bounced, held,
    let_go or rescheduled; `by` is None for Majlis itself; `minor` is the money of a receipt."""

    at: datetime
    kind: str
    by: Membership | None
    text: str = ""
    minor: int = 0


@dataclass(frozen=True, slots=True)
class Explained:
    """A commission, the parts of it that the actor may see (with `payable`, in minor units: what of each may be paid
    today, once approved), what was paid of those, what the client paid, and what people said. `hold_back` is the one
    that keeps something back today."""

    commission: Commission
    splits: list[Any]
    payments: list[CommissionPayment]
    instalments: list[Instalment]
    hold_back: HoldBack | None
    steps: list[Step]
    open_dispute: Dispute | None
    refusal: str  # why this actor may not approve it: "", "made" or "paid"
    may_dispute: bool
    has_hold_back: bool  # once for a commission, also when it was let go

    @property
    def waits(self) -> bool:
        """Whether something of it is approved and left, and nothing of that may be paid now."""
        left = [split for split in self.splits if split.role != SplitRole.HOUSE and split.due_minor]
        return self.commission.status in PAYABLE and bool(left) and not any(split.payable for split in left)

    @property
    def receivable(self) -> list[Instalment]:
        """Of which the client may pay something now."""
        approved = self.commission.status in {*PAYABLE, Status.PAID, Status.DISPUTED}
        return [one for one in self.instalments if approved and one.due_minor]

    @property
    def standing_receipts(self) -> list[Receipt]:
        return [receipt for one in self.instalments for receipt in one.receipts.all() if not receipt.reversals.all()]

    @property
    def may_plan(self) -> bool:
        """Whether instalments may be said, or agreed anew."""
        if self.instalments:
            return self.commission.status != Status.CANCELLED
        untouched = not any(split.paid_minor for split in self.splits)
        return untouched and self.commission.side in OF_A_DEAL and self.commission.status in PLANNED

    @property
    def may_hold(self) -> bool:
        return not self.has_hold_back and self.commission.status not in {Status.PAID, Status.CANCELLED}

    @property
    def received_minor(self) -> int:
        """What came of the client's instalments."""
        return sum(one.received_minor for one in self.instalments)


def explained(*, actor: Actor, commission_id: int) -> Explained:
    """Deal, plan version, rate, parts, payments and decisions of one commission. As many queries however much was paid.

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
        .annotate(payable=payable(timezone.localdate()))
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
    instalments = list(
        Instalment.objects.for_organization(actor.organization)
        .filter(commission=commission)
        .prefetch_related(
            Prefetch("receipts", Receipt.objects.select_related("received_by__user").order_by("pk")),
            Prefetch("receipts__reversals", ReceiptReversal.objects.select_related("reversed_by__user")),
        )
        .order_by("position")
    )
    hold_backs = list(
        HoldBack.objects.for_organization(actor.organization)
        .filter(commission=commission)
        .select_related("held_by__user")
        .prefetch_related(Prefetch("releases", HoldBackRelease.objects.select_related("released_by__user")))
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
        instalments=[one for one in instalments if one.amount_minor],
        hold_back=next((one for one in hold_backs if _holds(one)), None),
        steps=sorted(
            _steps(actor, commission, disputes) + _of_the_client(actor, commission, instalments, hold_backs),
            key=lambda step: step.at,
        ),
        open_dispute=next((one for one in reversed(disputes) if not one.resolutions.all()), None),
        refusal=refusal(actor, commission, bool(mine)),
        may_dispute=commission.status not in {Status.DISPUTED, Status.CANCELLED}
        and (bool(mine) or actor.can(Capability.COMMISSIONS_WRITE)),
        has_hold_back=bool(hold_backs),
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
    return rows


def _of_the_client(
    actor: Actor, commission: Commission, instalments: list[Instalment], hold_backs: list[HoldBack]
) -> list[Step]:
    """What the client paid, what of it bounced, other days that were agreed on, and what is held back meanwhile."""
    rows: list[Step] = []
    for receipt in (receipt for one in instalments for receipt in one.receipts.all()):
        rows.append(Step(receipt.at, "received", receipt.received_by, receipt.reference, receipt.amount_minor))
        rows += [
            Step(one.at, "bounced", one.reversed_by, f"{receipt.reference}: {one.reason}", receipt.amount_minor)
            for one in receipt.reversals.all()
        ]
    for held in hold_backs:
        rows.append(Step(held.at, "held", held.held_by, held.reason))
        rows += [Step(one.at, "let_go", one.released_by, one.reason) for one in held.releases.all()]
    moved = Rescheduling.objects.for_organization(actor.organization).filter(commission=commission)
    rows += [
        Step(one.at, "rescheduled", one.rescheduled_by, one.reason)
        for one in moved.select_related("rescheduled_by__user")
    ]
    return rows


def _holds(held: HoldBack) -> bool:
    return not held.releases.all() and (held.until_on is None or held.until_on > timezone.localdate())


def sees_all(actor: Actor) -> bool:
    """Whether the whole house is in view: then parts sum to the commission, the house's own included."""
    return actor.reach is Reach.ORGANIZATION
