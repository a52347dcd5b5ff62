"""Commissions in the back office: read-only rows, and pages that call the services."""

from commissions.admin.commissions import CommissionAdmin
from commissions.admin.payments import CommissionPaymentAdmin
from commissions.admin.payouts import PayoutBatchAdmin, PayoutLineAdmin
from commissions.admin.plans import CommissionPlanAdmin

__all__ = ["CommissionAdmin", "CommissionPaymentAdmin", "CommissionPlanAdmin", "PayoutBatchAdmin", "PayoutLineAdmin"]
