"""What people decide about a commission: approval, dispute, resolution, cancellation. Each is a row."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from commissions import chart
from commissions.errors import (
    AlreadyApproved,
    BeneficiaryMayNotDecide,
    CommissionPaidInPart,
    CommissionUnknown,
    DeductionRecovered,
    DisputeClosed,
    DisputeNotAllowed,
    InPayout,
    ReasonMissing,
    SelfApproval,
    TransitionRefused,
)
from commissions.models import (
    Approval,
    Cancellation,
    Clawback,
    Commission,
    CommissionSplit,
    Dispute,
    DisputeMessage,
    DisputeResolution,
    PayoutItem,
    Status,
)
from commissions.models.commissions import TRANSITIONS
from core import audit
from core.actors import Actor
from core.models import Membership
from core.money import to_decimal
from core.roles import Capability
from ledger import services as ledger
from ledger.errors import OverdraftRefused


@transaction.atomic
def approve_commission(*, actor: Actor, commission: Commission, at: datetime) -> Approval:
    """Say yes to a commission that somebody else made and gets: from now on it is owed, and stands in the ledger.

    A deduction is owed by its agent from now on. Raises CommissionUnknown, AlreadyApproved, TransitionRefused,
    SelfApproval, BeneficiaryMayNotDecide, PeriodClosed.
    """
    actor.require(Capability.COMMISSIONS_APPROVE)
    member = _person(actor)
    commission = lock(actor, commission.pk)
    if Approval.objects.filter(commission=commission).exists():
        raise AlreadyApproved("This commission is already approved.", commission=commission.pk)
    _require_move(commission, Status.APPROVED)
    if commission.created_by_id == member.pk:
        raise SelfApproval("You made this commission; somebody else must approve it.", commission=commission.pk)
    splits = splits_of(commission)
    refuse_beneficiary(actor, splits, "approve it")
    refuse_debtor(actor, commission, "approve it")
    posted = ledger.open_and_post(
        actor=actor,
        reference=f"commission:{commission.pk}:accrual",
        description=f"Commission {commission.pk} of deal {commission.deal_id} approved",
        currency=commission.currency,
        effective_on=local_day(actor, at),
        amounts=chart.accrual(commission, splits),
        at=at,
    )
    approval = Approval.objects.create(
        organization=actor.organization,
        commission=commission,
        approved_by=member,
        transfer_id=posted.transfer_id,
        at=at,
    )
    move(actor, commission, Status.APPROVED, "commissions.commission_approved", at)
    return approval


@transaction.atomic
def dispute_commission(*, actor: Actor, commission: Commission, reason: str, at: datetime) -> Dispute:
    """Hold a commission until a question is answered: by whoever keeps commissions, or whoever is paid by it.

    Raises CommissionUnknown, DisputeNotAllowed, ReasonMissing, TransitionRefused.
    """
    actor.require(Capability.COMMISSIONS_READ)
    commission = lock(actor, commission.pk)
    _require_part(actor, commission)
    _require_move(commission, Status.DISPUTED)
    dispute = Dispute.objects.create(
        organization=actor.organization,
        commission=commission,
        opened_by=actor.membership,
        reason=_reason(reason),
        at=at,
    )
    move(actor, commission, Status.DISPUTED, "commissions.commission_disputed", at, reason=dispute.reason)
    return dispute


@transaction.atomic
def add_dispute_message(*, actor: Actor, dispute: Dispute, text: str, at: datetime) -> DisputeMessage:
    """Say something about an open dispute: whoever may open one may. Changes nothing else.

    Raises CommissionUnknown, DisputeNotAllowed, DisputeClosed, ReasonMissing.
    """
    actor.require(Capability.COMMISSIONS_READ)
    commission = lock(actor, dispute.commission_id)
    _require_part(actor, commission)
    if DisputeResolution.objects.filter(dispute=dispute).exists():
        raise DisputeClosed(
            "This dispute is already closed; open another if it is still not right.", dispute=dispute.pk
        )
    message: DisputeMessage = DisputeMessage.objects.create(
        organization=actor.organization, dispute=dispute, author=_person(actor), text=_reason(text), at=at
    )
    audit.record(actor=actor, action="commissions.dispute_discussed", target=commission, after={}, at=at)
    return message


@transaction.atomic
def resolve_dispute(*, actor: Actor, dispute: Dispute, resolution: str, at: datetime) -> DisputeResolution:
    """Answer a dispute: the commission returns to where it stood. To undo it instead, cancel it.

    Raises CommissionUnknown, DisputeClosed, BeneficiaryMayNotDecide, ReasonMissing.
    """
    actor.require(Capability.COMMISSIONS_APPROVE)
    commission = lock(actor, dispute.commission_id)
    if commission.status != Status.DISPUTED or DisputeResolution.objects.filter(dispute=dispute).exists():
        raise DisputeClosed("This dispute is already closed.", dispute=dispute.pk)
    splits = splits_of(commission)
    refuse_beneficiary(actor, splits, "resolve its dispute")
    refuse_debtor(actor, commission, "resolve its dispute")
    resolved = DisputeResolution.objects.create(
        organization=actor.organization,
        dispute=dispute,
        resolved_by=actor.membership,
        resolution=_reason(resolution),
        at=at,
    )
    approved = Approval.objects.filter(commission=commission).exists()
    status = status_by_payments(splits) if approved else Status.PENDING
    move(actor, commission, status, "commissions.dispute_resolved", at, resolution=resolved.resolution)
    return resolved


@transaction.atomic
def cancel_commission(
    *, actor: Actor, commission: Commission, reason: str, at: datetime, claw_back: bool = False
) -> Cancellation:
    """Undo a commission; what its approval posted is reversed. What was paid of it is asked back only by `claw_back`.

    What is clawed back is a receivable from each beneficiary, and set off against what is due to him next.

    Raises CommissionUnknown, CommissionPaidInPart, TransitionRefused, BeneficiaryMayNotDecide, InPayout, ReasonMissing,
    DeductionRecovered, PeriodClosed.
    """
    actor.require(Capability.COMMISSIONS_APPROVE)
    commission = lock(actor, commission.pk)
    splits = splits_of(commission)
    paid = [split for split in splits if split.paid_minor]
    if paid and not claw_back:
        raise CommissionPaidInPart(
            "Part of this commission is paid; take those payments back first, or cancel it and claw them back.",
            commission=commission.pk,
        )
    _require_move(commission, Status.CANCELLED)
    refuse_beneficiary(actor, splits, "cancel it")
    refuse_debtor(actor, commission, "cancel it")
    if PayoutItem.objects.filter(split__in=splits, is_open=True).exists():
        raise InPayout("A part of it waits in a payout to the bank; settle or cancel that first.")
    reason = _reason(reason)
    transfer_id = None
    approval = Approval.objects.filter(commission=commission).first()
    reference = f"commission:{commission.pk}:cancellation"
    description = f"Commission {commission.pk} of deal {commission.deal_id} cancelled"
    if paid:
        transfer_id = ledger.open_and_post(
            actor=actor,
            reference=reference,
            description=description,
            currency=commission.currency,
            effective_on=local_day(actor, at),
            amounts=chart.undone(commission, splits),
            at=at,
        ).transfer_id
    elif approval is not None:
        try:
            transfer_id = ledger.reverse(
                actor=actor,
                transfer_id=approval.transfer_id,
                reference=reference,
                description=description,
                effective_on=local_day(actor, at),
                at=at,
            ).transfer_id
        except OverdraftRefused:
            if not commission.taken_from_id:
                raise
            raise DeductionRecovered(
                "This deduction is recovered already, at least in part; give it back by an adjustment.",
                commission=commission.pk,
            ) from None
    cancellation = Cancellation.objects.create(
        organization=actor.organization,
        commission=commission,
        cancelled_by=actor.membership,
        reason=reason,
        transfer_id=transfer_id,
        at=at,
    )
    Clawback.objects.bulk_create(
        Clawback(
            organization=actor.organization,
            cancellation=cancellation,
            split=split,
            amount_minor=split.paid_minor,
            currency=split.currency,
            at=at,
        )
        for split in paid
    )
    clawed = {"clawed_back": to_decimal(sum(split.paid_minor for split in paid), commission.currency)} if paid else {}
    move(actor, commission, Status.CANCELLED, "commissions.commission_cancelled", at, reason=reason, **clawed)
    return cancellation


def lock(actor: Actor, commission_id: int) -> Commission:
    """The commission as it is now; others who would change it wait for us. Always the first lock that is taken."""
    commissions = Commission.objects.visible_to(actor).select_for_update(no_key=True, of=("self",))
    found: Commission | None = commissions.filter(pk=commission_id).first()
    if found is None:
        raise CommissionUnknown("There is no such commission here.", commission=commission_id)
    return found


def splits_of(commission: Commission) -> list[CommissionSplit]:
    """All parts, with their agents; read after the lock."""
    splits = CommissionSplit.objects.filter(organization=commission.organization_id, commission=commission)
    return list(splits.select_related("agent").order_by("position"))


def move(actor: Actor, commission: Commission, status: Status, action: str, at: datetime, **more: str) -> None:
    """Change the status of a locked commission, and write the trail. Staying where it is changes nothing."""
    before = commission.status
    if status != before:
        _require_move(commission, status)
        Commission.objects.filter(pk=commission.pk).update(status=status, updated_at=at)
        commission.status = status
    after = {"status": status.value, **more}
    audit.record(actor=actor, action=action, target=commission, before={"status": before}, after=after, at=at)


def status_by_payments(splits: list[CommissionSplit]) -> Status:
    """Where an approved commission stands, by what was paid of it."""
    if not any(split.paid_minor for split in splits):
        return Status.APPROVED
    return Status.PART_PAID if any(split.due_minor for split in splits) else Status.PAID


def refuse_beneficiary(actor: Actor, splits: list[CommissionSplit], what: str) -> None:
    """Nobody decides about money that comes to them. Raises BeneficiaryMayNotDecide."""
    if actor.membership and any(split.agent and split.agent.membership_id == actor.membership.pk for split in splits):
        raise BeneficiaryMayNotDecide(f"You are paid by this commission; somebody else must {what}.")


def refuse_debtor(actor: Actor, commission: Commission, what: str) -> None:
    """Nor does anybody decide about what is taken from them. Raises BeneficiaryMayNotDecide."""
    debtor = commission.taken_from
    if actor.membership and debtor and debtor.membership_id == actor.membership.pk:
        raise BeneficiaryMayNotDecide(f"This deduction is taken from you; somebody else must {what}.")


def local_day(actor: Actor, at: datetime) -> date:
    """The day in the organisation's zone: what an accountant dates things by."""
    return at.astimezone(ZoneInfo(actor.organization.time_zone)).date()


def _require_part(actor: Actor, commission: Commission) -> None:
    theirs = [split.agent for split in splits_of(commission)] + [commission.taken_from]
    mine = {agent.membership_id for agent in theirs if agent}
    if not actor.can(Capability.COMMISSIONS_WRITE) and (actor.membership is None or actor.membership.pk not in mine):
        raise DisputeNotAllowed("Only someone with a part in a commission, or a manager, can dispute it.")


def _require_move(commission: Commission, status: Status) -> None:
    if status not in TRANSITIONS[Status(commission.status)]:
        raise TransitionRefused(
            f"This commission is {commission.get_status_display().lower()}; it cannot become {status.label.lower()}.",
            commission=commission.pk,
            status=commission.status,
        )


def _person(actor: Actor) -> Membership:
    if actor.membership is None:
        raise SelfApproval("Majlis makes commissions; a person approves them.")
    return actor.membership


def _reason(text: str) -> str:
    text = text.strip()
    if not text or "\x00" in text or len(text) > 5000:
        raise ReasonMissing("Say why, in 1 to 5,000 characters.", field="reason")
    return text
