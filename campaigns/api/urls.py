from rest_framework.routers import SimpleRouter

from campaigns.api.segments import SegmentViewSet
from campaigns.api.sequences import EnrollmentViewSet, SequenceViewSet
from campaigns.api.views import CampaignViewSet, RecipientViewSet

router = SimpleRouter()
router.register("segments", SegmentViewSet, basename="segment")
router.register("campaigns", CampaignViewSet, basename="campaign")
router.register(r"campaigns/(?P<campaign>\d+)/recipients", RecipientViewSet, basename="campaign-recipient")
router.register("sequences", SequenceViewSet, basename="sequence")
router.register("enrollments", EnrollmentViewSet, basename="enrollment")

urlpatterns = router.urls
