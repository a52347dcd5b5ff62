from __future__ import annotations

from typing import Any

from django.utils import timezone
from django_filters import rest_framework as filters

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

    class Meta:
        model = Spreadsheet
        fields = ["provider", "status", "table", "is_paused", "account"]

    def of_staleness(self, rows: Any, _name: str, value: bool) -> Any:
        stale = Spreadsheet.objects.stale(timezone.now()).values("pk")
        return rows.filter(pk__in=stale) if value else rows.exclude(pk__in=stale)


class ConflictFilter(filters.FilterSet):
    state = filters.ChoiceFilter(
        method="of_state", choices=[("open", "waiting"), ("resolved", "decided"), ("settled", "carried out")]
    )

    class Meta:
        model = Conflict
        fields = ["spreadsheet", "column", "field", "row"]

    def of_state(self, rows: Any, _name: str, value: str) -> Any:
        return getattr(rows, value)()


class CellChangeFilter(filters.FilterSet):
    class Meta:
        model = CellChange
        fields = ["side", "column", "row"]
