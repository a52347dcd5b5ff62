from rest_framework.routers import SimpleRouter

from commissions.api.payouts import PayingAccountViewSet, PayoutLineViewSet, PayoutViewSet
from commissions.api.receipts import InstalmentViewSet, ReceiptViewSet, RepaymentViewSet
from commissions.api.views import CommissionPaymentViewSet, CommissionPlanViewSet, CommissionViewSet

router = SimpleRouter()
router.register("commission-plans", CommissionPlanViewSet, basename="commission-plan")
router.register("commissions", CommissionViewSet, basename="commission")
router.register("commission-payments", CommissionPaymentViewSet, basename="commission-payment")
router.register("instalments", InstalmentViewSet, basename="instalment")
router.register("receipts", ReceiptViewSet, basename="receipt")
router.register("repayments", RepaymentViewSet, basename="repayment")
router.register("payouts", PayoutViewSet, basename="payout")
router.register("payout-lines", PayoutLineViewSet, basename="payout-line")
router.register("paying-accounts", PayingAccountViewSet, basename="paying-account")

urlpatterns = router.urls
