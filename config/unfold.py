"""How the back office looks and what its sidebar lists (django-unfold)."""

from __future__ import annotations

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Majlis",
    "SITE_HEADER": "Majlis",
    "SITE_SYMBOL": "storefront",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "config.dashboard.callback",
    "COLORS": {
        "primary": {
            "50": "oklch(97.9% .013 178)",
            "100": "oklch(94.5% .04 178)",
            "200": "oklch(89% .07 178)",
            "300": "oklch(81% .1 178)",
            "400": "oklch(71% .11 178)",
            "500": "oklch(60% .11 178)",
            "600": "oklch(51% .095 178)",
            "700": "oklch(43.7% .078 178)",
            "800": "oklch(38% .065 178)",
            "900": "oklch(33% .052 178)",
            "950": "oklch(23% .045 178)",
        }
    },
    "SIDEBAR": {"show_search": True, "show_all_applications": False},
}
