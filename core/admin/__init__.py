"""The back office: its site, what every page of it stands on, and the pages of core's own rows."""

from core.admin import hooks, tokens  # noqa: F401 - they register their pages
from core.admin.base import (
    AtLeast,
    CappedPaginator,
    Coloured,
    MajlisAdminSite,
    TenantAdmin,
    acting,
    call_service,
    site,
)

__all__ = ["AtLeast", "CappedPaginator", "Coloured", "MajlisAdminSite", "TenantAdmin", "acting", "call_service", "site"]
