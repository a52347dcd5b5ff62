"""What every movement of money is asked for in the same words, and taking one back in the books."""

from __future__ import annotations

from datetime import date, datetime

from commissions.errors import PaymentInvalid, ReasonMissing, ReceiptInvalid, RepaymentInvalid
from commissions.models import CommissionPayment, Method, Receipt, Repayment
from commissions.services.decisions import local_day
from core.actors import Actor
from ledger import services as ledger
from ledger.postings import Posted

REFERENCE_LENGTH = 80


def checked_reason(text: str, *, most: int = 300, such_as: str = "") -> str:
    """Why something is done, without blanks around it. Raises ReasonMissing."""
    text = text.strip()
    if not 0 < len(text) <= most or "\x00" in text:
        example = f", such as: {such_as}" if such_as else ""
        raise ReasonMissing(f"Say why, in 1 to {most:,} characters{example}.", field="reason")
    return text


def checked_reference(
    text: str, *, what: str, refusal: type[PaymentInvalid | ReceiptInvalid | RepaymentInvalid]
) -> str:
    """What the bank, the cheque or the voucher is called, without blanks around it. Raises the refusal."""
    text = text.strip()
    if not 0 < len(text) <= REFERENCE_LENGTH or "\x00" in text:
        raise refusal(f"A {what} needs a reference of at most {REFERENCE_LENGTH} characters.", field="reference")
    return text


def check_received(
    actor: Actor, method: Method, received_on: date, at: datetime, *, refusal: type[ReceiptInvalid | RepaymentInvalid]
) -> None:
    """Money that came in is money, and came by now. Raises the refusal."""
    if method is Method.SET_OFF or received_on > local_day(actor, at):
        raise refusal("Money was received today or before, by bank, cheque or in cash.", field="received_on")


def post_back(
    actor: Actor, moved: CommissionPayment | Receipt | Repayment, *, what: str, reason: str, at: datetime
) -> Posted:
    """The ledger's mirror of what was posted for it, today. `what` begins its reference.

    Raises AlreadyReversed, ReferenceTaken, PeriodClosed.
    """
    return ledger.reverse(
        actor=actor,
        transfer_id=moved.transfer_id,
        reference=f"{what}:{moved.reference}:reversal",
        description=f"{Method(moved.method).label} {moved.reference} taken back: {reason}"[:300],
        effective_on=local_day(actor, at),
        at=at,
    )
