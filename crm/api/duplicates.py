"""What the API takes and shows of possible duplicates and merges."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.api.serializers import ContactPointSerializer, ContactSerializer, PropertySerializer
from crm.models import DuplicateCandidate, DuplicateSearch, Merge
from crm.models.merges import Noun
from crm.selectors import reasons_of
from crm.services import merging

LARGEST_ID = 2**63 - 1


def name_of(row: Any) -> str:
    return str(getattr(row, "display_name", None) or row.label)


class DuplicateSerializer(serializers.ModelSerializer[DuplicateCandidate]):
    """`reasons` in words; `codes` to filter by. The score is at most 95: nothing is certain."""

    first = serializers.SerializerMethodField()
    second = serializers.SerializerMethodField()
    first_name = serializers.SerializerMethodField()
    second_name = serializers.SerializerMethodField()
    reasons = serializers.SerializerMethodField()

    class Meta:
        model = DuplicateCandidate
        fields = [
            "id", "noun", "first", "first_name", "second", "second_name", "reasons", "codes", "score", "is_obvious",
            "state", "proposed_by", "dismissed_by", "dismissed_at", "found_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.IntegerField())
    def get_first(self, row: DuplicateCandidate) -> int:
        return row.ids[0]

    @extend_schema_field(serializers.IntegerField())
    def get_second(self, row: DuplicateCandidate) -> int:
        return row.ids[1]

    @extend_schema_field(serializers.CharField())
    def get_first_name(self, row: DuplicateCandidate) -> str:
        return name_of(row.first_contact or row.first_property)

    @extend_schema_field(serializers.CharField())
    def get_second_name(self, row: DuplicateCandidate) -> str:
        return name_of(row.second_contact or row.second_property)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_reasons(self, row: DuplicateCandidate) -> list[str]:
        return reasons_of(row)


class PossibleDuplicateSerializer(serializers.Serializer[Any]):
    """What the row that was just written may be the same as."""

    duplicate = serializers.IntegerField(help_text="its id among duplicates/")
    id = serializers.IntegerField(help_text="the other contact or unit")
    name = serializers.CharField()
    score = serializers.IntegerField()
    is_obvious = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())


def possible_duplicates(found: list[DuplicateCandidate], pk: int) -> list[dict[str, Any]]:
    answers = []
    for each in found:
        sides = {each.ids[0]: each.first_contact or each.first_property}
        sides[each.ids[1]] = each.second_contact or each.second_property
        other = next(side for side in sides if side != pk)
        answers.append(
            {
                "duplicate": each.pk,
                "id": other,
                "name": name_of(sides[other]),
                "score": each.score,
                "is_obvious": each.is_obvious,
                "reasons": reasons_of(each),
            }
        )
    return answers


class AddedContactSerializer(ContactSerializer):
    possible_duplicates = PossibleDuplicateSerializer(many=True)

    class Meta(ContactSerializer.Meta):
        fields = [*ContactSerializer.Meta.fields, "possible_duplicates"]


class AddedContactPointSerializer(ContactPointSerializer):
    possible_duplicates = PossibleDuplicateSerializer(many=True)

    class Meta(ContactPointSerializer.Meta):
        fields = [*ContactPointSerializer.Meta.fields, "possible_duplicates"]


class AddedPropertySerializer(PropertySerializer):
    possible_duplicates = PossibleDuplicateSerializer(many=True)

    class Meta(PropertySerializer.Meta):
        fields = [*PropertySerializer.Meta.fields, "possible_duplicates"]


class DuplicateSearchSerializer(serializers.ModelSerializer[DuplicateSearch]):
    class Meta:
        model = DuplicateSearch
        fields = ["id", "status", "phase", "found", "started_at", "finished_at"]


class MergeSerializer(serializers.ModelSerializer[Merge]):
    survivor = serializers.IntegerField(source="survivor_id", read_only=True)
    merged = serializers.IntegerField(source="merged_id", read_only=True)
    moved = serializers.SerializerMethodField()
    kept = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Merge
        fields = [
            "id", "noun", "survivor", "merged", "taken", "moved", "merged_by", "at", "reversed_by", "reversed_at", "kept",
        ]  # fmt: skip

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_moved(self, row: Merge) -> dict[str, int]:
        return merging.moves_of(row)


class FieldLineSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    survivor = serializers.CharField(source="ours")
    other = serializers.CharField(source="theirs")
    kept = serializers.CharField(help_text="ours, theirs, both or same")
    is_choice = serializers.BooleanField()


class MergePreviewSerializer(serializers.Serializer[Any]):
    noun = serializers.CharField()
    fields = FieldLineSerializer(source="lines", many=True)
    moves = serializers.DictField(child=serializers.IntegerField())


class DuplicateInput(serializers.Serializer[Any]):
    noun = serializers.ChoiceField(choices=Noun.choices)
    first = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)
    second = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)


class MergeInput(serializers.Serializer[Any]):
    noun = serializers.ChoiceField(choices=Noun.choices)
    survivor = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)
    other = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)
    take = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        max_length=40,
        help_text="fields in which the other one is right",
    )


class BatchInput(serializers.Serializer[Any]):
    duplicates = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_ID), max_length=merging.MOST_AT_ONCE
    )


class RefusedPairSerializer(serializers.Serializer[Any]):
    duplicate = serializers.IntegerField()
    reason = serializers.CharField()


class BatchSerializer(serializers.Serializer[Any]):
    merged = serializers.ListField(child=serializers.IntegerField(), help_text="ids of merges/")
    refused = RefusedPairSerializer(many=True)

    def to_representation(self, instance: merging.Batch) -> dict[str, Any]:
        refused = [{"duplicate": pair.pk, "reason": reason} for pair, reason in instance.refused]
        return {"merged": [made.pk for made in instance.merged], "refused": refused}
