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
from commissions.services.lists import PARTS
from commissions.services.payments import record_payment, reverse_payment
from commissions.services.plans import create_plan, default_version, make_default, new_plan_version

__all__ = [
    "ADJUSTABLE",
    "PARTS",
    "SIDES",
    "File",
    "add_dispute_message",
    "adjust_commission",
    "approve_commission",
    "cancel_commission",
    "create_commission",
    "create_plan",
    "default_version",
    "dispute_commission",
    "make_default",
    "new_plan_version",
    "record_payment",
    "resolve_dispute",
    "reverse_payment",
    "take_report",
]
