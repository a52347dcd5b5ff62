from django.urls import path
from rest_framework.routers import SimpleRouter

from core.api.endpoints import MembershipViewSet, OrganizationViewSet, SignInView, TokenViewSet
from core.api.exports import ExportViewSet
from core.api.governing import AuditEntryViewSet, DeletionViewSet, InvitationViewSet
from core.api.hooks import HookDeliveryViewSet, HookEndpointViewSet

router = SimpleRouter()
router.register("members", MembershipViewSet, basename="member")
router.register("exports", ExportViewSet, basename="export")
router.register("hook-endpoints", HookEndpointViewSet, basename="hook-endpoint")
router.register("hook-deliveries", HookDeliveryViewSet, basename="hook-delivery")
router.register("audit-entries", AuditEntryViewSet, basename="audit-entry")
router.register("deletions", DeletionViewSet, basename="deletion")
router.register("invitations", InvitationViewSet, basename="invitation")
router.register("tokens", TokenViewSet, basename="token")

urlpatterns = [
    path("", OrganizationViewSet.as_view({"get": "retrieve"}), name="organization"),
    path("sign-in/", SignInView.as_view(), name="api-sign-in"),
    *router.urls,
]
