"""What the API shows and takes of linked Google sheets."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sheets.models import CellChange, Conflict, Direction, GoogleAccount, Resolution, Spreadsheet
from sheets.models.sources import INTERVAL, SHORTEST_INTERVAL

LONGEST_INTERVAL = 7 * 24 * 3600


class GoogleAccountSerializer(serializers.ModelSerializer[GoogleAccount]):
    """Share the document with `email`, as an editor. The key is never shown."""

    class Meta:
        model = GoogleAccount
        fields = ["id", "email", "name", "last_error", "created_at"]


class KeySerializer(serializers.Serializer[Any]):
    key = serializers.JSONField(help_text="the key file of a service account: the object, or its text")
    name = serializers.CharField(default="", allow_blank=True, max_length=100)


class TabSerializer(serializers.Serializer[Any]):
    tab_id = serializers.IntegerField()
    title = serializers.CharField()
    rows = serializers.IntegerField()
    columns = serializers.IntegerField()


class DocumentSerializer(serializers.Serializer[Any]):
    """What Google says of a document before one of its tabs is linked."""

    document_id = serializers.CharField()
    title = serializers.CharField()
    tabs = TabSerializer(many=True)


class SpreadsheetSerializer(serializers.ModelSerializer[Spreadsheet]):
    address = serializers.CharField(read_only=True)
    is_stale = serializers.SerializerMethodField()
    open_conflicts = serializers.IntegerField(read_only=True)

    class Meta:
        model = Spreadsheet
        fields = [
            "id", "name", "table", "provider", "status", "is_stale", "is_paused", "open_conflicts", "last_success_at",
            "next_sync_at", "last_error", "last_error_code", "unlinked_at", "account", "document_id", "tab_id", "tab", "address",
            "header", "header_row", "mapping", "directions", "interval", "appends_since", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": "boolean"})
    def get_is_stale(self, sheet: Spreadsheet) -> bool:
        return sheet.provider == "google" and not sheet.is_paused and sheet.is_stale(timezone.now())


class LinkSerializer(serializers.Serializer[Any]):
    """One tab of a document that was shared with the account. It stays paused until DELETE spreadsheets/<id>/pause/."""

    account = serializers.IntegerField()
    address = serializers.CharField(max_length=2000)
    tab_id = serializers.IntegerField()
    table = serializers.CharField(default="crm.units", max_length=60)
    interval = serializers.IntegerField(default=INTERVAL, min_value=SHORTEST_INTERVAL, max_value=LONGEST_INTERVAL)
    constants = serializers.DictField(child=serializers.CharField(max_length=200), required=False)


class LinkedChangeSerializer(serializers.Serializer[Any]):
    """What is not named stays."""

    mapping = serializers.DictField(required=False)
    directions = serializers.DictField(
        child=serializers.ChoiceField(choices=Direction.choices), required=False, help_text="header -> direction"
    )
    interval = serializers.IntegerField(required=False, min_value=SHORTEST_INTERVAL, max_value=LONGEST_INTERVAL)
    name = serializers.CharField(required=False, max_length=200)
    account = serializers.IntegerField(required=False)
    appends = serializers.BooleanField(
        required=False, help_text="units made in Majlis from now on get a row below the last one"
    )


class SyncSerializer(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField(default=False)
    accept_missing = serializers.BooleanField(default=False, help_text="rows that are gone are meant to be gone")


class UnlinkingSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField(help_text="whose units stay as they are")
    conflicts = serializers.IntegerField(help_text="that are closed; each side keeps what it has")


class UnlinkSerializer(serializers.Serializer[Any]):
    remove_ids = serializers.BooleanField(default=False, help_text="take the hidden column majlis_id out of the sheet")


class UnlinkedSerializer(serializers.Serializer[Any]):
    closed = serializers.IntegerField(help_text="conflicts")
    ids_left = serializers.CharField(help_text="why the hidden column still stands there, when it was to be removed")


class ConflictSerializer(serializers.ModelSerializer[Conflict]):
    object_id = serializers.IntegerField(source="link.object_id", read_only=True, help_text="the unit")
    state = serializers.CharField(read_only=True, help_text="a mark of both values and the decision: send it back")

    class Meta:
        model = Conflict
        fields = [
            "id", "state", "spreadsheet", "run", "row", "field", "column", "base", "ours", "theirs", "resolution", "resolved_by",
            "resolved_at", "settled_at", "closed_because", "object_id", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class ResolutionSerializer(serializers.Serializer[Any]):
    resolution = serializers.ChoiceField(choices=Resolution.choices, help_text="ours: Majlis; theirs: the sheet")
    state = serializers.CharField(
        required=False, max_length=16, help_text="as it was shown; 409 when somebody decided or changed it since"
    )


class ResolutionsSerializer(serializers.Serializer[Any]):
    resolution = serializers.ChoiceField(choices=Resolution.choices)
    ids = serializers.ListField(child=serializers.IntegerField(min_value=1), min_length=1, max_length=1000)


class CellChangeSerializer(serializers.ModelSerializer[CellChange]):
    """`side` says where it is changed: in Majlis (app), or in the sheet."""

    class Meta:
        model = CellChange
        fields = ["id", "row", "row_key", "side", "field", "column", "before", "after"]


class MatchingSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    state = serializers.CharField(help_text="a mark of which they are and what they say: send it back")
    first = ConflictSerializer(many=True, help_text="the newest of them")


class MatchingResolutionSerializer(serializers.Serializer[Any]):
    resolution = serializers.ChoiceField(choices=Resolution.choices)
    state = serializers.CharField(max_length=16)


class DecidedSerializer(serializers.Serializer[Any]):
    decided = serializers.IntegerField()
