"""Every change of plans, commissions and their payments."""

from commissions.services.commissions import create_commission
from commissions.services.decisions import (
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
    "PARTS",
    "File",
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
