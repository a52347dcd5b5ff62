"""Segments over the API: kept, tried out before they are kept, and what can be asked at all."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import selectors, services
from campaigns.models import Segment
from campaigns.segments import checked_definition
from core.api.exports import ExportableViewSet
from core.roles import Capability

READ, WRITE = Capability.CAMPAIGNS_READ, Capability.CAMPAIGNS_WRITE
EXAMPLE = '{"match": "all", "rows": [{"field": "unit.status", "is": "in", "value": ["available"]}]}'


class SegmentSerializer(serializers.ModelSerializer[Segment]):
    sentence = serializers.SerializerMethodField(help_text="the conditions in words")

    class Meta:
        model = Segment
        fields = ["id", "name", "definition", "sentence", "created_by", "created_at", "updated_at"]

    def get_sentence(self, segment: Segment) -> str:
        return str(self.context["sentences"][segment.pk])


class SegmentInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=150)
    definition = serializers.JSONField(help_text=f"a group of conditions and groups, as {EXAMPLE}")


class SegmentTrial(serializers.Serializer[Any]):
    definition = serializers.JSONField(help_text=f"as {EXAMPLE}")


class FoundSerializer(serializers.Serializer[Any]):
    contact_id = serializers.IntegerField()
    name = serializers.CharField()
    number = serializers.CharField(help_text="the middle is hidden, as in every list")


class SegmentViewSerializer(serializers.Serializer[Any]):
    """Whom it finds now: how many, in a sentence, and the first ten."""

    sentence = serializers.CharField()
    count = serializers.IntegerField()
    sample = FoundSerializer(many=True)


class ChoiceSerializer(serializers.Serializer[Any]):
    value = serializers.JSONField()
    label = serializers.CharField()


class OperatorSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()
    has_value = serializers.BooleanField()


class SegmentFieldSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()
    kind = serializers.CharField()
    operators = OperatorSerializer(many=True)
    choices = ChoiceSerializer(many=True)


class SegmentFilter(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")

    class Meta:
        model = Segment
        fields = ["name", "created_by"]


class SegmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Questions about people under a name. Whoever matches is found anew each time it is asked."""

    lookup_value_regex = r"\d{1,18}"
    queryset = Segment.objects.select_related("organization")
    serializer_class = SegmentSerializer
    filterset_class = SegmentFilter
    capabilities: ClassVar = {
        "list": READ, "retrieve": READ, "fields": READ, "preview": READ, "trial": READ,
        "create": WRITE, "partial_update": WRITE, "destroy": WRITE,
    }  # fmt: skip

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Segments come with their sentences: three queries at most for a whole page."""
        if args:
            shown = list(args[0]) if kwargs.get("many") else [args[0]]
            sentences = selectors.segments_in_words(actor=self.actor, segments=shown)
            kwargs["context"] = {**self.get_serializer_context(), "sentences": sentences}
        return super().get_serializer(*args, **kwargs)

    @extend_schema(request=SegmentInput, responses={201: SegmentSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Keep one. A condition that cannot be asked is refused with its place and what to write instead."""
        given = SegmentInput(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.create_segment(actor=self.actor, at=timezone.now(), **given.validated_data)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=SegmentInput(partial=True), responses={200: SegmentSerializer})
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Campaigns that were approved with it must be approved again when its conditions change."""
        given = SegmentInput(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        segment = services.update_segment(
            actor=self.actor, segment=self.get_object(), at=timezone.now(), **given.validated_data
        )
        return Response(self.get_serializer(segment).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Hidden, with a way back; refused while a campaign that has yet to start is for it."""
        services.delete_segment(actor=self.actor, segment=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={200: SegmentViewSerializer})
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, **_: Any) -> Response:
        """Whom it finds now."""
        definition = self.get_object().definition
        found = selectors.segment_view(actor=self.actor, definition=definition, at=timezone.now())
        return Response(SegmentViewSerializer(found).data)

    @extend_schema(request=SegmentTrial, responses={200: SegmentViewSerializer})
    @action(detail=False, methods=["post"])
    def trial(self, request: Request, **_: Any) -> Response:
        """Whom these conditions would find now. Nothing is kept."""
        given = SegmentTrial(data=request.data)
        given.is_valid(raise_exception=True)
        definition = checked_definition(actor=self.actor, given=given.validated_data["definition"])
        found = selectors.segment_view(actor=self.actor, definition=definition, at=timezone.now())
        return Response(SegmentViewSerializer(found).data)

    @extend_schema(responses={200: SegmentFieldSerializer(many=True)})
    @action(detail=False, methods=["get"], pagination_class=None, filterset_class=None)
    def fields(self, request: Request, **_: Any) -> Response:
        """What can be asked, with the operators and choices of each field."""
        offered = selectors.segment_fields(actor=self.actor)
        return Response(SegmentFieldSerializer(offered, many=True).data)

    def get_queryset(self) -> QuerySet[Segment]:
        rows: QuerySet[Segment] = super().get_queryset()
        return rows.order_by("-pk")
