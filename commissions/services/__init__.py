"""Every change of plans, commissions and their payments."""

from commissions.services.adjustments import ADJUSTABLE, adjust_commission
from commissions.services.commissions import SIDES, create_commission
from commissions.services.decisions import (
    add_dispute_message,
    approve_commission,
    cancel_commission,
    dispute_commission,
    resolve_dispute,
)
from commissions.services.documents import File, take_report
from commissions.services.foreseeing import Foreseen, foresee
from commissions.services.holding import hold_back, release_hold_back
from commissions.services.lists import PARTS
from commissions.services.payments import record_payment, reverse_payment
from commissions.services.payout_files import BankFormat, bank_format, payout_file
from commissions.services.payouts import (
    Collected,
    approve_payout,
    cancel_payout,
    confirm_line,
    create_payout,
    return_line,
    set_paying_account,
)
from commissions.services.plans import create_plan, default_version, make_default, new_plan_version
from commissions.services.receipts import (
    record_receipt,
    reschedule_instalments,
    reverse_receipt,
    schedule_instalments,
)
from commissions.services.repayments import record_repayment, reverse_repayment

__all__ = [
    "ADJUSTABLE",
    "PARTS",
    "SIDES",
    "BankFormat",
    "Collected",
    "File",
    "Foreseen",
    "add_dispute_message",
    "adjust_commission",
    "approve_commission",
    "approve_payout",
    "bank_format",
    "cancel_commission",
    "cancel_payout",
    "confirm_line",
    "create_commission",
    "create_payout",
    "create_plan",
    "default_version",
    "dispute_commission",
    "foresee",
    "hold_back",
    "make_default",
    "new_plan_version",
    "payout_file",
    "record_payment",
    "record_receipt",
    "record_repayment",
    "release_hold_back",
    "reschedule_instalments",
    "resolve_dispute",
    "return_line",
    "reverse_payment",
    "reverse_receipt",
    "reverse_repayment",
    "schedule_instalments",
    "set_paying_account",
    "take_report",
]
