"""Payouts through the bank: collect what is due, let another approve it, and note line by line what the bank did.

A part is held by one open line at most (unique), so two batches never pay it twice; the payments themselves are those of
services.payments, with the line's reference, so a line that is confirmed twice pays once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from stdnum import bic as bics
from stdnum import iban as ibans
from stdnum.exceptions import ValidationError as NumberError

from commissions import chart
from commissions.errors import (
    BeneficiaryMayNotDecide,
    NothingToPayOut,
    PayoutInvalid,
    PayoutNotThere,
    PayoutSelfApproval,
    PayoutStale,
    PayoutUnknown,
)
from commissions.models import (
    Commission,
    CommissionSplit,
    LineState,
    Method,
    PayingAccount,
    PayoutApproval,
    PayoutBatch,
    PayoutItem,
    PayoutLine,
    PayoutStatus,
    SplitRole,
)
from commissions.models.commissions import PAYABLE
from commissions.services.decisions import local_day
from commissions.services.movements import checked_reason
from commissions.services.payments import record_payment, reverse_payment
from core import audit
from core.actors import Actor
from core.encryption import blind_index
from core.models import Membership
from core.money import decimals, to_decimal
from core.roles import Capability
from crm.models import BankDetails
from ledger.models import Account


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is due and is not in the batch, and why."""

    split: CommissionSplit
    why: str


@dataclass(frozen=True, slots=True)
class Collected:
    batch: PayoutBatch
    left_out: tuple[LeftOut, ...]


@transaction.atomic
def set_paying_account(
    *, actor: Actor, currency: str, holder: str, iban: str, at: datetime, swift: str = ""
) -> PayingAccount:
    """Say out of which account of the house payouts of a currency are made. Raises PayoutInvalid, CurrencyUnknown."""
    actor.require(Capability.BANK_DETAILS_READ)
    decimals(currency)
    holder = " ".join(holder.split())
    if not 0 < len(holder) <= 140 or "\x00" in holder:
        raise PayoutInvalid("Say in whose name the account is, in 1 to 140 characters.", field="holder")
    try:
        values = {"holder": holder, "iban": ibans.validate(iban), "swift": bics.validate(swift) if swift else ""}
    except NumberError:
        raise PayoutInvalid(
            "This is not a valid IBAN or BIC: a character is wrong, missing or too many.", field="iban"
        ) from None
    account: PayingAccount
    account, _ = PayingAccount.objects.update_or_create(
        organization=actor.organization, currency=currency, defaults=values | {"entered_by": _person(actor)}
    )
    after = {"currency": currency, "holder": holder, "iban": f"...{values['iban'][-4:]}"}
    audit.record(actor=actor, action="commissions.paying_account_set", target=account, after=after, at=at)
    return account


