"""What the client pays of a commission: by instalments, which may be paid out as they are received."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import IntegrityError, transaction

from commissions import chart
from commissions.errors import (
    CommissionUnknown,
    InstalmentsInvalid,
    InstalmentsStand,
    ReceiptInvalid,
    ReceiptRefused,
)
from commissions.models import (
    Commission,
    Instalment,
    Method,
    Receipt,
    ReceiptReversal,
    Rescheduling,
    Status,
)
from commissions.models.commissions import OF_A_DEAL
from commissions.services.decisions import lock, refuse_beneficiary, splits_of
from commissions.services.movements import check_received, checked_reason, checked_reference, post_back
from core import audit
from core.actors import Actor
from core.money import format_money, to_decimal, to_minor
from core.roles import Capability
from ledger import services as ledger
from ledger.errors import ReferenceTaken

MOST_INSTALMENTS = 60


@transaction.atomic
def schedule_instalments(
    *, actor: Actor, commission: Commission, instalments: Sequence[tuple[str, date]], at: datetime
) -> list[Instalment]:
    """Say when the client pays what, VAT included: from then on parts are paid out only as far as money came in.

    `instalments` are (decimal amount, day expected) and sum to what the client owes. Once, before anything is paid.
    Raises CommissionUnknown, InstalmentsStand, InstalmentsInvalid, AmountInvalid.
    """
    actor.require(Capability.COMMISSIONS_WRITE)
    commission = lock(actor, commission.pk)
    splits = splits_of(commission)
    if Instalment.objects.filter(commission=commission).exists():
        raise InstalmentsStand("The instalments of this commission stand already.", commission=commission.pk)
    paid = any(split.paid_minor for split in splits)
    if paid or commission.status == Status.CANCELLED or commission.side not in OF_A_DEAL:
        raise InstalmentsStand("Instalments are said before anything is paid, and of what a client owes.")
    amounts = _amounts(commission, instalments)
    made = _add(commission, [(amount, day) for amount, (_, day) in zip(amounts, instalments, strict=True)], first=1)
    after = {"instalments": [[to_decimal(one.amount_minor, one.currency), str(one.expected_on)] for one in made]}
    audit.record(actor=actor, action="commissions.instalments_scheduled", target=commission, after=after, at=at)
    return made


@transaction.atomic
def reschedule_instalments(
    *, actor: Actor, commission: Commission, instalments: Sequence[tuple[str, date]], reason: str, at: datetime
) -> list[Instalment]:
    """Agree on other days and amounts, first instalment first; they sum to what the client owes as before.

    What was received stays with its instalment, which becomes no smaller than that. Those left out have nothing to pay
    any more. What is released to agents does not change. The old and the new schedule are kept with the reason.
    Raises CommissionUnknown, InstalmentsStand, InstalmentsInvalid, AmountInvalid, ReasonMissing.
    """
    actor.require(Capability.COMMISSIONS_WRITE)
    commission = lock(actor, commission.pk)
    refuse_beneficiary(actor, splits_of(commission), "reschedule it")
    standing = list(Instalment.objects.filter(commission=commission).order_by("position"))
    if not standing or commission.status == Status.CANCELLED:
        raise InstalmentsStand("This commission has no instalments to reschedule.", commission=commission.pk)
    amounts = _amounts(commission, instalments)
    reason = checked_reason(reason)
    wanted = [(amount, day) for amount, (_, day) in zip(amounts, instalments, strict=True)]
    wanted += [(0, one.expected_on) for one in standing[len(wanted) :]]
    for one, (amount_minor, _) in zip(standing, wanted, strict=False):
        if amount_minor < one.received_minor:
            came = format_money(one.received_minor, one.currency)
            raise InstalmentsInvalid(f"Of instalment {one.position} {came} came already.", field="instalments")
    before, after = [(one.amount_minor, one.expected_on) for one in standing], wanted
    told = Rescheduling.objects.create(
        organization=actor.organization,
        commission=commission,
        before=_shown(before, commission.currency),
        after=_shown(after, commission.currency),
        reason=reason,
        rescheduled_by=actor.membership,
        at=at,
    )
    for one, (amount_minor, expected_on) in zip(standing, wanted, strict=False):
        one.amount_minor, one.expected_on, one.updated_at = amount_minor, expected_on, at
        fields = {"amount_minor": amount_minor, "expected_on": expected_on, "updated_at": at}
        Instalment.objects.filter(pk=one.pk).update(**fields)
    standing += _add(commission, wanted[len(standing) :], first=len(standing) + 1)
    audit.record(
        actor=actor,
        action="commissions.instalments_rescheduled",
        target=commission,
        before={"instalments": told.before},
        after={"instalments": told.after, "reason": reason},
        at=at,
    )
    return standing


@transaction.atomic
def record_receipt(
    *,
    actor: Actor,
    instalment: Instalment,
    amount: str,
    method: Method,
    received_on: date,
    reference: str,
    at: datetime,
) -> Receipt:
    """Note that money of the client arrived for an instalment, whole or in part; the ledger moves with it.

    Raises CommissionUnknown, ReceiptInvalid, ReceiptRefused, AmountInvalid, BeneficiaryMayNotDecide, PeriodClosed.
    """
    actor.require(Capability.COMMISSIONS_PAY)
    commission, found = _locked(actor, instalment.pk)
    if commission.status not in {Status.APPROVED, Status.PART_PAID, Status.PAID, Status.DISPUTED}:
        raise ReceiptRefused(
            "Money is received for an approved commission; approve it first.", status=commission.status
        )
    refuse_beneficiary(actor, splits_of(commission), "note what the client paid")
    reference = checked_reference(reference, what="receipt", refusal=ReceiptInvalid)
    check_received(actor, method, received_on, at, refusal=ReceiptInvalid)
    amount_minor = to_minor(amount, found.currency)
    if not 0 < amount_minor <= found.due_minor:
        due = format_money(found.due_minor, found.currency)
        raise ReceiptInvalid(
            f"A receipt is above zero, and at most what is left of the instalment: {due}.", field="amount"
        )
    try:
        with transaction.atomic():
            posted = ledger.open_and_post(
                actor=actor,
                reference=f"receipt:{reference}",
                description=f"{method.label} {reference} for instalment {found.position} of commission {commission.pk}",
                currency=found.currency,
                effective_on=received_on,
                amounts=chart.receipt(commission, method, amount_minor),
                at=at,
            )
            receipt: Receipt = Receipt.objects.create(
                organization=actor.organization,
                instalment=found,
                amount_minor=amount_minor,
                currency=found.currency,
                method=method,
                received_on=received_on,
                reference=reference,
                received_by=actor.membership,
                transfer_id=posted.transfer_id,
                at=at,
            )
    except (ReferenceTaken, IntegrityError) as error:
        if isinstance(error, IntegrityError) and "_once" not in str(error):
            raise
        raise ReceiptRefused(
            f"A receipt with the reference {reference} is noted already.", reference=reference
        ) from None
    after = {"instalment": found.position, "amount": to_decimal(amount_minor, found.currency), "reference": reference}
    audit.record(actor=actor, action="commissions.receipt_recorded", target=commission, after=after, at=at)
    return receipt


@transaction.atomic
def reverse_receipt(*, actor: Actor, receipt: Receipt, reason: str, at: datetime) -> ReceiptReversal:
    """Take a receipt back that was none, such as a bounced cheque: the instalment is due again.

    What was paid out of it stays paid; nothing more is, before as much came in again.
    Raises CommissionUnknown, ReceiptRefused, BeneficiaryMayNotDecide, ReasonMissing, PeriodClosed.
    """
    actor.require(Capability.COMMISSIONS_PAY)
    found: Receipt | None = Receipt.objects.visible_to(actor).filter(pk=receipt.pk).first()
    if found is None:
        raise CommissionUnknown("There is no such receipt here.", receipt=receipt.pk)
    commission, instalment = _locked(actor, found.instalment_id)
    if ReceiptReversal.objects.filter(receipt=found).exists():
        raise ReceiptRefused(f"Receipt {found.reference} was already taken back.", receipt=found.pk)
    refuse_beneficiary(actor, splits_of(commission), "take its receipt back")
    reason = checked_reason(reason, such_as="cheque bounced")
    posted = post_back(actor, found, what="receipt", reason=reason, at=at)
    reversal: ReceiptReversal = ReceiptReversal.objects.create(
        organization=actor.organization,
        receipt=found,
        reason=reason,
        reversed_by=actor.membership,
        transfer_id=posted.transfer_id,
        at=at,
    )
    after = {"instalment": instalment.position, "reference": found.reference, "reason": reason}
    audit.record(actor=actor, action="commissions.receipt_reversed", target=commission, after=after, at=at)
    return reversal


def _add(commission: Commission, schedule: Sequence[tuple[int, date]], *, first: int) -> list[Instalment]:
    made: list[Instalment] = Instalment.objects.bulk_create(
        Instalment(
            organization_id=commission.organization_id,
            commission=commission,
            position=position,
            amount_minor=amount_minor,
            currency=commission.currency,
            expected_on=expected_on,
        )
        for position, (amount_minor, expected_on) in enumerate(schedule, start=first)
    )
    return made


def _amounts(commission: Commission, instalments: Sequence[tuple[str, date]]) -> list[int]:
    """In minor units. Raises InstalmentsInvalid, AmountInvalid."""
    amounts = [to_minor(amount, commission.currency) for amount, _ in instalments]
    if not 0 < len(amounts) <= MOST_INSTALMENTS or min(amounts) <= 0 or sum(amounts) != commission.total_minor:
        owed = format_money(commission.total_minor, commission.currency)
        raise InstalmentsInvalid(
            f"1 to {MOST_INSTALMENTS} instalments above zero sum to what the client owes, {owed}; "
            f"these sum to {format_money(sum(amounts), commission.currency)}.",
            field="instalments",
        )
    return amounts


def _shown(schedule: Sequence[tuple[int, date]], currency: str) -> list[list[str]]:
    return [[to_decimal(amount_minor, currency), str(day)] for amount_minor, day in schedule]


def _locked(actor: Actor, instalment_id: int) -> tuple[Commission, Instalment]:
    """The commission, locked, and its instalment as it is now."""
    instalments = Instalment.objects.visible_to(actor).filter(pk=instalment_id)
    commission_id = instalments.values_list("commission", flat=True).first()
    if commission_id is None:
        raise CommissionUnknown("There is no such instalment here.", instalment=instalment_id)
    return lock(actor, commission_id), instalments.get()
