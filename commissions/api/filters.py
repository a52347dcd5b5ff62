"""How lists of commissions and payments are narrowed."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from commissions.models import Commission, CommissionPayment, CommissionPlan, CommissionSplit


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
