"""Payouts through the bank over the API: collected by one person, approved by another, answered line by line."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, Prefetch, Sum
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from commissions import services
from commissions.api.filters import PayoutFilter, PayoutLineFilter
from commissions.api.payout_serializers import (
    MadePayoutSerializer,
    NewPayoutSerializer,
    PaidSerializer,
    PayingAccountSerializer,
    PayoutLineSerializer,
    PayoutSerializer,
    ReasonSerializer,
)
from commissions.models import PayingAccount, PayoutBatch, PayoutItem, PayoutLine
from core.api.exports import ExportableViewSet
from core.api.views import TenantViewSet
from core.roles import Capability

READ, BANK = Capability.COMMISSIONS_READ, Capability.BANK_DETAILS_READ
APPROVE, PAY = Capability.COMMISSIONS_APPROVE, Capability.COMMISSIONS_PAY
FILE = OpenApiResponse(OpenApiTypes.BINARY, description="The file for the bank")


class PayoutViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """What is due to several people, in one file for the bank. What is in it: `payout-lines/?batch=`."""

    queryset = PayoutBatch.objects.annotate(
        line_count=Count("lines"), sum_minor=Coalesce(Sum("lines__amount_minor"), 0)
    ).prefetch_related("approvals")
    serializer_class = PayoutSerializer
    filterset_class = PayoutFilter
    files: ClassVar = {"export", "file"}
    capabilities: ClassVar = {
        "list": READ, "retrieve": READ, "create": PAY, "approval": APPROVE, "cancellation": APPROVE, "file": BANK,
    }  # fmt: skip

    @extend_schema(request=NewPayoutSerializer, responses={201: MadePayoutSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Collect what is due in one currency to agents whose bank details are verified. Somebody else approves it."""
        given = NewPayoutSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.create_payout(actor=self.actor, at=timezone.now(), **given.validated_data)
        context = {**self.get_serializer_context(), "left_out": made.left_out}
        answer = MadePayoutSerializer(self.get_queryset().get(pk=made.batch.pk), context=context)
        return Response(answer.data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: PayoutSerializer})
    @action(detail=True, methods=["post"])
    def approval(self, request: Request, **_: Any) -> Response:
        """Say yes, as another person than who made it and than who is paid by it."""
        services.approve_payout(actor=self.actor, batch=self.get_object(), at=timezone.now())
        return self._shown()

    @extend_schema(request=ReasonSerializer, responses={201: PayoutSerializer})
    @action(detail=True, methods=["post"])
    def cancellation(self, request: Request, **_: Any) -> Response:
        """Let go of a payout of which the bank has paid nothing, and never will: its parts are free for another."""
        batch = self.get_object()
        given = ReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.cancel_payout(actor=self.actor, batch=batch, reason=given.validated_data["reason"], at=timezone.now())
        return self._shown()

    @extend_schema(
        parameters=[OpenApiParameter("format", enum=[one.value for one in services.BankFormat], default="xml")],
        responses={(200, kind.media_type): FILE for kind in services.BankFormat},
    )
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def file(self, request: Request, **_: Any) -> HttpResponse:
        """The bank's file of an approved payout: ISO 20022 pain.001.001.09, or rows. The trail says who took it."""
        batch = self.get_object()
        kind = services.bank_format(request.query_params.get("format", "xml"))
        made = services.payout_file(actor=self.actor, batch=batch, format=kind, at=timezone.now())
        named = f'attachment; filename="{batch.reference}.{kind.value}"'
        return HttpResponse(made, content_type=kind.media_type, headers={"Content-Disposition": named})

    def _shown(self) -> Response:
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_201_CREATED)


class PayoutLineViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Transfers of payouts, one for each person, and what the bank did with them."""

    queryset = PayoutLine.objects.select_related("agent").prefetch_related(
        Prefetch("items", PayoutItem.objects.select_related("split").order_by("pk"))
    )
    serializer_class = PayoutLineSerializer
    filterset_class = PayoutLineFilter
    capabilities: ClassVar = {"list": READ, "retrieve": READ, "payment": PAY, "return_": PAY}

    @extend_schema(request=PaidSerializer, responses={201: PayoutLineSerializer})
    @action(detail=True, methods=["post"])
    def payment(self, request: Request, **_: Any) -> Response:
        """The bank paid it: each of its parts is paid, and the ledger moves with it."""
        line = self.get_object()
        given = PaidSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.confirm_line(actor=self.actor, line=line, paid_on=given.validated_data["paid_on"], at=timezone.now())
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ReasonSerializer, responses={201: PayoutLineSerializer})
    @action(detail=True, methods=["post"], url_path="return")
    def return_(self, request: Request, **_: Any) -> Response:
        """The bank refused it or sent it back: what was paid by it is due again."""
        line = self.get_object()
        given = ReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.return_line(actor=self.actor, line=line, reason=given.validated_data["reason"], at=timezone.now())
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_201_CREATED)


class PayingAccountViewSet(mixins.ListModelMixin, TenantViewSet):
    """The house's own accounts, one a currency. POST replaces the one of its currency."""

    queryset = PayingAccount.objects.all()
    serializer_class = PayingAccountSerializer
    capabilities: ClassVar = {"list": BANK, "create": BANK}

    @extend_schema(request=PayingAccountSerializer, responses={201: PayingAccountSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = PayingAccountSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.set_paying_account(actor=self.actor, at=timezone.now(), **given.validated_data)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)