@transaction.atomic
def create_payout(*, actor: Actor, currency: str, pay_on: date, at: datetime) -> Collected:
    """Collect what is due in one currency to agents whose bank details are verified; it waits for another's approval.

    What an agent owes after a claw-back is set off first; when that takes all, the payout is settled at once. What cannot be paid so is told in `left_out`, with the reason.
    Raises PayoutInvalid for a day that is over, NothingToPayOut.
    """
    actor.require(Capability.COMMISSIONS_PAY)
    member = _person(actor)
    if pay_on < local_day(actor, at):
        raise PayoutInvalid("The bank cannot pay on a day that is over.", field="pay_on")
    details = {one.agent_id: one for one in BankDetails.objects.for_organization(actor.organization)}
    chosen: dict[BankDetails, list[CommissionSplit]] = defaultdict(list)
    left_out = []
    for split in _due(actor, currency, local_day(actor, at)):
        known = details.get(split.agent_id) if split.agent_id else None
        why = _why_not(split, member, known)
        if why or known is None:
            left_out.append(LeftOut(split, why))
        else:
            chosen[known].append(split)
    batch: PayoutBatch = PayoutBatch.objects.create(
        organization=actor.organization, currency=currency, pay_on=pay_on, made_by=member, at=at
    )
    position, set_off = 0, False
    for known, splits in chosen.items():
        owed = _set_off(actor, batch, splits, at)
        set_off = set_off or sum(amount for _, amount in owed) < sum(_payable(split) for split in splits)
        if not owed:
            continue
        position += 1
        line = PayoutLine.objects.create(
            organization=actor.organization,
            batch=batch,
            position=position,
            agent_id=known.agent_id,
            amount_minor=sum(amount for _, amount in owed),
            currency=currency,
            iban_digest=blind_index(known.iban),
            iban_end=known.iban[-4:],
        )
        PayoutItem.objects.bulk_create(
            PayoutItem(organization=actor.organization, line=line, split=split, amount_minor=amount)
            for split, amount in owed
        )
    if not position and not set_off:
        raise NothingToPayOut(
            "Nothing is due to anybody whose bank details are verified.",
            left_out=[f"{one.split.explanation}: {one.why}" for one in left_out[:20]],
        )
    total = sum(line.amount_minor for line in _lines(batch))
    after = {"lines": position, "total": to_decimal(total, currency), "currency": currency, "pay_on": str(pay_on)}
    audit.record(actor=actor, action="commissions.payout_made", target=batch, after=after, at=at)
    if not position:
        _move(actor, batch, PayoutStatus.SETTLED, "commissions.payout_settled", at)
    return Collected(batch, tuple(left_out))


@transaction.atomic
def approve_payout(*, actor: Actor, batch: PayoutBatch, at: datetime) -> PayoutApproval:
    """Say yes, as another person than who made it and than who is paid: now the bank may get it.

    Raises PayoutUnknown, PayoutNotThere, PayoutSelfApproval, BeneficiaryMayNotDecide, and PayoutStale when something
    changed since it was made.
    """
    actor.require(Capability.COMMISSIONS_APPROVE)
    member = _person(actor)
    batch = _locked(actor, batch, PayoutStatus.PROPOSED)
    if batch.made_by_id == member.pk:
        raise PayoutSelfApproval("You made this payout; somebody else must approve it.", payout=batch.pk)
    lines = _lines(batch)
    if any(line.agent.membership_id == member.pk for line in lines):
        raise BeneficiaryMayNotDecide("You are paid by this payout; somebody else must approve it.")
    require_fresh(batch, lines)
    approval: PayoutApproval = PayoutApproval.objects.create(
        organization=actor.organization, batch=batch, approved_by=member, at=at
    )
    _move(actor, batch, PayoutStatus.APPROVED, "commissions.payout_approved", at)
    return approval


@transaction.atomic
def confirm_line(*, actor: Actor, line: PayoutLine, paid_on: date, at: datetime) -> PayoutLine:
    """The bank has paid this line: each of its parts is paid, and the ledger moves with it.

    Raises PayoutUnknown, PayoutNotThere, and what record_payment raises: a dispute is resolved first.
    """
    actor.require(Capability.COMMISSIONS_PAY)
    line = _locked_line(actor, line, PayoutStatus.APPROVED, LineState.WAITING)
    for item in line.items.select_related("split").order_by("pk"):
        payment = record_payment(
            actor=actor,
            split=item.split,
            amount=to_decimal(item.amount_minor, line.currency),
            currency=line.currency,
            method=Method.BANK_TRANSFER,
            paid_on=paid_on,
            reference=f"{line.reference}-{item.split_id}",
            notes=f"payout {line.batch_id}, line {line.position}",
            at=at,
            in_payout=True,
        )
        PayoutItem.objects.filter(pk=item.pk).update(payment=payment)
    _move_line(actor, line, LineState.PAID, "commissions.payout_line_paid", at)
    return line


