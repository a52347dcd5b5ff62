"""What an office keeps at hand for answering, over the API."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core.roles import Capability
from messaging import services
from messaging.api.views import TalkViewSet
from messaging.models import CannedReply, Channel, OfficeHours

READ, REPLY, ASSIGN = Capability.CONVERSATIONS_READ, Capability.CONVERSATIONS_REPLY, Capability.CONVERSATIONS_ASSIGN


class CannedReplySerializer(serializers.ModelSerializer[CannedReply]):
    """{name} stands for the person's first name, {me} for the name of who sends it."""

    shortcut = serializers.CharField(max_length=31, help_text="one word; a slash before it is left out")
    is_shared = serializers.BooleanField(source="has_no_owner", help_text="everybody's, not the caller's own")

    class Meta:
        model = CannedReply
        fields: ClassVar = ["id", "shortcut", "body", "is_shared", "created_at", "updated_at"]
        read_only_fields: ClassVar = ["id", "created_at", "updated_at"]


class CannedReplyFilter(filters.FilterSet):
    search = filters.CharFilter(method="by_text", help_text="in the shortcut or the text")
    shared = filters.BooleanFilter(field_name="owner", lookup_expr="isnull")

    class Meta:
        model = CannedReply
        fields = ["shortcut", "search", "shared"]

    def by_text(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(shortcut__icontains=value.removeprefix("/")) | Q(body__icontains=value))


class CannedReplyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """Replies that are given again and again: one's own, and the shared ones."""

    queryset = CannedReply.objects.all()
    serializer_class = CannedReplySerializer
    filterset_class = CannedReplyFilter
    capabilities: ClassVar = {"list": READ, "retrieve": READ, "create": REPLY, "update": REPLY, "destroy": REPLY}

    def create(self, request: Request, **_: Any) -> Response:
        return self._saved(request, None, status.HTTP_201_CREATED)

    def update(self, request: Request, **_: Any) -> Response:
        return self._saved(request, self.get_object(), status.HTTP_200_OK)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        services.delete_canned_reply(actor=self.actor, reply=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _saved(self, request: Request, reply: CannedReply | None, code: int) -> Response:
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        kept = services.save_canned_reply(
            actor=self.actor,
            reply=reply,
            shortcut=fields["shortcut"],
            body=fields["body"],
            is_shared=fields["has_no_owner"],
            at=timezone.now(),
        )
        return Response(self.get_serializer(kept).data, status=code)


class OfficeHoursSerializer(serializers.ModelSerializer[OfficeHours]):
    """A week is seven lists of spans, Monday first; an empty one stands for the organisation's own hours."""

    channel = serializers.IntegerField(source="channel_id", allow_null=True, help_text="null: every other number")
    week = serializers.ListField(child=serializers.ListField(), help_text='[[["09:00", "18:00"]], ...]')

    class Meta:
        model = OfficeHours
        fields: ClassVar = [
            "id", "channel", "time_zone", "week", "says_away", "away_text", "away_text_arabic", "updated_at",
        ]  # fmt: skip
        read_only_fields: ClassVar = ["id", "updated_at"]


class OfficeHoursViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """When somebody is there, and what is said meanwhile. POST again for the same number changes it."""

    queryset = OfficeHours.objects.all()
    serializer_class = OfficeHoursSerializer
    filterset_fields: ClassVar = ["channel", "says_away"]
    capabilities: ClassVar = {"list": READ, "retrieve": READ, "create": ASSIGN}

    def create(self, request: Request, **_: Any) -> Response:
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        pk = fields.pop("channel_id")
        kept = services.save_office_hours(
            actor=self.actor,
            channel=None if pk is None else self.found(Channel, pk, "channel"),
            week=fields["week"],
            time_zone=fields.get("time_zone", ""),
            says_away=fields.get("says_away", False),
            away_text=fields.get("away_text", ""),
            away_text_arabic=fields.get("away_text_arabic", ""),
            at=timezone.now(),
        )
        return Response(self.get_serializer(kept).data, status=status.HTTP_201_CREATED)
