"""Closing the books over the API, and opening them again, which takes two people."""

from __future__ import annotations

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exports import ExportableViewSet
from core.roles import Capability
from ledger import services
from ledger.models import PeriodClosing, PeriodReopening, ReopeningRequest

READ, CLOSE = Capability.LEDGER_READ, Capability.LEDGER_CLOSE


class ReopeningSerializer(serializers.ModelSerializer[PeriodReopening]):
    class Meta:
        model = PeriodReopening
        fields = ["approved_by", "at"]


class ReopeningRequestSerializer(serializers.ModelSerializer[ReopeningRequest]):
    """Somebody asks for the books to be opened again; `approval` is null until a second person agrees."""

    approval = serializers.SerializerMethodField()

    class Meta:
        model = ReopeningRequest
        fields = ["id", "reason", "asked_by", "at", "approval"]
        read_only_fields = ["id", "asked_by", "at"]

    @extend_schema_field(ReopeningSerializer(allow_null=True))
    def get_approval(self, asked: ReopeningRequest) -> Any:
        found = list(asked.reopenings.all())
        return ReopeningSerializer(found[0]).data if found else None


class ClosingSerializer(serializers.ModelSerializer[PeriodClosing]):
    """All days until `through_on`, included, are closed, unless they were opened again."""

    reopening = serializers.SerializerMethodField()

    class Meta:
        model = PeriodClosing
        fields = ["id", "through_on", "note", "closed_by", "at", "reopening"]
        read_only_fields = ["id", "closed_by", "at"]

    @extend_schema_field(ReopeningRequestSerializer(allow_null=True))
    def get_reopening(self, closing: PeriodClosing) -> Any:
        found = list(closing.requests.all())
        return ReopeningRequestSerializer(found[0]).data if found else None


class ClosingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Until which day the books are closed: nothing is posted any more with a date until then."""

    queryset = PeriodClosing.objects.prefetch_related("requests__reopenings")
    serializer_class = ClosingSerializer
    filterset_fields: ClassVar = ["through_on"]
    capabilities: ClassVar = {"list": READ, "retrieve": READ, "create": CLOSE, "reopening": CLOSE, "agreement": CLOSE}

    @extend_schema(request=ClosingSerializer, responses={201: ClosingSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = ClosingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.close_period(actor=self.actor, at=timezone.now(), **given.validated_data)
        return Response(ClosingSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ReopeningRequestSerializer, responses={201: ClosingSerializer})
    @action(detail=True, methods=["post"])
    def reopening(self, request: Request, **_: Any) -> Response:
        """Ask for the latest closing to be taken back. Nothing is open before somebody else agrees."""
        closing = self.get_object()
        given = ReopeningRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.ask_to_reopen(
            actor=self.actor, closing=closing, reason=given.validated_data["reason"], at=timezone.now()
        )
        return Response(ClosingSerializer(self.get_object()).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: ClosingSerializer})
    @action(detail=True, methods=["post"], url_path="reopening/approval")
    def agreement(self, request: Request, **_: Any) -> Response:
        """Agree, as the second person: the days are open again until they are closed anew. 404 when nobody asked."""
        asked = get_object_or_404(ReopeningRequest.objects.visible_to(self.actor), closing=self.get_object())
        services.approve_reopening(actor=self.actor, request=asked, at=timezone.now())
        return Response(ClosingSerializer(self.get_object()).data, status=status.HTTP_201_CREATED)
