"""Runs of validation: started, stopped and followed on their page; here they are read and taken along."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from core.admin import TenantAdmin, call_service, site
from core.roles import Capability
from crm import services
from crm.admin.base import actor_of
from crm.models import ValidationFinding, ValidationRun
from crm.models.validation import Finding
from crm.selectors import masked


def _found(run: ValidationRun) -> str:
    return ", ".join(f"{name}: {count}" for name, count in sorted(run.counts.items()))


@admin.register(ValidationRun, site=site)
class ValidationRunAdmin(TenantAdmin):
    read_capability = Capability.STOCK_WRITE
    list_display = ["started_at", "status", "requested_by", "total", "checked", "changed", "finished_at"]
    list_filter = ["status", "started_at"]
    list_select_related = ["organization", "requested_by__user", "stopped_by__user"]
    fields = [
        "status", "requested_by", "started_at", ("total", "checked", "changed"), "found", "finished_at", "stopped_by",
        "page",
    ]  # fmt: skip
    readonly_fields = ["found", "page"]
    actions = ["stop"]
    export_columns = [
        "started_at", "status", ("Started by", "requested_by.user.name"), "total", "checked", "changed",
        ("Found", _found),
        "finished_at", ("Stopped by", "stopped_by.user.name"),
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return actor_of(request).can(Capability.STOCK_WRITE)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Which points is chosen on the page, where it says how many they are."""
        return HttpResponseRedirect(f"/o/{actor_of(request).organization.slug}/validation-runs/")

    @display(description=_("Found"))
    def found(self, run: ValidationRun) -> str:
        words = dict(Finding.choices)
        return " · ".join(f"{words.get(name, name)}: {count}" for name, count in sorted(run.counts.items())) or "-"

    @display(description=_("Its page"))
    def page(self, run: ValidationRun) -> str:
        return format_html('<a href="/o/{}/validation-runs/{}/">{}</a>', run.organization.slug, run.pk, run)

    @admin.action(description=_("Stop"))
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

    @display(description=_("Value"))
    def shown(self, found: ValidationFinding) -> str:
        return masked(found.point.kind, found.point.value)

    @display(description=_("Contact"))
    def contact(self, found: ValidationFinding) -> str:
        return str(found.point.contact.display_name)
