"""How lists of commissions and payments are narrowed."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet
from django_filters import rest_framework as filters

from commissions.filtering import OWED_AGAIN
from commissions.models import (
    Commission,
    CommissionPayment,
    CommissionPlan,
    CommissionSplit,
    Instalment,
    PayoutBatch,
    PayoutLine,
    Receipt,
    Repayment,
)


class CommissionPlanFilter(filters.FilterSet):
    class Meta:
        model = CommissionPlan
        fields = ["is_default", "deal_kind"]


class CommissionFilter(filters.FilterSet):
    earned_on = filters.DateFromToRangeFilter()
    agent = filters.NumberFilter(method="by_agent", label="agent with a part in it")

    class Meta:
        model = Commission
        fields = ["status", "deal", "side", "currency", "plan_version", "earned_on"]

    def by_agent(self, commissions: QuerySet[Any], _: str, agent: int) -> QuerySet[Any]:
        return commissions.filter(pk__in=CommissionSplit.objects.filter(agent=agent).values("commission"))


class CommissionPaymentFilter(filters.FilterSet):
    paid_on = filters.DateFromToRangeFilter()
    commission = filters.NumberFilter(field_name="split__commission")
    agent = filters.NumberFilter(field_name="split__agent")
    is_reversed = filters.BooleanFilter(field_name="reversals", lookup_expr="isnull", exclude=True)

    class Meta:
        model = CommissionPayment
        fields = ["split", "method", "reference", "currency", "paid_on"]


class InstalmentFilter(filters.FilterSet):
    expected_on = filters.DateFromToRangeFilter()
    is_due = filters.BooleanFilter(method="by_due", label="whether the client still owes something of it")

    class Meta:
        model = Instalment
        fields = ["commission", "currency", "expected_on"]

    def by_due(self, instalments: QuerySet[Any], _: str, is_due: bool) -> QuerySet[Any]:
        paid = {"received_minor": F("amount_minor")}
        return instalments.exclude(**paid) if is_due else instalments.filter(**paid)


class ReceiptFilter(filters.FilterSet):
    received_on = filters.DateFromToRangeFilter()
    commission = filters.NumberFilter(field_name="instalment__commission")
    is_reversed = filters.BooleanFilter(field_name="reversals", lookup_expr="isnull", exclude=True)
    is_owed_again = filters.BooleanFilter(method="by_owed", label="whether it was taken back and is still owed")

    class Meta:
        model = Receipt
        fields = ["instalment", "method", "reference", "currency", "received_on"]

    def by_owed(self, receipts: QuerySet[Any], _: str, is_owed: bool) -> QuerySet[Any]:
        return receipts.filter(OWED_AGAIN) if is_owed else receipts.exclude(OWED_AGAIN)


class RepaymentFilter(filters.FilterSet):
    received_on = filters.DateFromToRangeFilter()
    is_reversed = filters.BooleanFilter(field_name="reversals", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Repayment
        fields = ["agent", "contact", "method", "reference", "currency", "received_on"]


class PayoutFilter(filters.FilterSet):
    pay_on = filters.DateFromToRangeFilter()

    class Meta:
        model = PayoutBatch
        fields = ["status", "currency", "pay_on", "made_by"]


class PayoutLineFilter(filters.FilterSet):
    class Meta:
        model = PayoutLine
        fields = ["batch", "agent", "state", "currency"]
