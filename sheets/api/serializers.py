"""What the API shows and takes of imports."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sheets import progress
from sheets.models import ImportRun, ReversalKept, RowError, RunStatus


class UploadSerializer(serializers.Serializer[Any]):
    """A file of up to 50 MB. Encoding, delimiter and tab are found; name them to overrule that."""

    file = serializers.FileField(allow_empty_file=True)
    table = serializers.CharField(default="crm.units", max_length=60)
    tab = serializers.CharField(default="", allow_blank=True, max_length=200)
    encoding = serializers.CharField(default="", allow_blank=True, max_length=20)
    delimiter = serializers.CharField(default="", allow_blank=True, max_length=1, trim_whitespace=False)


class ChangeSerializer(serializers.Serializer[Any]):
    """The mapping, or how the file is read, or both. What is not named stays."""

    mapping = serializers.DictField(
        required=False,
        help_text='{"columns": {header: field or ""}, "constants": {"project": "Vardon"}, "options": {...}}',
    )
    tab = serializers.CharField(required=False, max_length=200)
    encoding = serializers.CharField(required=False, allow_blank=True, max_length=20)
    delimiter = serializers.CharField(required=False, allow_blank=True, max_length=1, trim_whitespace=False)
    header_row = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=200, help_text="0: there is none; null finds it"
    )


class ImportSerializer(serializers.ModelSerializer[ImportRun]):
    header = serializers.ListField(source="spreadsheet.header", child=serializers.CharField(), read_only=True)
    table = serializers.CharField(source="spreadsheet.table", read_only=True)
    percent = serializers.SerializerMethodField(help_text="how far it is, 0 to 100")

    class Meta:
        model = ImportRun
        fields = [
            "id", "file_name", "file_size", "file_hash", "kind", "is_dry_run", "spreadsheet", "table", "tabs", "tab", "encoding", "delimiter",
            "header_row", "header", "mapping", "status", "percent", "counts", "samples", "error_code", "error",
            "trigger", "requested_by", "started_at", "finished_at", "duration_ms", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": "integer"})
    def get_percent(self, run: ImportRun) -> int:
        if run.status == RunStatus.DONE:
            return 100
        return progress.percent(run.pk) if run.status in {RunStatus.RUNNING, RunStatus.PREVIEWING} else 0


class RowErrorSerializer(serializers.ModelSerializer[RowError]):
    class Meta:
        model = RowError
        fields = ["id", "row", "column", "value", "severity", "code", "message"]


class ReversalKeptSerializer(serializers.ModelSerializer[ReversalKept]):
    class Meta:
        model = ReversalKept
        fields = ["target_type", "target_id", "label", "field", "value", "code", "message", "by", "at"]


class ReversalSerializer(serializers.Serializer[Any]):
    """An import taken back, or (`preview`) what would come of it."""

    status = serializers.ChoiceField(choices=["preview", "queued", "running", "done", "failed"])
    counts = serializers.DictField(help_text="removed and restored: rows by table; kept: rows by reason")
    kept = ReversalKeptSerializer(many=True, help_text="what stays and why: the first 200")
    error = serializers.CharField(allow_blank=True)
    finished_at = serializers.DateTimeField(allow_null=True)
