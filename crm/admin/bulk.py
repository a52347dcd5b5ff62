"""What was changed about many rows at once."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from core.admin import TenantAdmin, site
from core.roles import Capability
from crm.models import BulkChange, BulkItem


@admin.register(BulkChange, site=site)
class BulkChangeAdmin(TenantAdmin):
    """To be read: choosing begins in the list of units or contacts, and the page of a change sets it back."""

    read_capability = Capability.STOCK_WRITE
    list_display = ["noun", "action", "said", "how_many", "status", "confirmed_by", "confirmed_at", "undone_at"]
    list_filter = ["noun", "action", "status"]
    list_select_related = ["confirmed_by__user"]
    fields = ["noun", "action", "said", "how_many", "chosen_by", "status", "page"]
    readonly_fields = ["how_many", "chosen_by", "page"]
    export_columns = [
        "id", "noun", "action", "said", ("Rows", lambda change: len(change.ids)), "status",
        ("Confirmed by", "confirmed_by.user.name"), "confirmed_at", ("Set back by", "undone_by.user.name"), "undone_at",
    ]  # fmt: skip

    @display(description=_("Rows"))
    def how_many(self, change: BulkChange) -> int:
        return len(change.ids)

    @display(description=_("Chosen by"))
    def chosen_by(self, change: BulkChange) -> str:
        told = (
            (name, ", ".join(value) if isinstance(value, list) else value) for name, value in change.filters.items()
        )
        return " · ".join(f"{name}: {value}" for name, value in told) or "-"

    @display(description=_("Its page"))
    def page(self, change: BulkChange) -> str:
        return format_html('<a href="/o/{}/changes/{}/">{}</a>', change.organization.slug, change.pk, change)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkChange]:
        rows: QuerySet[BulkChange] = super().get_queryset(request).select_related("organization")
        return rows


@admin.register(BulkItem, site=site)
class BulkItemAdmin(TenantAdmin):
    """What became of each row. `?change=7` shows those of one change."""

    read_capability = Capability.STOCK_WRITE
    list_display = ["number", "label", "outcome", "why", "is_restored"]
    list_filter = ["outcome", "is_restored"]
    fields = ["label", "outcome", "before", "after", "why", "is_restored"]
    export_columns = [
        ("Change", lambda item: item.change_id),
        ("Row", lambda item: item.target_id),
        "label",
        "outcome",
        "why",
        "is_restored",
    ]

    @display(description=_("Change"), ordering="change_id")
    def number(self, item: BulkItem) -> int:
        return item.change_id
