"""Who was given whose numbers: kept, to be read. The report is a page: /o/<organisation>/disclosures/."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.admin import TenantAdmin, call_service, site
from core.roles import Capability
from crm import services
from crm.models import DisclosureAlert, ListDisclosure, OwnerDisclosure


@admin.register(OwnerDisclosure, site=site)
class OwnerDisclosureAdmin(TenantAdmin):
    """Who was given whose numbers."""

    read_capability = Capability.AUDIT_READ
    list_display = ["at", "membership", "contact", "reason", "door", "by_opening"]
    list_filter = ["door", "by_opening", "at"]
    list_select_related = ["membership__user", "contact"]
    search_fields = ["membership__user__name", "contact__display_name", "reason"]
    export_columns = [
        "at", ("Shown to", "membership.user.name"), ("Contact", "contact.display_name"), "reason", "door",
        ("How many", lambda row: len(row.points)), "by_opening",
    ]  # fmt: skip


@admin.register(ListDisclosure, site=site)
class ListDisclosureAdmin(TenantAdmin):
    """Who took which list of numbers along."""

    read_capability = Capability.AUDIT_READ
    list_display = ["at", "membership", "token", "listed", "how_many", "door", "file"]
    list_filter = ["door", "listed", "at"]
    list_select_related = ["membership__user", "token"]
    search_fields = ["membership__user__name", "file"]
    export_columns = [
        "at", ("Taken by", "membership.user.name"), ("List", "listed"), "how_many", "door", "file",
    ]  # fmt: skip


@admin.register(DisclosureAlert, site=site)
class DisclosureAlertAdmin(TenantAdmin):
    """Who reached the limit of numbers an hour, and who looked into it."""

    read_capability = Capability.AUDIT_READ
    list_display = ["hour", "membership", "limit", "door", "seen_by", "seen_at"]
    list_filter = [("seen_at", admin.EmptyFieldListFilter), "door"]
    list_select_related = ["membership__user", "seen_by__user"]
    search_fields = ["membership__user__name"]
    export_columns = [
        "hour", ("Member", "membership.user.name"), "limit", "door", ("Seen by", "seen_by.user.name"), "seen_at",
    ]  # fmt: skip
    actions = ["looked_into"]

    @admin.action(description=_("Looked into"))
    def looked_into(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for alert in rows:
            call_service(self, request, services.see_alert, alert=alert, at=timezone.now())
