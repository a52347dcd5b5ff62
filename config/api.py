"""The API of one organisation: every app's addresses under /api/v1/<organisation>/."""

from django.urls import include, path

urlpatterns = [
    path("", include("core.api.urls")),
    path("", include("sheets.api.urls")),
    path("", include("crm.api.urls")),
    path("", include("messaging.api.urls")),
    path("", include("campaigns.api.urls")),
    path("", include("ledger.api.urls")),
    path("", include("commissions.api.urls")),
]
