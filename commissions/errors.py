"""Every refusal of commissions."""

from __future__ import annotations

from core.errors import Conflict, Invalid, NotAllowed, NotFound


class CommissionUnknown(NotFound):
    code = "commission_unknown"


class PlanInvalid(Invalid):
    code = "commission_plan_invalid"


class SplitInvalid(Invalid):
    code = "commission_split_invalid"


class PriceNotPositive(Invalid):
    code = "price_not_positive"


class CommissionZero(Invalid):
    code = "commission_zero"


class SideInvalid(Invalid):
    code = "commission_side_invalid"


class AdjustmentInvalid(Invalid):
    code = "commission_adjustment_invalid"


class DeductionRecovered(Conflict):
    code = "commission_deduction_recovered"


class DealNotClosed(Conflict):
    code = "deal_not_closed"


class CommissionExists(Conflict):
    code = "commission_exists"


class PlanNameTaken(Conflict):
    code = "commission_plan_name_taken"


class TransitionRefused(Conflict):
    code = "commission_transition_refused"


class AlreadyApproved(TransitionRefused):
    code = "commission_already_approved"


class SelfApproval(NotAllowed):
    code = "commission_self_approval"


class BeneficiaryMayNotDecide(NotAllowed):
    code = "beneficiary_may_not_decide"


class DisputeNotAllowed(NotAllowed):
    code = "dispute_not_allowed"


class ReasonMissing(Invalid):
    code = "reason_missing"


class DisputeClosed(Conflict):
    code = "dispute_closed"


class CommissionPaidInPart(Conflict):
    code = "commission_paid_in_part"


class NotPayable(Conflict):
    code = "commission_not_payable"


class PaymentInvalid(Invalid):
    code = "payment_invalid"


class PaymentExceedsDue(Conflict):
    code = "payment_exceeds_due"


class PaymentReferenceTaken(Conflict):
    code = "payment_reference_taken"


class PaymentAlreadyReversed(Conflict):
    code = "payment_already_reversed"


class InstalmentsInvalid(Invalid):
    code = "instalments_invalid"


class InstalmentsStand(Conflict):
    code = "instalments_stand"


class ReceiptInvalid(Invalid):
    code = "receipt_invalid"


class ReceiptRefused(Conflict):
    code = "receipt_refused"


class RepaymentInvalid(Invalid):
    code = "repayment_invalid"


class RepaymentRefused(Conflict):
    code = "repayment_refused"


class HoldBackInvalid(Invalid):
    code = "hold_back_invalid"


class HoldBackStands(Conflict):
    code = "hold_back_stands"


class PayoutInvalid(Invalid):
    code = "payout_invalid"


class NothingToPayOut(Conflict):
    code = "nothing_to_pay_out"


class PayoutUnknown(NotFound):
    code = "payout_unknown"


class PayoutNotThere(Conflict):
    code = "payout_not_at_that_stage"


class PayoutSelfApproval(NotAllowed):
    code = "payout_self_approval"


class PayoutStale(Conflict):
    code = "payout_stale"


class InPayout(Conflict):
    code = "commission_in_payout"


class CommissionStands(Conflict):
    code = "commission_stands"


class ReportFormatUnknown(Invalid):
    code = "report_format_unknown"


class ReportTooLong(Invalid):
    code = "report_too_long"
