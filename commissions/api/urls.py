from rest_framework.routers import SimpleRouter

from commissions.api.views import CommissionPaymentViewSet, CommissionPlanViewSet, CommissionViewSet

router = SimpleRouter()
router.register("commission-plans", CommissionPlanViewSet, basename="commission-plan")
router.register("commissions", CommissionViewSet, basename="commission")
router.register("commission-payments", CommissionPaymentViewSet, basename="commission-payment")

urlpatterns = router.urls
