"""What is earned on deals, who gets which part of it, and what was paid."""

from commissions.models.commissions import Commission, CommissionSplit, Side, SplitRole, Status
from commissions.models.decisions import (
    Approval,
    Cancellation,
    Clawback,
    Dispute,
    DisputeMessage,
    DisputeResolution,
)
from commissions.models.payments import CommissionPayment, Method, PaymentReversal
from commissions.models.payouts import (
    LineState,
    PayingAccount,
    PayoutApproval,
    PayoutBatch,
    PayoutItem,
    PayoutLine,
    PayoutStatus,
)
from commissions.models.plans import CommissionPlan, PlanVersion, RateKind, VatMode
from commissions.models.receipts import (
    HoldBack,
    HoldBackRelease,
    Instalment,
    Receipt,
    ReceiptReversal,
    Rescheduling,
)
from commissions.models.repayments import Repayment, RepaymentReversal

__all__ = [
    "Approval",
    "Cancellation",
    "Clawback",
    "Commission",
    "CommissionPayment",
    "CommissionPlan",
    "CommissionSplit",
    "Dispute",
    "DisputeMessage",
    "DisputeResolution",
    "HoldBack",
    "HoldBackRelease",
    "Instalment",
    "LineState",
    "Method",
    "PayingAccount",
    "PaymentReversal",
    "PayoutApproval",
    "PayoutBatch",
    "PayoutItem",
    "PayoutLine",
    "PayoutStatus",
    "PlanVersion",
    "RateKind",
    "Receipt",
    "ReceiptReversal",
    "Repayment",
    "RepaymentReversal",
    "Rescheduling",
    "Side",
    "SplitRole",
    "Status",
    "VatMode",
]
