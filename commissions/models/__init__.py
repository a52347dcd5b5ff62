"""What is earned on deals, who gets which part of it, and what was paid."""

from commissions.models.commissions import (
    Approval,
    Cancellation,
    Commission,
    CommissionSplit,
    Dispute,
    DisputeResolution,
    SplitRole,
    Status,
)
from commissions.models.payments import CommissionPayment, Method, PaymentReversal
from commissions.models.plans import CommissionPlan, PlanVersion, RateKind, VatMode

__all__ = [
    "Approval",
    "Cancellation",
    "Commission",
    "CommissionPayment",
    "CommissionPlan",
    "CommissionSplit",
    "Dispute",
    "DisputeResolution",
    "Method",
    "PaymentReversal",
    "PlanVersion",
    "RateKind",
    "SplitRole",
    "Status",
    "VatMode",
]
