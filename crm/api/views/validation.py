"""Runs that look whether numbers and addresses can be right."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.roles import Capability
from crm import services
from crm.api import filters, inputs
from crm.api.serializers import ValidationFindingSerializer, ValidationRunSerializer
from crm.api.views.base import RowsViewSet
from crm.models import ValidationFinding, ValidationRun


class ValidationRunViewSet(RowsViewSet):
    """Numbers by their country's plan, addresses by their form and DNS. One at a time."""

    queryset = ValidationRun.objects.all()
    serializer_class = ValidationRunSerializer
    filterset_class = filters.ValidationRunFilter
    capabilities: ClassVar = {
        "list": Capability.STOCK_WRITE,
        "retrieve": Capability.STOCK_WRITE,
        "create": Capability.STOCK_WRITE,
        "destroy": Capability.STOCK_WRITE,
    }

    @extend_schema(request=inputs.ValidationInput, responses={201: ValidationRunSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """A worker begins at once; follow `checked` of the run."""
        chosen = services.Chosen(**self.given(request, inputs.ValidationInput))
        run = services.start_validation(actor=self.actor, chosen=chosen, at=timezone.now())
        return self.answer(run, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Stop it; what it found stays, and so does the row."""
        services.stop_validation(actor=self.actor, run=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class ValidationFindingViewSet(RowsViewSet):
    """Points that were not simply fine, or whose status became another."""

    queryset = ValidationFinding.objects.select_related("point")
    serializer_class = ValidationFindingSerializer
    filterset_class = filters.ValidationFindingFilter
    capabilities: ClassVar = {"list": Capability.STOCK_WRITE, "retrieve": Capability.STOCK_WRITE}
