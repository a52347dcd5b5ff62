"""What the API takes and shows of changes of many rows."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.models import BulkChange, BulkItem
from crm.models.bulk import BulkAction
from crm.services import bulk

LARGEST_ID = 2**63 - 1


class BulkChangeSerializer(serializers.ModelSerializer[BulkChange]):
    """`status` goes from draft over previewed and running to done, and from undoing to undone."""

    rows = serializers.SerializerMethodField()

    class Meta:
        model = BulkChange
        fields = [
            "id", "noun", "action", "value", "said", "rows", "filters", "status", "requested_by", "created_at",
            "confirmed_at", "finished_at", "undone_by", "undone_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.IntegerField())
    def get_rows(self, change: BulkChange) -> int:
        return len(change.ids)


class BulkItemSerializer(serializers.ModelSerializer[BulkItem]):
    """`is_restored` is null until the change was set back; false: it was changed since, and `why` says so."""

    class Meta:
        model = BulkItem
        fields = ["id", "target_id", "label", "outcome", "before", "after", "why", "is_restored"]


class ReasonSerializer(serializers.Serializer[Any]):
    why = serializers.CharField()
    rows = serializers.IntegerField()


class ForeseenSerializer(serializers.Serializer[Any]):
    changed = serializers.IntegerField()
    same = serializers.IntegerField(help_text="are so already")
    refused = serializers.IntegerField()
    reasons = ReasonSerializer(many=True, help_text="the ten most frequent")

    def to_representation(self, instance: bulk.Foreseen) -> dict[str, Any]:
        reasons = [{"why": why, "rows": rows} for why, rows in instance.reasons]
        return {
            "changed": instance.changed,
            "same": instance.same,
            "refused": instance.refused,
            "reasons": reasons,
        }


class ChosenInput(serializers.Serializer[Any]):
    """Never all by accident: ids, or `all` of what the filters in the address leave."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID), required=False, max_length=bulk.MOST
    )
    all = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("ids")) == attrs["all"]:
            raise serializers.ValidationError("Send either ids, or all: true.", code="ids_or_all")
        return attrs


class WishInput(serializers.Serializer[Any]):
    """An action, and the one value that it asks for."""

    action = serializers.ChoiceField(choices=BulkAction.choices)
    status = serializers.CharField(required=False, max_length=20)
    price_note = serializers.CharField(required=False, allow_blank=True, max_length=200)
    project = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    agent = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=20)
    reason = serializers.CharField(required=False, max_length=300)
    language = serializers.CharField(required=False, max_length=3, help_text="ar, en, ru, ...")

    def validate_tags(self, tags: list[str]) -> str:
        return ",".join(tags)
