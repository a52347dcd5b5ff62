"""The client's money over the API: when it is expected, what came, what bounced, and what agents repay."""

from __future__ import annotations

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from commissions import services
from commissions.api.filters import InstalmentFilter, ReceiptFilter, RepaymentFilter
from commissions.api.receipt_serializers import (
    HoldBackReleaseSerializer,
    HoldBackSerializer,
    InstalmentSerializer,
    NewReceiptSerializer,
    NewRepaymentSerializer,
    ReceiptSerializer,
    RepaymentSerializer,
    ReschedulingSerializer,
    ScheduleSerializer,
)
from commissions.api.reversals import ReversibleViewSet, takes_back
from commissions.models import Commission, HoldBack, Instalment, Method, Receipt, Repayment
from core.api.exports import ExportableViewSet
from core.api.views import TenantViewSet
from core.roles import Capability
from crm.models import Agent, Contact

READ, WRITE = Capability.COMMISSIONS_READ, Capability.COMMISSIONS_WRITE
APPROVE, PAY = Capability.COMMISSIONS_APPROVE, Capability.COMMISSIONS_PAY


class ClientMoney(TenantViewSet):
    """What of a commission the client pays when, and what of its parts is held back meanwhile."""

    client_money: ClassVar = {
        "instalments": READ, "schedule": WRITE, "rescheduling": WRITE, "hold_back": READ, "hold": WRITE, "release": APPROVE,
    }  # fmt: skip

    @extend_schema(responses=InstalmentSerializer(many=True))
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def instalments(self, request: Request, **_: Any) -> Response:
        """When the client pays what; none when it is paid out as soon as it is approved."""
        return self._instalments(self.get_object())

    @extend_schema(request=ScheduleSerializer, responses={201: InstalmentSerializer(many=True)})
    @instalments.mapping.post
    def schedule(self, request: Request, **_: Any) -> Response:
        """Say it, once and before anything is paid: parts are then paid out as far as money came in."""
        commission = self.get_object()
        given = ScheduleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.schedule_instalments(
            actor=self.actor, commission=commission, instalments=given.schedule(), at=timezone.now()
        )
        return self._instalments(commission, status.HTTP_201_CREATED)

    @extend_schema(request=ReschedulingSerializer, responses={201: InstalmentSerializer(many=True)})
    @action(detail=True, methods=["post"], url_path="instalments/rescheduling", pagination_class=None)
    def rescheduling(self, request: Request, **_: Any) -> Response:
        """Agree on other days and amounts; what came stays with its instalment."""
        commission = self.get_object()
        given = ReschedulingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.reschedule_instalments(
            actor=self.actor,
            commission=commission,
            instalments=given.schedule(),
            reason=given.validated_data["reason"],
            at=timezone.now(),
        )
        return self._instalments(commission, status.HTTP_201_CREATED)

    @extend_schema(responses=HoldBackSerializer)
    @action(detail=True, methods=["get"], url_path="hold-back")
    def hold_back(self, request: Request, **_: Any) -> Response:
        """What of each part is kept back. 404 when nothing ever was."""
        held = get_object_or_404(HoldBack.objects.filter(commission=self.get_object()))
        return Response(HoldBackSerializer(held).data)

    @extend_schema(request=HoldBackSerializer, responses={201: HoldBackSerializer})
    @hold_back.mapping.post
    def hold(self, request: Request, **_: Any) -> Response:
        """Keep a share of each part back until a day, or until somebody lets it go. Once for a commission."""
        commission = self.get_object()
        given = HoldBackSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        held = services.hold_back(actor=self.actor, commission=commission, at=timezone.now(), **given.validated_data)
        return Response(HoldBackSerializer(held).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=HoldBackReleaseSerializer, responses={201: HoldBackSerializer})
    @action(detail=True, methods=["post"], url_path="hold-back/release")
    def release(self, request: Request, **_: Any) -> Response:
        """Let go what was held back, such as at the handover."""
        commission = self.get_object()
        given = HoldBackReleaseSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.release_hold_back(
            actor=self.actor, commission=commission, reason=given.validated_data["reason"], at=timezone.now()
        )
        return Response(HoldBackSerializer(made.hold_back).data, status=status.HTTP_201_CREATED)

    def _instalments(self, commission: Commission, code: int = status.HTTP_200_OK) -> Response:
        found = Instalment.objects.for_organization(self.organization).filter(commission=commission)
        return Response(InstalmentSerializer(found.order_by("position"), many=True).data, status=code)


class InstalmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """What clients are expected to pay, by day. Agents read those of their commissions there."""

    queryset = Instalment.objects.all()
    serializer_class = InstalmentSerializer
    filterset_class = InstalmentFilter
    capabilities: ClassVar = {"list": WRITE, "retrieve": WRITE}


@takes_back(ReceiptSerializer)
class ReceiptViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ReversibleViewSet):
    """Money of clients that arrived. A cheque that bounced is taken back by POST .../reversal/; none is ever deleted."""

    queryset = Receipt.objects.select_related("instalment").prefetch_related("reversals")
    serializer_class = ReceiptSerializer
    filterset_class = ReceiptFilter
    take_back, moved = services.reverse_receipt, "receipt"
    capabilities: ClassVar = {"list": WRITE, "retrieve": WRITE, "create": PAY, "reversal": PAY}

    @extend_schema(request=NewReceiptSerializer, responses={201: ReceiptSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = NewReceiptSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        instalment = get_object_or_404(Instalment.objects.visible_to(self.actor), pk=fields.pop("instalment"))
        made = services.record_receipt(
            actor=self.actor, instalment=instalment, at=timezone.now(), **fields | {"method": Method(fields["method"])}
        )
        return self.made(made.pk)


@takes_back(RepaymentSerializer)
class RepaymentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ReversibleViewSet):
    """What agents and referrers paid back of what they owe the house. Agents see their own."""

    queryset = Repayment.objects.prefetch_related("reversals")
    serializer_class = RepaymentSerializer
    filterset_class = RepaymentFilter
    take_back, moved = services.reverse_repayment, "repayment"
    capabilities: ClassVar = {"list": READ, "retrieve": READ, "create": PAY, "reversal": PAY}

    @extend_schema(request=NewRepaymentSerializer, responses={201: RepaymentSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = NewRepaymentSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        people, key = (Agent, fields.pop("agent")) if "agent" in fields else (Contact, fields.pop("contact"))
        owing = get_object_or_404(people.objects.visible_to(self.actor), pk=key)
        made = services.record_repayment(
            actor=self.actor, owing=owing, at=timezone.now(), **fields | {"method": Method(fields["method"])}
        )
        return self.made(made.pk)
