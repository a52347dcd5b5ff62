"""Sales and leases."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from core.admin import call_service, site
from core.money import format_money, to_decimal
from core.roles import Capability
from crm import services
from crm.admin.base import ExportableAdmin, actor_of
from crm.models import Deal


@admin.register(Deal, site=site)
class DealAdmin(ExportableAdmin):
    read_capability = Capability.CRM_READ
    list_display = ["id", "kind", "property", "agent", "price", "stage", "closed_on"]
    list_filter = ["stage", "kind", ("agent", AutocompleteSelectFilter)]
    list_select_related = ["property", "agent"]
    search_fields = ["property__p_number", "property__unit_number", "agent__name"]
    actions = ["export_csv", "close", "lose"]
    export_joined = ("property__project", "agent", "buyer", "seller")
    export_columns = {
        "Number": lambda deal: deal.pk,
        "Kind": lambda deal: deal.get_kind_display(),
        "Project": lambda deal: deal.property.project.name,
        "Unit": lambda deal: deal.property.label,
        "Agent": lambda deal: deal.agent.name,
        "Seller": lambda deal: deal.seller and deal.seller.display_name,
        "Buyer": lambda deal: deal.buyer and deal.buyer.display_name,
        "Price": lambda deal: to_decimal(deal.price_minor, deal.currency),
        "Currency": lambda deal: deal.currency,
        "Stage": lambda deal: deal.get_stage_display(),
        "Closed on": lambda deal: deal.closed_on,
    }

    @display(description="Price", ordering="price_minor")
    def price(self, deal: Deal) -> str:
        return format_money(deal.price_minor, deal.currency)

    @admin.action(description="Close (concluded today)")
    def close(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        now = timezone.now()
        today = now.astimezone(ZoneInfo(actor_of(request).organization.time_zone)).date()
        for deal in rows:
            if call_service(self, request, services.close_deal, deal=deal, closed_on=today, at=now) is not None:
                self.message_user(request, f"{deal} is closed.")

    @admin.action(description="Lost")
    def lose(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for deal in rows:
            lost = call_service(
                self, request, services.lose_deal, deal=deal, reason="marked in the back office", at=timezone.now()
            )
            if lost is not None:
                self.message_user(request, f"{deal} is lost.")
