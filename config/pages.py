"""The agents' pages of one organisation, under /o/<organisation>/."""

from django.urls import include, path

urlpatterns = [
    path("", include("core.page_urls")),
    path("", include("crm.page_urls")),
    path("", include("sheets.page_urls")),
    path("", include("messaging.page_urls")),
    path("", include("campaigns.page_urls")),
    path("", include("commissions.page_urls")),
]