@transaction.atomic
def return_line(*, actor: Actor, line: PayoutLine, reason: str, at: datetime) -> PayoutLine:
    """The bank sent this line back, or refused it: what was paid by it is due again.

    Raises PayoutUnknown, PayoutNotThere, ReasonMissing, and what reverse_payment raises.
    """
    actor.require(Capability.COMMISSIONS_PAY)
    reason = checked_reason(reason)
    line = _locked_line(actor, line, PayoutStatus.APPROVED, LineState.WAITING, LineState.PAID)
    for item in line.items.select_related("payment").order_by("pk"):
        if item.payment:
            reverse_payment(actor=actor, payment=item.payment, reason=reason, at=at)
    _move_line(actor, line, LineState.RETURNED, "commissions.payout_line_returned", at, reason)
    return line


@transaction.atomic
def cancel_payout(*, actor: Actor, batch: PayoutBatch, reason: str, at: datetime) -> PayoutBatch:
    """Let go of a payout of which the bank has paid nothing; its parts are free for another.

    Whoever cancels an approved one says that the bank has not got the file. Raises PayoutUnknown, PayoutNotThere,
    ReasonMissing.
    """
    actor.require(Capability.COMMISSIONS_APPROVE)
    reason = checked_reason(reason)
    batch = _locked(actor, batch, PayoutStatus.PROPOSED, PayoutStatus.APPROVED)
    if any(line.state != LineState.WAITING for line in _lines(batch)):
        raise PayoutNotThere("The bank has answered lines of this payout; answer the others line by line.")
    PayoutLine.objects.filter(organization=batch.organization_id, batch=batch).update(
        state=LineState.DROPPED, reason=reason, updated_at=at
    )
    _move(actor, batch, PayoutStatus.CANCELLED, "commissions.payout_cancelled", at, reason=reason)
    return batch


def require_fresh(batch: PayoutBatch, lines: Sequence[PayoutLine]) -> None:
    """What the batch says is still so: accounts verified and the same, parts payable and due. Raises PayoutStale."""
    verified = {
        one.agent_id: blind_index(one.iban)
        for one in BankDetails.objects.filter(organization=batch.organization_id, verified_at__isnull=False)
    }
    for line in lines:
        if verified.get(line.agent_id) != line.iban_digest:
            raise PayoutStale(
                f"The bank details of {line.agent.name} changed since this payout was made; cancel it and make it anew.",
                agent=line.agent_id,
            )
    items = PayoutItem.objects.filter(organization=batch.organization_id, line__batch=batch, is_open=True)
    amounts = dict(items.values_list("split", "amount_minor"))
    splits = CommissionSplit.objects.filter(organization=batch.organization_id, pk__in=amounts)
    for split in splits.with_released(batch.pay_on).select_related("commission", "agent"):
        if split.commission.status not in PAYABLE or amounts[split.pk] > _payable(split):
            raise PayoutStale(
                f"Commission {split.commission_id} of {split.agent.name} is not payable any more; "
                f"cancel this payout and make it anew.",
                commission=split.commission_id,
            )


def _due(actor: Actor, currency: str, on: date) -> list[CommissionSplit]:
    """The parts of approved commissions of which something may be paid, with their commissions locked in one order."""
    found = CommissionSplit.objects.for_organization(actor.organization).filter(
        currency=currency, commission__status__in=PAYABLE
    )
    commissions = Commission.objects.filter(pk__in=found.values("commission")).order_by("pk")
    list(commissions.select_for_update(no_key=True).values_list("pk"))
    splits = found.exclude(role=SplitRole.HOUSE).select_related("agent", "contact").order_by("agent", "pk")
    return [split for split in splits.with_released(on) if _payable(split)]


def _payable(split: Any) -> int:
    """What of a part may be paid now; read with `with_released`."""
    return max(int(split.released_minor) - int(split.paid_minor), 0)


def _why_not(split: CommissionSplit, member: Membership, known: BankDetails | None) -> str:
    """Why a part is not paid through the bank; empty when it is."""
    if split.agent is None:
        return "a referrer outside the house has no bank details here: pay by hand"
    if split.agent.membership_id == member.pk:
        return "it is yours: somebody else makes the payout that pays you"
    if known is None:
        return f"no bank details of {split.agent.name} are known"
    if known.verified_at is None:
        return f"the bank details of {split.agent.name} are not verified"
    if PayoutItem.objects.filter(organization=split.organization_id, split=split, is_open=True).exists():
        return "it is in another payout that waits"
    return ""


