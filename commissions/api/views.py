"""Commissions over the API. Decisions are resources: POST commissions/3/approval/ approves it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from commissions import services
from commissions.api.filters import CommissionFilter, CommissionPaymentFilter, CommissionPlanFilter
from commissions.api.receipts import ClientMoney
from commissions.api.reversals import ReversibleViewSet, takes_back
from commissions.api.serializers import (
    AdjustmentSerializer,
    ApprovalSerializer,
    CancellationSerializer,
    CommissionPaymentSerializer,
    CommissionPlanSerializer,
    CommissionSerializer,
    CommissionSplitSerializer,
    DisputeMessageSerializer,
    DisputeResolutionSerializer,
    DisputeSerializer,
    NewCommissionSerializer,
    NewPaymentSerializer,
    NewPlanSerializer,
    PlanVersionSerializer,
    TermsSerializer,
    shares_of,
)
from commissions.errors import DisputeClosed
from commissions.models import (
    Commission,
    CommissionPayment,
    CommissionPlan,
    CommissionSplit,
    Dispute,
    DisputeMessage,
    Method,
    PlanVersion,
    Side,
)
from core.api.exports import ExportableViewSet
from core.roles import Capability
from crm.models import Agent, Deal
from crm.models.deals import DealKind

READ, WRITE = Capability.COMMISSIONS_READ, Capability.COMMISSIONS_WRITE
APPROVE, PAY = Capability.COMMISSIONS_APPROVE, Capability.COMMISSIONS_PAY


class CommissionPlanViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Plans with all their versions. A plan is edited by adding a version; it is never changed."""

    queryset = CommissionPlan.objects.prefetch_related(Prefetch("versions", PlanVersion.objects.order_by("-number")))
    serializer_class = CommissionPlanSerializer
    filterset_class = CommissionPlanFilter
    capabilities: ClassVar = {"list": READ, "retrieve": READ, "create": WRITE, "versions": WRITE, "default": WRITE}

    @extend_schema(request=NewPlanSerializer, responses={201: CommissionPlanSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = NewPlanSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        version = services.create_plan(
            actor=self.actor,
            name=given.validated_data["name"],
            deal_kind=DealKind(given.validated_data["deal_kind"]),
            terms=given.terms(),
            shares=given.shares(),
            at=timezone.now(),
            is_default=given.validated_data["is_default"],
            note=given.validated_data["note"],
        )
        made = self.get_queryset().get(pk=version.plan_id)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=TermsSerializer, responses={201: PlanVersionSerializer})
    @action(detail=True, methods=["post"])
    def versions(self, request: Request, **_: Any) -> Response:
        given = TermsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        version = services.new_plan_version(
            actor=self.actor,
            plan=self.get_object(),
            terms=given.terms(),
            shares=given.shares(),
            at=timezone.now(),
            note=given.validated_data["note"],
        )
        return Response(PlanVersionSerializer(version).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: CommissionPlanSerializer})
    @action(detail=True, methods=["post"])
    def default(self, request: Request, **_: Any) -> Response:
        """Deals that close take this plan from now on."""
        services.make_default(actor=self.actor, plan=self.get_object(), at=timezone.now())
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_201_CREATED)


