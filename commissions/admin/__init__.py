"""Commissions in the back office: read-only rows, and pages that call the services."""

from commissions.admin.commissions import CommissionAdmin
from commissions.admin.payments import CommissionPaymentAdmin
from commissions.admin.payouts import PayoutBatchAdmin, PayoutLineAdmin
from commissions.admin.plans import CommissionPlanAdmin
from commissions.admin.receipts import InstalmentAdmin, ReceiptAdmin
from commissions.admin.repayments import RepaymentAdmin

__all__ = [
    "CommissionAdmin",
    "CommissionPaymentAdmin",
    "CommissionPlanAdmin",
    "InstalmentAdmin",
    "PayoutBatchAdmin",
    "PayoutLineAdmin",
    "ReceiptAdmin",
    "RepaymentAdmin",
]
