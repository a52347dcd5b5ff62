"""Every address but that of webhooks (config/asgi.py). The organisation stands in all of them but sign-in, health and
the schema."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from core import health, pages
from core.admin import site

urlpatterns = [
    path("", pages.home, name="home"),
    path("sw.js", pages.service_worker, name="service-worker"),
    path("", include("core.accounts.urls")),
    path("language/", pages.set_language, name="language"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path("api/v1/<slug:organization>/", include("config.api")),
    # The admin lives at /o/<slug>/admin/: OrganizationMiddleware moves the prefix into the script name.
    path("admin/", site.urls),
    path("o/<slug:organization>/", include("config.pages")),
]

handler400 = "core.pages.bad_request"
handler403 = "core.pages.forbidden"
handler404 = "core.pages.not_found"
handler429 = "core.pages.too_many"
handler500 = "core.pages.server_error"
