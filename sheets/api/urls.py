from django.urls import path
from rest_framework.routers import SimpleRouter

from sheets.api.linked import CellChangeViewSet, ConflictViewSet, GoogleAccountViewSet, SpreadsheetViewSet
from sheets.api.views import ImportViewSet, RowErrorViewSet

router = SimpleRouter()
router.register("imports", ImportViewSet, basename="import")
router.register("google-accounts", GoogleAccountViewSet, basename="google-account")
router.register("spreadsheets", SpreadsheetViewSet, basename="spreadsheet")
router.register("conflicts", ConflictViewSet, basename="conflict")

urlpatterns = [
    *router.urls,
    path("imports/<int:run>/errors/", RowErrorViewSet.as_view({"get": "list"}), name="import-errors"),
    path("imports/<int:run>/cells/", CellChangeViewSet.as_view({"get": "list"}), name="import-cells"),
]