class CommissionViewSet(ClientMoney, mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """What deals earned. Agents see those in which they have a part, and of these their own part."""

    queryset = Commission.objects.all()
    serializer_class = CommissionSerializer
    filterset_class = CommissionFilter
    capabilities: ClassVar = {
        "list": READ,
        "retrieve": READ,
        "create": WRITE,
        "splits": READ,
        "payments": READ,
        "approval": APPROVE,
        "dispute": READ,
        "messages": READ,
        "adjustment": WRITE,
        "resolution": APPROVE,
        "cancellation": APPROVE,
        **ClientMoney.client_money,
    }

    def get_queryset(self) -> QuerySet[Commission]:
        commissions = super().get_queryset()
        if self.swagger_fake_view:
            return commissions
        parts = CommissionSplit.objects.visible_to(self.actor).select_related("agent", "contact").order_by("position")
        return commissions.prefetch_related(Prefetch("splits", parts))

    @extend_schema(request=NewCommissionSerializer, responses={201: CommissionSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Work out what a closed deal earned; somebody else approves it."""
        given = NewCommissionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        deal = get_object_or_404(Deal.objects.visible_to(self.actor), pk=fields["deal"])
        version = None
        if "plan_version" in fields:
            version = get_object_or_404(PlanVersion.objects.visible_to(self.actor), pk=fields["plan_version"])
        made = services.create_commission(
            actor=self.actor,
            deal=deal,
            at=timezone.now(),
            plan_version=version,
            shares=shares_of(fields["splits"], deal.currency) if "splits" in fields else None,
            price=fields.get("price"),
            side=Side(fields["side"]) if "side" in fields else None,
        )
        return self._shown(made.pk)

    @extend_schema(responses=CommissionSplitSerializer(many=True))
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def splits(self, request: Request, **_: Any) -> Response:
        return Response(CommissionSplitSerializer(self.get_object().splits.all(), many=True).data)

    @extend_schema(responses=CommissionPaymentSerializer(many=True))
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def payments(self, request: Request, **_: Any) -> Response:
        payments = CommissionPayment.objects.visible_to(self.actor).filter(split__commission=self.get_object())
        found = payments.select_related("split").prefetch_related("reversals").order_by("id")
        return Response(CommissionPaymentSerializer(found, many=True).data)

    @extend_schema(request=None, responses={201: ApprovalSerializer})
    @action(detail=True, methods=["post"])
    def approval(self, request: Request, **_: Any) -> Response:
        made = services.approve_commission(actor=self.actor, commission=self.get_object(), at=timezone.now())
        return Response(ApprovalSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=DisputeSerializer, responses={201: DisputeSerializer})
    @action(detail=True, methods=["post"])
    def dispute(self, request: Request, **_: Any) -> Response:
        commission = self.get_object()
        given = DisputeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.dispute_commission(
            actor=self.actor,
            commission=commission,
            reason=given.validated_data["reason"],
            at=timezone.now(),
        )
        return Response(DisputeSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(methods=["GET"], responses=DisputeMessageSerializer(many=True))
    @extend_schema(methods=["POST"], request=DisputeMessageSerializer, responses={201: DisputeMessageSerializer})
    @action(
        detail=True, methods=["get", "post"], url_path="dispute/messages", filterset_class=None, pagination_class=None
    )
    def messages(self, request: Request, **_: Any) -> Response:
        """The talk about its disputes, oldest first; POST says something about the open one."""
        commission = self.get_object()
        if request.method == "GET":
            told = DisputeMessage.objects.visible_to(self.actor).filter(dispute__commission=commission)
            found = told.select_related("author__user").order_by("id")
            return Response(DisputeMessageSerializer(found, many=True).data)
        given = DisputeMessageSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.add_dispute_message(
            actor=self.actor, dispute=_open_dispute(commission), text=given.validated_data["text"], at=timezone.now()
        )
        return Response(DisputeMessageSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=AdjustmentSerializer, responses={201: CommissionSerializer})
    @action(detail=True, methods=["post"])
    def adjustment(self, request: Request, **_: Any) -> Response:
        """Owe an agent more for this deal: a commission of its own, which somebody else approves."""
        given = AdjustmentSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        agent = get_object_or_404(Agent.objects.visible_to(self.actor), pk=fields["agent"])
        made = services.adjust_commission(
            actor=self.actor,
            commission=self.get_object(),
            agent=agent,
            amount=fields["amount"],
            reason=fields["reason"],
            at=timezone.now(),
        )
        return self._shown(made.pk)

    @extend_schema(request=DisputeResolutionSerializer, responses={201: DisputeResolutionSerializer})
    @action(detail=True, methods=["post"], url_path="dispute/resolution")
    def resolution(self, request: Request, **_: Any) -> Response:
        """Close the open dispute; the commission returns to where it stood."""
        given = DisputeResolutionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.resolve_dispute(
            actor=self.actor,
            dispute=_open_dispute(self.get_object()),
            resolution=given.validated_data["resolution"],
            at=timezone.now(),
        )
        return Response(DisputeResolutionSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CancellationSerializer, responses={201: CancellationSerializer})
    @action(detail=True, methods=["post"])
    def cancellation(self, request: Request, **_: Any) -> Response:
        given = CancellationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.cancel_commission(
            actor=self.actor,
            commission=self.get_object(),
            reason=given.validated_data["reason"],
            claw_back=given.validated_data["claw_back"],
            at=timezone.now(),
        )
        return Response(CancellationSerializer(made).data, status=status.HTTP_201_CREATED)

    def _shown(self, commission_id: int) -> Response:
        found = self.get_queryset().get(pk=commission_id)
        return Response(self.get_serializer(found).data, status=status.HTTP_201_CREATED)


def _open_dispute(commission: Commission) -> Dispute:
    """The dispute that waits for an answer. Raises DisputeClosed."""
    dispute = Dispute.objects.filter(commission=commission, resolutions__isnull=True).order_by("-id").first()
    if dispute is None:
        raise DisputeClosed("This commission is not disputed.")
    return dispute


@takes_back(CommissionPaymentSerializer)
class CommissionPaymentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ReversibleViewSet):
    """Payments of parts. One that did not arrive is taken back by POST .../reversal/; none is ever deleted."""

    queryset = CommissionPayment.objects.select_related("split").prefetch_related("reversals")
    serializer_class = CommissionPaymentSerializer
    filterset_class = CommissionPaymentFilter
    take_back, moved = services.reverse_payment, "payment"
    capabilities: ClassVar = {"list": READ, "retrieve": READ, "create": PAY, "reversal": PAY}

    @extend_schema(request=NewPaymentSerializer, responses={201: CommissionPaymentSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = NewPaymentSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        split = get_object_or_404(CommissionSplit.objects.visible_to(self.actor), pk=fields.pop("split"))
        made = services.record_payment(
            actor=self.actor, split=split, at=timezone.now(), **fields | {"method": Method(fields["method"])}
        )
        return self.made(made.pk)
