from rest_framework.routers import SimpleRouter

from ledger.api.periods import ClosingViewSet
from ledger.api.views import AccountViewSet, EntryViewSet, TransferViewSet, TrialBalanceViewSet

router = SimpleRouter()
router.register("ledger/accounts", AccountViewSet, basename="ledger-account")
router.register("ledger/transfers", TransferViewSet, basename="ledger-transfer")
router.register("ledger/entries", EntryViewSet, basename="ledger-entry")
router.register("ledger/closings", ClosingViewSet, basename="ledger-closing")
router.register("ledger/trial-balance", TrialBalanceViewSet, basename="trial-balance")

urlpatterns = router.urls
