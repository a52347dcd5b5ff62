from django.urls import path
from rest_framework.routers import SimpleRouter

from sheets.api.views import ImportViewSet, RowErrorViewSet

router = SimpleRouter()
router.register("imports", ImportViewSet, basename="import")

urlpatterns = [
    *router.urls,
    path("imports/<int:run>/errors/", RowErrorViewSet.as_view({"get": "list"}), name="import-errors"),
]
