from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django_filters import rest_framework as filters

from sheets import selectors
from sheets.models import CellChange, Conflict, ImportRun, RowError, Spreadsheet


class ImportFilter(filters.FilterSet):
    class Meta:
        model = ImportRun
        fields = ["status", "trigger", "file_hash", "kind", "is_dry_run", "spreadsheet"]


class RowErrorFilter(filters.FilterSet):
    class Meta:
        model = RowError
        fields = ["severity", "code", "column", "row"]


class SpreadsheetFilter(filters.FilterSet):
    is_stale = filters.BooleanFilter(method="of_staleness", help_text="two intervals have passed without a success")

    is_linked = filters.BooleanFilter(method="of_links", help_text="Google sheets that were not unlinked")

    class Meta:
        model = Spreadsheet
        fields = ["provider", "status", "table", "is_paused", "account"]

    def of_staleness(self, rows: Any, _name: str, value: bool) -> Any:
        stale = Spreadsheet.objects.stale(timezone.now()).values("pk")
        return rows.filter(pk__in=stale) if value else rows.exclude(pk__in=stale)

    def of_links(self, rows: Any, _name: str, value: bool) -> Any:
        linked = Spreadsheet.objects.linked().values("pk")
        return rows.filter(pk__in=linked) if value else rows.exclude(pk__in=linked)


class ConflictFilter(filters.FilterSet):
    state = filters.ChoiceFilter(
        method="of_state", choices=[("open", "waiting"), ("resolved", "decided"), ("settled", "carried out")]
    )

    project = filters.NumberFilter(method="of_project", help_text="of the units of this project")
    older_than_days = filters.NumberFilter(method="of_age", min_value=0, max_value=3650)

    class Meta:
        model = Conflict
        fields = ["spreadsheet", "column", "field", "row"]

    def of_state(self, rows: Any, _name: str, value: str) -> Any:
        return getattr(rows, value)()

    def of_project(self, rows: Any, _name: str, value: Any) -> Any:
        return selectors.of_group(rows, int(value)) if 0 <= value < 2**63 else rows.none()

    def of_age(self, rows: Any, _name: str, value: Any) -> Any:
        return rows.filter(created_at__lt=timezone.now() - timedelta(days=int(value)))


class CellChangeFilter(filters.FilterSet):
    class Meta:
        model = CellChange
        fields = ["side", "column", "row"]
