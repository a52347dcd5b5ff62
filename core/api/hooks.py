"""Endpoints that are told of events, and the log of what they were told."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core import hooks
from core.api.views import TenantViewSet
from core.models import HookDelivery, HookEndpoint
from core.roles import Capability

MANAGE = Capability.ORGANIZATION_MANAGE


class EndpointSerializer(serializers.ModelSerializer[HookEndpoint]):
    class Meta:
        model = HookEndpoint
        fields = ["id", "name", "url", "kinds", "is_active", "failures", "stopped_reason", "created_at"]


class NewEndpointSerializer(EndpointSerializer):
    secret = serializers.CharField(help_text="shown this once")

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "secret"]


class EndpointInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    url = serializers.CharField(max_length=500, help_text="https only, and not into a private network")
    kinds = serializers.ListField(child=serializers.CharField(max_length=50), help_text=", ".join(hooks.KINDS))


class EndpointChange(EndpointInput):
    is_active = serializers.BooleanField()


class ReplayInput(serializers.Serializer[Any]):
    """Ids of deliveries, both included; one when they are the same."""

    first = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    last = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class ReplayedSerializer(serializers.Serializer[Any]):
    replayed = serializers.IntegerField()


class DeliverySerializer(serializers.ModelSerializer[HookDelivery]):
    class Meta:
        model = HookDelivery
        fields = [
            "id", "endpoint", "event_id", "kind", "body", "attempts", "due_at", "answer_status", "error", "delivered_at",
            "given_up_at", "created_at",
        ]  # fmt: skip


class DeliveryFilter(filters.FilterSet):
    arrived = filters.BooleanFilter(field_name="delivered_at", lookup_expr="isnull", exclude=True)
    given_up = filters.BooleanFilter(field_name="given_up_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = HookDelivery
        fields = ["endpoint", "kind", "event_id"]


class HookEndpointViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Addresses of your own that are told of events, signed as Standard Webhooks say (docs/api.md)."""

    queryset = HookEndpoint.objects.all()
    serializer_class = EndpointSerializer
    capabilities: ClassVar = dict.fromkeys(
        ["list", "retrieve", "create", "partial_update", "destroy", "test", "replays"], MANAGE
    )

    @extend_schema(request=EndpointInput, responses={201: NewEndpointSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = EndpointInput(data=request.data)
        given.is_valid(raise_exception=True)
        endpoint, _secret = hooks.add_endpoint(actor=self.actor, at=timezone.now(), **given.validated_data)
        return Response(NewEndpointSerializer(endpoint).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=EndpointChange)
    def partial_update(self, request: Request, **_: Any) -> Response:
        """`is_active` true takes up again what was stopped: what waited goes out."""
        endpoint, given = self.get_object(), EndpointChange(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        changed = hooks.change_endpoint(actor=self.actor, endpoint=endpoint, at=timezone.now(), **given.validated_data)
        return Response(EndpointSerializer(changed).data)

    def destroy(self, request: Request, **_: Any) -> Response:
        hooks.remove_endpoint(actor=self.actor, endpoint=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, **_: Any) -> Response:
        """Send an event of kind `test`."""
        sent = hooks.send_test(actor=self.actor, endpoint=self.get_object(), at=timezone.now())
        return Response(DeliverySerializer(sent).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=ReplayInput, responses={202: ReplayedSerializer})
    @action(detail=True, methods=["post"])
    def replays(self, request: Request, **_: Any) -> Response:
        """Send again what was sent, under the same ids."""
        endpoint, given = self.get_object(), ReplayInput(data=request.data)
        given.is_valid(raise_exception=True)
        count = hooks.replay(actor=self.actor, endpoint=endpoint, at=timezone.now(), **given.validated_data)
        return Response({"replayed": count}, status=status.HTTP_202_ACCEPTED)


class HookDeliveryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """What was told to whom, how often it was tried, and what was answered; kept for 30 days."""

    queryset = HookDelivery.objects.all()
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilter
    capabilities: ClassVar = {"list": MANAGE, "retrieve": MANAGE}
