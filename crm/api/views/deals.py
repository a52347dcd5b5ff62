"""Sales and leases."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import NotFound
from core.money import to_minor
from core.roles import Capability
from crm import services
from crm.api import filters, inputs
from crm.api.serializers import DealSerializer
from crm.api.views.base import RowsViewSet
from crm.models import Deal
from crm.models.deals import DealStage

WHY = OpenApiParameter("reason", str, required=True, description="why it is taken back")


class DealViewSet(RowsViewSet):
    """Deals, from the offer to the day they are concluded."""

    queryset = Deal.objects.select_related("property")
    serializer_class = DealSerializer
    filterset_class = filters.DealFilter
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "create": Capability.DEALS_WRITE,
        "stage": Capability.DEALS_WRITE,
        "closure": Capability.DEALS_WRITE,
        "reopen": Capability.DEALS_WRITE,
        "loss": Capability.DEALS_WRITE,
        "revive": Capability.DEALS_WRITE,
    }

    @extend_schema(request=inputs.DealInput)
    def create(self, request: Request, **_: Any) -> Response:
        """Open a deal at the stage of an offer. For a lease the price is the annual rent."""
        given = self.given(request, inputs.DealInput)
        given.setdefault("currency", given["property"].currency)
        given.setdefault("kind", "sale")
        price = to_minor(given.pop("price"), given["currency"])
        deal = services.create_deal(actor=self.actor, price_minor=price, **given)
        return self.answer(deal, status.HTTP_201_CREATED)

    @extend_schema(request=inputs.StageInput, responses=DealSerializer)
    @action(detail=True, methods=["put"])
    def stage(self, request: Request, **_: Any) -> Response:
        """Offer, accepted or contract."""
        deal, given = self.get_object(), self.given(request, inputs.StageInput)
        return self.answer(services.move_deal(actor=self.actor, deal=deal, stage=given["stage"], at=timezone.now()))

    @extend_schema(request=inputs.ClosureInput, responses={201: DealSerializer})
    @action(detail=True, methods=["post"])
    def closure(self, request: Request, **_: Any) -> Response:
        """The deal is concluded: the unit is sold or rented, and commissions are earned."""
        deal, now = self.get_object(), timezone.now()
        today = now.astimezone(ZoneInfo(self.organization.time_zone)).date()
        closed_on = self.given(request, inputs.ClosureInput).get("closed_on", today)
        closed = services.close_deal(actor=self.actor, deal=deal, closed_on=closed_on, at=now)
        return self.answer(closed, status.HTTP_201_CREATED)

    @extend_schema(parameters=[WHY], request=None, responses={204: None})
    @closure.mapping.delete
    def reopen(self, request: Request, **_: Any) -> Response:
        """It was not concluded after all: back to the contract, unless commissions have been paid on it."""
        return self._reopened(request, DealStage.CLOSED)

    @extend_schema(request=inputs.ReasonInput, responses={201: DealSerializer})
    @action(detail=True, methods=["post"])
    def loss(self, request: Request, **_: Any) -> Response:
        """The deal comes to nothing."""
        deal, given = self.get_object(), self.given(request, inputs.ReasonInput)
        lost = services.lose_deal(actor=self.actor, deal=deal, reason=given["reason"], at=timezone.now())
        return self.answer(lost, status.HTTP_201_CREATED)

    @extend_schema(parameters=[WHY], request=None, responses={204: None})
    @loss.mapping.delete
    def revive(self, request: Request, **_: Any) -> Response:
        """They came back: the deal is an offer again."""
        return self._reopened(request, DealStage.LOST)

    def _reopened(self, request: Request, stage: str) -> Response:
        deal, reason = self.get_object(), request.query_params.get("reason", "")
        if deal.stage != stage:
            raise NotFound(f"This deal is not {stage}.")
        services.reopen_deal(actor=self.actor, deal=deal, reason=reason, at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
