"""Blocks of numbers that WhatsApp was asked to lift."""

from __future__ import annotations

from typing import Any, ClassVar

from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from core.roles import Capability
from messaging.api.views import TalkViewSet
from messaging.models import Appeal


class AppealSerializer(serializers.ModelSerializer[Appeal]):
    class Meta:
        model = Appeal
        fields: ClassVar = ["id", "channel", "asked_by", "asked_at", "note", "outcome", "decided_at"]
        read_only_fields = fields


class AppealFilter(filters.FilterSet):
    class Meta:
        model = Appeal
        fields = ["channel", "outcome"]


class AppealViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TalkViewSet):
    """POST and DELETE channels/<id>/appeal/ ask, and note that the answer was no."""

    queryset = Appeal.objects.all()
    serializer_class = AppealSerializer
    filterset_class = AppealFilter
    capabilities: ClassVar[dict[str, Any]] = dict.fromkeys(["list", "retrieve"], Capability.CHANNELS_READ)
