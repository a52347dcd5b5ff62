"""The list of numbers that nobody writes to: put on it, and taken off it, on its page or over the API, with a reason."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from core.admin import TenantAdmin, site
from core.roles import Capability
from crm import services
from crm.admin.base import actor_of
from crm.models import DoNotContact
from crm.selectors import masked


@admin.register(DoNotContact, site=site)
class DoNotContactAdmin(TenantAdmin):
    read_capability = Capability.STOCK_WRITE
    list_display = ["shown", "reason", "source", "added_by", "created_at", "removed_at", "removed_by", "removed_reason"]
    list_filter = [("removed_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["added_by__user", "removed_by__user"]
    search_fields = ["value"]
    search_help_text = _("A whole number or address")
    fields = ["shown", "reason", "source", "added_by", "created_at", "removed_by", "removed_at", "removed_reason"]
    readonly_fields = ["shown", "created_at"]
    export_capability = Capability.NUMBERS_READ
    export_taken = services.numbers_taken
    export_columns = [
        "value", "reason", "source", ("Added by", "added_by.user.name"), ("Added", "created_at"),
        ("Removed by", "removed_by.user.name"), ("Removed", "removed_at"), ("Why removed", "removed_reason"),
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor_of(request).can(Capability.STOCK_WRITE)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Many at once, typed or from a file: that page has the form."""
        return HttpResponseRedirect(f"/o/{actor_of(request).organization.slug}/do-not-contact/")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        country = actor_of(request).organization.country
        return (queryset.of(search_term, country) if search_term.strip() else queryset), False  # type: ignore[attr-defined]

    @display(description=_("Value"))
    def shown(self, entry: DoNotContact) -> str:
        return masked(entry.kind, entry.value)
