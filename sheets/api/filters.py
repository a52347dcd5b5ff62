from __future__ import annotations

from django_filters import rest_framework as filters

from sheets.models import ImportRun, RowError


class ImportFilter(filters.FilterSet):
    class Meta:
        model = ImportRun
        fields = ["status", "trigger", "file_hash"]


class RowErrorFilter(filters.FilterSet):
    class Meta:
        model = RowError
        fields = ["severity", "code", "column", "row"]
