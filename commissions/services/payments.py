"""Paying the parts of approved commissions, and taking back what did not arrive."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction

from commissions import chart
from commissions.errors import (
    CommissionUnknown,
    InPayout,
    NotPayable,
    PaymentAlreadyReversed,
    PaymentExceedsDue,
    PaymentInvalid,
    PaymentReferenceTaken,
)
from commissions.models import (
    CommissionPayment,
    CommissionSplit,
    Method,
    PaymentReversal,
    PayoutItem,
    SplitRole,
    Status,
)
from commissions.services.decisions import local_day, lock, move, refuse_beneficiary, splits_of, status_by_payments
from commissions.services.movements import checked_reason, checked_reference, post_back
from core.actors import Actor
from core.money import CurrencyMismatch, format_money, to_decimal, to_minor
from core.roles import Capability
from ledger import services as ledger
from ledger.errors import OverdraftRefused, ReferenceTaken
from ledger.models import Account

POST_DATED = timedelta(days=366)

WHY_NOT = {
    Status.PENDING: "This commission is not approved yet; nothing of it can be paid.",
    Status.PAID: "This commission is paid in full.",
    Status.DISPUTED: "This commission is disputed; resolve the dispute first.",
    Status.CANCELLED: "This commission was cancelled.",
}


@transaction.atomic
def record_payment(
    *,
    actor: Actor,
    split: CommissionSplit,
    amount: str,
    currency: str,
    method: Method,
    paid_on: date,
    reference: str,
    at: datetime,
    notes: str = "",
    in_payout: bool = False,
) -> CommissionPayment:
    """Note that a part of a commission was paid, whole or an instalment of it; the ledger moves with it.

    `amount` is a decimal string. `reference` is the bank's, the cheque's or the voucher's, and pays once.
    `in_payout` says that a payout holds the part and this is the bank's answer to it. By `set_off` nothing leaves the house: the part pays what its beneficiary owes after a claw-back.
    Raises CommissionUnknown, NotPayable, InPayout, BeneficiaryMayNotDecide, PaymentInvalid, AmountInvalid,
    CurrencyMismatch, PaymentExceedsDue, PaymentReferenceTaken, PeriodClosed. After a refusal nothing is changed.
    """
    actor.require(Capability.COMMISSIONS_PAY)
    commission = lock(actor, split.commission_id)
    splits = splits_of(commission)
    found = next((one for one in splits if one.pk == split.pk), None)
    if found is None:
        raise CommissionUnknown("There is no such part of a commission here.", split=split.pk)
    if Status(commission.status) in WHY_NOT:
        raise NotPayable(WHY_NOT[Status(commission.status)], status=commission.status)
    if found.role == SplitRole.HOUSE:
        raise NotPayable("The house's own part stays in the house; it is not paid out.")
    refuse_beneficiary(actor, [found], "pay it")
    if not in_payout and PayoutItem.objects.filter(split=found, is_open=True).exists():
        raise InPayout("This part waits in a payout to the bank; note there what the bank did.", split=found.pk)
    reference = _check(method, paid_on, reference, notes, local_day(actor, at))
    if currency != found.currency:
        raise CurrencyMismatch(f"This part is owed in {found.currency}, not in {currency}.", currency=found.currency)
    amount_minor = to_minor(amount, currency)
    if amount_minor <= 0:
        raise PaymentInvalid("A payment is above zero; to take one back, reverse it.", field="amount")
    if amount_minor > found.due_minor:
        due = format_money(found.due_minor, currency)
        raise PaymentExceedsDue(f"Only {due} of this part is due.", due=to_decimal(found.due_minor, currency))
    _check_released(found, amount_minor, paid_on)
    if method is Method.SET_OFF:
        _check_set_off(actor, found, amount_minor)
    taken = CommissionPayment.objects.for_organization(actor.organization).filter(reference=reference)
    if taken.exists():
        raise _reference_taken(reference)
    try:
        with transaction.atomic():
            posted = ledger.open_and_post(
                actor=actor,
                reference=f"payment:{reference}",
                description=f"{method.label} {reference} of commission {commission.pk}",
                currency=currency,
                effective_on=paid_on,
                amounts=chart.payment(found, method, amount_minor),
                at=at,
            )
            payment: CommissionPayment = CommissionPayment.objects.create(
                organization=actor.organization,
                split=found,
                amount_minor=amount_minor,
                currency=currency,
                method=method,
                paid_on=paid_on,
                reference=reference,
                notes=notes,
                paid_by=actor.membership,
                transfer_id=posted.transfer_id,
                at=at,
            )
    except OverdraftRefused:  # of two set-offs at the same instant the other won
        raise PaymentExceedsDue("There is less to recover, or less due, than a moment ago; look again.") from None
    except (ReferenceTaken, IntegrityError) as error:
        if isinstance(error, IntegrityError) and "_once" not in str(error):
            raise
        raise _reference_taken(reference) from None
    status = status_by_payments(splits_of(commission))
    shown = {"payment": str(payment.pk), "amount": to_decimal(amount_minor, currency), "reference": reference}
    move(actor, commission, status, "commissions.payment_recorded", at, **shown)
    return payment


@transaction.atomic
def reverse_payment(*, actor: Actor, payment: CommissionPayment, reason: str, at: datetime) -> PaymentReversal:
    """Take a payment back that did not arrive, such as a bounced cheque: its amount is due again.

    Raises CommissionUnknown, NotPayable, PaymentAlreadyReversed, BeneficiaryMayNotDecide, ReasonMissing, PeriodClosed.
    """
    actor.require(Capability.COMMISSIONS_PAY)
    payments = CommissionPayment.objects.visible_to(actor).select_related("split__agent")
    found: CommissionPayment | None = payments.filter(pk=payment.pk).first()
    if found is None:
        raise CommissionUnknown("There is no such payment here.", payment=payment.pk)
    commission = lock(actor, found.split.commission_id)
    if commission.status == Status.CANCELLED:
        raise NotPayable(
            "This commission was cancelled and its payments are clawed back; they cannot be taken back as well.",
            status=commission.status,
        )
    if PaymentReversal.objects.filter(payment=found).exists():
        raise PaymentAlreadyReversed(f"Payment {found.reference} was already taken back.", payment=found.pk)
    refuse_beneficiary(actor, [found.split], "take its payment back")
    reason = checked_reason(reason, such_as="cheque bounced")
    posted = post_back(actor, found, what="payment", reason=reason, at=at)
    reversal = PaymentReversal.objects.create(
        organization=actor.organization,
        payment=found,
        reason=reason,
        reversed_by=actor.membership,
        transfer_id=posted.transfer_id,
        at=at,
    )
    disputed = commission.status == Status.DISPUTED
    status = Status.DISPUTED if disputed else status_by_payments(splits_of(commission))
    shown = {"payment": str(found.pk), "reference": found.reference, "reason": reason}
    move(actor, commission, status, "commissions.payment_reversed", at, **shown)
    return reversal


def _check_released(split: CommissionSplit, amount_minor: int, paid_on: date) -> None:
    """A trigger refuses too; here it is said in words. Raises PaymentExceedsDue."""
    released = CommissionSplit.objects.with_released(paid_on).values_list("released_minor", flat=True).get(pk=split.pk)
    left = max(released - split.paid_minor, 0)
    if amount_minor > left:
        raise PaymentExceedsDue(
            f"Only {format_money(left, split.currency)} of this part may be paid now: the rest waits for the client's "
            f"money, or is held back.",
            due=to_decimal(left, split.currency),
        )


def to_recover(actor: Actor, split: CommissionSplit) -> int:
    """What the beneficiary of a part owes after claw-backs, in minor units of its currency. One query."""
    account = Account.objects.for_organization(actor.organization).filter(code=chart.clawback(split).code).first()
    return account.natural_minor if account else 0


def _check_set_off(actor: Actor, split: CommissionSplit, amount_minor: int) -> None:
    """The ledger's account refuses too; here it is said in words. Raises PaymentExceedsDue."""
    left = to_recover(actor, split)
    if amount_minor > left:
        raise PaymentExceedsDue(
            f"Only {format_money(left, split.currency)} is to be recovered from this beneficiary.",
            to_recover=to_decimal(left, split.currency),
        )


def _check(method: Method, paid_on: date, reference: str, notes: str, today: date) -> str:
    """The reference without blanks around it. Raises PaymentInvalid."""
    reference = checked_reference(reference, what="payment", refusal=PaymentInvalid)
    if len(notes) > 300 or "\x00" in notes:
        raise PaymentInvalid("Notes have at most 300 characters.", field="notes")
    latest = today + POST_DATED if method is Method.CHEQUE else today
    if paid_on > latest:
        raise PaymentInvalid("Only a cheque can be dated ahead, by a year at most.", field="paid_on")
    return reference


def _reference_taken(reference: str) -> PaymentReferenceTaken:
    return PaymentReferenceTaken(
        f"A payment with the reference {reference} is recorded already; a reference pays once.", reference=reference
    )
