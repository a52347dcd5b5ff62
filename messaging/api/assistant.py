"""The assistant over the API: where it answers, who is told, whose phones are heard, what was asked."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters as filters
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.roles import Capability
from messaging.api.views import TalkViewSet
from messaging.models import AssistantLine, AssistantTurn, Channel, MemberNumber, MessageTemplate
from messaging.services import assistant as services

MANAGE, AGENTS, AUDIT = Capability.CHANNELS_MANAGE, Capability.AGENTS_MANAGE, Capability.AUDIT_READ


class LineSerializer(serializers.ModelSerializer[AssistantLine]):
    watchers = serializers.SerializerMethodField(help_text="memberships that are told of what is given out")

    class Meta:
        model = AssistantLine
        fields: ClassVar = ["id", "channel", "copy_template", "watchers", "created_at"]

    def get_watchers(self, line: AssistantLine) -> list[int]:
        return [watcher.membership_id for watcher in line.watchers.all()]


class NewLineSerializer(serializers.Serializer[Any]):
    channel = serializers.IntegerField()


class WatchingSerializer(serializers.Serializer[Any]):
    """These members and no others; by this template when a member has not written for a day."""

    members = serializers.ListField(child=serializers.IntegerField(), max_length=50)
    copy_template = serializers.IntegerField(required=False, allow_null=True)


class MemberNumberSerializer(serializers.ModelSerializer[MemberNumber]):
    class Meta:
        model = MemberNumber
        fields: ClassVar = ["id", "membership", "number", "user_id", "verified_at"]


class TurnSerializer(serializers.ModelSerializer[AssistantTurn]):
    asked = serializers.CharField(source="message.body")

    class Meta:
        model = AssistantTurn
        fields: ClassVar = [
            "id", "membership", "line", "asked", "request", "language", "outcome", "summary", "at", "handled_at",
        ]  # fmt: skip


class LineFilter(filters.FilterSet):
    class Meta:
        model = AssistantLine
        fields: ClassVar = ["channel"]


class MemberNumberFilter(filters.FilterSet):
    class Meta:
        model = MemberNumber
        fields: ClassVar = ["membership", "number"]


class TurnFilter(filters.FilterSet):
    since = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    search = filters.CharFilter(field_name="summary", lookup_expr="icontains", help_text="in what was given")

    class Meta:
        model = AssistantTurn
        fields: ClassVar = ["membership", "line", "request", "outcome", "since", "search"]


class AssistantLineViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """Numbers on which members may ask."""

    queryset = AssistantLine.objects.prefetch_related("watchers")
    serializer_class = LineSerializer
    filterset_class = LineFilter
    capabilities: ClassVar = {
        "list": MANAGE, "retrieve": MANAGE, "create": MANAGE, "destroy": MANAGE, "watchers": MANAGE,
    }  # fmt: skip

    @extend_schema(request=NewLineSerializer, responses={201: LineSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = NewLineSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        channel = self.found(Channel, given.validated_data["channel"], "channel")
        line = services.open_line(actor=self.actor, channel=channel, at=timezone.now())
        return Response(self.get_serializer(line).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        services.close_line(actor=self.actor, line=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=WatchingSerializer, responses=LineSerializer)
    @action(detail=True, methods=["put"])
    def watchers(self, request: Request, **_: Any) -> Response:
        """Who is told of every number given out."""
        given = WatchingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        template = given.validated_data.get("copy_template")
        services.watch_line(
            actor=self.actor,
            line=self.get_object(),
            members=[self.member(pk) for pk in given.validated_data["members"]],
            copy_template=None if template is None else self.found(MessageTemplate, template, "copy_template"),
            at=timezone.now(),
        )
        return Response(self.get_serializer(self.get_object()).data)


class MemberNumberViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """Phones that members connected. Nobody connects one for another: that is done by a code, from the phone."""

    queryset = MemberNumber.objects.filter(verified_at__isnull=False)
    serializer_class = MemberNumberSerializer
    filterset_class = MemberNumberFilter
    capabilities: ClassVar = {"list": AGENTS, "retrieve": AGENTS, "destroy": AGENTS}

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        services.forget_number(actor=self.actor, number=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class AssistantTurnViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """What members asked, and what became of it."""

    queryset = AssistantTurn.objects.select_related("message")
    serializer_class = TurnSerializer
    filterset_class = TurnFilter
    capabilities: ClassVar = {"list": AUDIT, "retrieve": AUDIT}
