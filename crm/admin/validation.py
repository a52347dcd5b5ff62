"""Runs of validation: started, stopped and followed on their page; here they are read and taken along."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from unfold.decorators import display

from core.admin import TenantAdmin, call_service, site
from core.roles import Capability
from crm import services
from crm.admin.base import actor_of
from crm.models import ValidationFinding, ValidationRun
from crm.selectors import masked


@admin.register(ValidationRun, site=site)
class ValidationRunAdmin(TenantAdmin):
    read_capability = Capability.STOCK_WRITE
    list_display = ["started_at", "status", "requested_by", "total", "checked", "changed", "finished_at"]
    list_filter = ["status", "started_at"]
    list_select_related = ["requested_by__user", "stopped_by__user"]
    actions = ["stop"]
    export_columns = [
        "started_at", "status", ("Started by", "requested_by.user.name"), "total", "checked", "changed",
        ("Found", lambda run: ", ".join(f"{name}: {count}" for name, count in sorted(run.counts.items()))),
        "finished_at", ("Stopped by", "stopped_by.user.name"),
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor_of(request).can(Capability.STOCK_WRITE)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Which points is chosen on the page, where it says how many they are."""
        return HttpResponseRedirect(f"/o/{actor_of(request).organization.slug}/validation-runs/")

    @admin.action(description="Stop")
    def stop(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for run in rows:
            call_service(self, request, services.stop_validation, run=run, at=timezone.now())


@admin.register(ValidationFinding, site=site)
class ValidationFindingAdmin(TenantAdmin):
    read_capability = Capability.STOCK_WRITE
    list_display = ["shown", "contact", "finding", "before", "after", "run"]
    list_filter = ["finding", "before", "after", "run"]
    list_select_related = ["point__contact", "run"]
    search_fields = ["point__contact__display_name"]
    export_columns = [
        ("Contact", "point.contact.display_name"), ("Kind", "point.kind"),
        ("Value", lambda found: masked(found.point.kind, found.point.value)), "finding", "before", "after",
        ("Looked at", "run.started_at"),
    ]  # fmt: skip

    @display(description="Value")
    def shown(self, found: ValidationFinding) -> str:
        return masked(found.point.kind, found.point.value)

    @display(description="Contact")
    def contact(self, found: ValidationFinding) -> str:
        return str(found.point.contact.display_name)
