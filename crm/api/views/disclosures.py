"""Who was given whose numbers, who took lists of them along, and who reached the limit."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exports import ExportableViewSet
from core.roles import Capability
from crm import services
from crm.models import DisclosureAlert, ListDisclosure, OwnerDisclosure

READ = Capability.AUDIT_READ


class OwnerDisclosureSerializer(serializers.ModelSerializer[OwnerDisclosure]):
    class Meta:
        model = OwnerDisclosure
        fields = ["id", "at", "membership", "contact", "points", "reason", "door", "by_opening"]


class ListDisclosureSerializer(serializers.ModelSerializer[ListDisclosure]):
    class Meta:
        model = ListDisclosure
        fields = ["id", "at", "membership", "token", "listed", "how_many", "filters", "file", "door"]


class DisclosureAlertSerializer(serializers.ModelSerializer[DisclosureAlert]):
    class Meta:
        model = DisclosureAlert
        fields = ["id", "hour", "membership", "door", "limit", "seen_by", "seen_at"]


class OwnerDisclosureFilter(filters.FilterSet):
    since = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = OwnerDisclosure
        fields = ["membership", "contact", "door", "by_opening"]


class ListDisclosureFilter(filters.FilterSet):
    since = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = ListDisclosure
        fields = ["membership", "listed", "door"]


class DisclosureAlertFilter(filters.FilterSet):
    is_seen = filters.BooleanFilter(field_name="seen_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = DisclosureAlert
        fields = ["membership", "door"]


class OwnerDisclosureViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Numbers that were shown to a member. POST contacts/<id>/disclosures/ asks for them."""

    queryset = OwnerDisclosure.objects.all()
    serializer_class = OwnerDisclosureSerializer
    filterset_class = OwnerDisclosureFilter
    capabilities: ClassVar = dict.fromkeys(["list", "retrieve"], READ)


class ListDisclosureViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Whole lists of numbers that somebody took along."""

    queryset = ListDisclosure.objects.all()
    serializer_class = ListDisclosureSerializer
    filterset_class = ListDisclosureFilter
    capabilities: ClassVar = dict.fromkeys(["list", "retrieve"], READ)


class DisclosureAlertViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Members who reached the limit of numbers an hour."""

    queryset = DisclosureAlert.objects.all()
    serializer_class = DisclosureAlertSerializer
    filterset_class = DisclosureAlertFilter
    capabilities: ClassVar = dict.fromkeys(["list", "retrieve", "inspection"], READ)

    @extend_schema(request=None, responses={201: DisclosureAlertSerializer})
    @action(detail=True, methods=["post"])
    def inspection(self, request: Request, **_: Any) -> Response:
        """Somebody has looked into it: not the one it is about."""
        seen = services.see_alert(actor=self.actor, alert=self.get_object(), at=timezone.now())
        return Response(self.get_serializer(seen).data, status=status.HTTP_201_CREATED)
