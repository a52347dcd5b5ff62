"""Sales and leases."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from core.admin import TenantAdmin, call_service, site
from core.money import format_money
from core.roles import Capability
from crm import services
from crm.admin.base import actor_of
from crm.models import Deal


@admin.register(Deal, site=site)
class DealAdmin(TenantAdmin):
    read_capability = Capability.CRM_READ
    list_display = ["id", "kind", "property", "agent", "price", "stage", "closed_on"]
    list_filter = ["stage", "kind", ("agent", AutocompleteSelectFilter)]
    list_select_related = ["property", "agent"]
    search_fields = ["property__p_number", "property__unit_number", "agent__name"]
    actions = ["close", "lose"]
    export_columns = [
        ("Number", "pk"), "kind", "property.project.name", ("Unit", "property.label"), "agent.name",
        ("Seller", "seller.display_name"), ("Buyer", "buyer.display_name"), "price_minor", "currency", "stage",
        ("Closed on", "closed_on"), "notes",
    ]  # fmt: skip

    @display(description=_("Price"), ordering="price_minor")
    def price(self, deal: Deal) -> str:
        return format_money(deal.price_minor, deal.currency)

    @admin.action(description=_("Close (concluded today)"))
    def close(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        now = timezone.now()
        today = now.astimezone(ZoneInfo(actor_of(request).organization.time_zone)).date()
        for deal in rows:
            if call_service(self, request, services.close_deal, deal=deal, closed_on=today, at=now) is not None:
                self.message_user(request, f"{deal} is closed.")

    @admin.action(description=_("Lost"))
    def lose(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for deal in rows:
            lost = call_service(
                self, request, services.lose_deal, deal=deal, reason="marked in the back office", at=timezone.now()
            )
            if lost is not None:
                self.message_user(request, f"{deal} is lost.")
