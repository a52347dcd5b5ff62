"""The books over the API: read-only, for there is no way to write them but the business that posts; limits may be set."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exports import ExportableViewSet
from core.api.pagination import KeysetPagination
from core.api.views import TenantViewSet
from core.roles import Capability
from ledger import selectors, services
from ledger.api.filters import AccountFilter, EntryFilter, TransferFilter
from ledger.api.serializers import (
    AccountSerializer,
    AsOfSerializer,
    EntrySerializer,
    LimitsSerializer,
    PeriodSerializer,
    StatementSerializer,
    TransferSerializer,
    TrialBalanceSerializer,
)
from ledger.errors import EntriesUnbounded
from ledger.models import Account, Entry, Transfer

READ = Capability.LEDGER_READ


class AccountViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Accounts and what they stand at."""

    queryset = Account.objects.all()
    serializer_class = AccountSerializer
    filterset_class = AccountFilter
    capabilities: ClassVar = {
        "list": READ, "retrieve": READ, "statement": READ, "limits": Capability.LEDGER_CLOSE,
    }  # fmt: skip

    @extend_schema(parameters=[PeriodSerializer], responses=StatementSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def statement(self, request: Request, **_: Any) -> Response:
        """What moved the account between two days, with the balances before and after (the newest 1,000 lines)."""
        period = PeriodSerializer(data=request.query_params)
        period.is_valid(raise_exception=True)
        found = selectors.statement(actor=self.actor, account=self.get_object(), **period.validated_data)
        return Response(StatementSerializer(found).data)

    @extend_schema(request=LimitsSerializer, responses={201: AccountSerializer})
    @action(detail=True, methods=["post"])
    def limits(self, request: Request, **_: Any) -> Response:
        """From now on the balance stays between the two; it must lie between them already."""
        account = self.get_object()
        given = LimitsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        changed = services.set_limits(actor=self.actor, account=account, at=timezone.now(), **given.validated_data)
        return Response(AccountSerializer(changed).data, status=status.HTTP_201_CREATED)


class TransferViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Postings: who posted what, and what it reverses. Their lines are the entries of the transfer."""

    queryset = Transfer.objects.all()
    serializer_class = TransferSerializer
    filterset_class = TransferFilter
    capabilities: ClassVar = {"list": READ, "retrieve": READ}


class EntryPagination(KeysetPagination):
    ordering = ("-sequence", "-id")


class EntryViewSet(mixins.ListModelMixin, ExportableViewSet):
    """The lines of one account, newest first, or of one transfer: `?account=` or `?transfer=` is required."""

    queryset = Entry.objects.select_related("account")
    serializer_class = EntrySerializer
    filterset_class = EntryFilter
    pagination_class = EntryPagination
    capabilities: ClassVar = {"list": READ}

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.request.query_params
        if not self.swagger_fake_view and not (asked.get("account") or asked.get("transfer")):
            raise EntriesUnbounded("Name an account or a transfer: ?account=12 or ?transfer=34.")
        return super().filter_queryset(queryset)


class TrialBalanceViewSet(TenantViewSet):
    """Every account that is not at zero; per currency, debits equal credits."""

    queryset = Account.objects.all()
    serializer_class = TrialBalanceSerializer
    pagination_class = None
    capabilities: ClassVar = {"list": READ}

    @extend_schema(parameters=[AsOfSerializer], responses=TrialBalanceSerializer)
    def list(self, request: Request, **_: Any) -> Response:
        asked = AsOfSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response(TrialBalanceSerializer(selectors.trial_balance(actor=self.actor, **asked.validated_data)).data)
