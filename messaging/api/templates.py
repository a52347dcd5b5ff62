"""Templates and what WhatsApp told us, over the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.roles import Capability
from messaging import services
from messaging.api.filters import NoticeFilter, TemplateFilter
from messaging.api.serializers import (
    NewTemplateSerializer,
    NoticeSerializer,
    TemplateChangeSerializer,
    TemplateSerializer,
)
from messaging.api.views import TalkViewSet
from messaging.models import Channel, MessageTemplate, Notice

READ, WRITE = Capability.CONVERSATIONS_READ, Capability.TEMPLATES_WRITE


class TemplateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """Message templates, as WhatsApp last told us about them."""

    queryset = MessageTemplate.objects.select_related("channel", "organization")
    serializer_class = TemplateSerializer
    filterset_class = TemplateFilter
    capabilities: ClassVar = {
        "list": READ, "retrieve": READ, "create": WRITE, "update": WRITE, "destroy": WRITE, "pause": WRITE,
    }  # fmt: skip

    @extend_schema(request=NewTemplateSerializer, responses={201: TemplateSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = NewTemplateSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = dict(given.validated_data)
        channel = self.found(Channel, fields.pop("channel"), "channel")
        template = services.create_template(actor=self.actor, channel=channel, at=timezone.now(), **fields)
        return Response(self.get_serializer(template).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=TemplateChangeSerializer, responses=TemplateSerializer)
    def update(self, request: Request, **_: Any) -> Response:
        """Replace what a template says; it goes back to review."""
        given = TemplateChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        template = services.edit_template(
            actor=self.actor, template=self.get_object(), at=timezone.now(), **given.validated_data
        )
        return Response(self.get_serializer(template).data)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Delete it at WhatsApp, in this language."""
        services.delete_template(actor=self.actor, template=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=TemplateSerializer)
    @action(detail=True, methods=["delete"])
    def pause(self, request: Request, **_: Any) -> Response:
        """Take it out of the pause that pacing gave it."""
        template = services.unpause_template(actor=self.actor, template=self.get_object(), at=timezone.now())
        return Response(self.get_serializer(template).data)


class NoticeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """What WhatsApp told us about numbers, accounts and templates: newest first, with what it means."""

    queryset = Notice.objects.order_by("-pk")
    serializer_class = NoticeSerializer
    filterset_class = NoticeFilter
    capabilities: ClassVar = {"list": Capability.CHANNELS_READ, "retrieve": Capability.CHANNELS_READ}
