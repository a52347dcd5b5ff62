from rest_framework.routers import SimpleRouter

from crm.api import views

router = SimpleRouter()
router.register("projects", views.ProjectViewSet, basename="project")
router.register("property-types", views.PropertyTypeViewSet, basename="property-type")
router.register("properties", views.PropertyViewSet, basename="property")
router.register("ownerships", views.OwnershipViewSet, basename="ownership")
router.register("contacts", views.ContactViewSet, basename="contact")
router.register("contact-points", views.ContactPointViewSet, basename="contact-point")
router.register("do-not-contact", views.DoNotContactViewSet, basename="do-not-contact")
router.register("validation-runs", views.ValidationRunViewSet, basename="validation-run")
router.register("validation-findings", views.ValidationFindingViewSet, basename="validation-finding")
router.register("owner-disclosures", views.OwnerDisclosureViewSet, basename="owner-disclosure")
router.register("list-disclosures", views.ListDisclosureViewSet, basename="list-disclosure")
router.register("disclosure-alerts", views.DisclosureAlertViewSet, basename="disclosure-alert")
router.register("agents", views.AgentViewSet, basename="agent")
router.register("assignments", views.ProjectAssignmentViewSet, basename="assignment")
router.register("deals", views.DealViewSet, basename="deal")
router.register("duplicates", views.DuplicateViewSet, basename="duplicate")
router.register("duplicate-searches", views.DuplicateSearchViewSet, basename="duplicate-search")
router.register("merges", views.MergeViewSet, basename="merge")
router.register("merge-previews", views.MergePreviewViewSet, basename="merge-preview")
router.register("merge-batches", views.MergeBatchViewSet, basename="merge-batch")
router.register("bulk-changes", views.BulkChangeViewSet, basename="bulk-change")
router.register("bulk-items", views.BulkItemViewSet, basename="bulk-item")
router.register("saved-filters", views.SavedFilterViewSet, basename="saved-filter")
router.register("search", views.SearchViewSet, basename="search")

urlpatterns = router.urls