def _set_off(
    actor: Actor, batch: PayoutBatch, splits: list[CommissionSplit], at: datetime
) -> list[tuple[CommissionSplit, int]]:
    """Pay what these parts of one person owe the house first; returns what is left of each for the bank."""
    code = chart.clawback(splits[0]).code
    account = Account.objects.for_organization(actor.organization).filter(code=code).first()
    owing, left = account.natural_minor if account else 0, []
    for split in splits:
        due = _payable(split)
        taken = min(owing, due)
        if taken:
            record_payment(
                actor=actor,
                split=split,
                amount=to_decimal(taken, split.currency),
                currency=split.currency,
                method=Method.SET_OFF,
                paid_on=local_day(actor, at),
                reference=f"SETOFF-{batch.pk}-{split.pk}",
                notes=f"set off in payout {batch.pk}",
                at=at,
            )
            owing -= taken
        if due > taken:
            left.append((split, due - taken))
    return left


def _lines(batch: PayoutBatch) -> list[PayoutLine]:
    lines = PayoutLine.objects.filter(organization=batch.organization_id, batch=batch)
    return list(lines.select_related("agent").order_by("position"))


def _locked(actor: Actor, batch: PayoutBatch, *stages: PayoutStatus) -> PayoutBatch:
    """The batch as it is now, when it is at one of these stages; others who would change it wait."""
    found: PayoutBatch | None = (
        PayoutBatch.objects.visible_to(actor).select_for_update(no_key=True).filter(pk=batch.pk).first()
    )
    if found is None:
        raise PayoutUnknown("There is no such payout here.", payout=batch.pk)
    if found.status not in stages:
        raise PayoutNotThere(f"This payout is {found.get_status_display().lower()}.", status=found.status)
    return found


def _locked_line(actor: Actor, line: PayoutLine, stage: PayoutStatus, *states: LineState) -> PayoutLine:
    """The line as it is now, of a batch at that stage (or settled, for what comes back late)."""
    batch = PayoutBatch(pk=line.batch_id)
    _locked(actor, batch, stage, *([PayoutStatus.SETTLED] if LineState.PAID in states else []))
    found: PayoutLine | None = PayoutLine.objects.visible_to(actor).select_related("agent").filter(pk=line.pk).first()
    if found is None:
        raise PayoutUnknown("There is no such line here.", line=line.pk)
    if found.state not in states:
        raise PayoutNotThere(f"This line is noted already: {found.get_state_display().lower()}.", state=found.state)
    return found


def _move_line(actor: Actor, line: PayoutLine, state: LineState, action: str, at: datetime, reason: str = "") -> None:
    """Change the state of a line; the batch is settled with its last."""
    PayoutLine.objects.filter(pk=line.pk).update(state=state, reason=reason, updated_at=at)
    line.state, line.reason = state, reason
    after = {"line": line.reference, "amount": to_decimal(line.amount_minor, line.currency), "reason": reason}
    audit.record(actor=actor, action=action, target=line.batch, after=after, at=at)
    if line.batch.status == PayoutStatus.APPROVED and not any(
        one.state == LineState.WAITING for one in _lines(line.batch)
    ):
        _move(actor, line.batch, PayoutStatus.SETTLED, "commissions.payout_settled", at)


def _move(actor: Actor, batch: PayoutBatch, status: PayoutStatus, action: str, at: datetime, **more: str) -> None:
    before = batch.status
    PayoutBatch.objects.filter(pk=batch.pk).update(status=status, updated_at=at)
    batch.status = status
    after = {"status": status.value, **more}
    audit.record(actor=actor, action=action, target=batch, before={"status": before}, after=after, at=at)


def _person(actor: Actor) -> Membership:
    if actor.membership is None:
        raise PayoutSelfApproval("Payouts are made and approved by people.")
    return actor.membership
