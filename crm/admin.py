"""Stock and people in the back office. What services own is read-only here, with actions that call them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.decorators import display

from core.admin import TenantAdmin, call_service, site
from core.money import format_money
from core.roles import Capability
from core.services import soft_delete
from crm.models import (
    Agent,
    BankDetails,
    Contact,
    ContactPoint,
    Deal,
    Ownership,
    Project,
    ProjectAssignment,
    Property,
    PropertyType,
)


class ReadOnlyInline(TabularInline):
    """Rows of a related table, to be looked at and followed."""

    extra = 0
    show_change_link = True
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # the page around it has asked already

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.model._default_manager.visible_to(request.actor)  # type: ignore[attr-defined]


class DeletableAdmin(TenantAdmin):
    """Rows with a way back: deleting hides them and what hangs on them, and the trash restores both."""

    actions = ["delete_with_a_way_back"]

    @admin.action(description="Delete (can be restored from the trash)")
    def delete_with_a_way_back(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for row in rows:
            deletion = call_service(self, request, soft_delete, target=row, at=timezone.now())
            if deletion is not None:
                self.message_user(request, f"{row}: {deletion.hidden_count} rows are in the trash.")


@admin.register(Project, site=site)
class ProjectAdmin(DeletableAdmin):
    read_capability = Capability.CRM_READ
    write_capability = Capability.SHEETS_IMPORT
    list_display = ["number", "name", "status", "city", "area", "unit_count"]
    list_display_links = ["number", "name"]
    list_filter = ["status", "city"]
    search_fields = ["name", "number", "developer", "master_project"]
    fields = ["number", "name", "status", "developer", "city", "area", "master_project", "description"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        live = Q(properties__deleted_at__isnull=True)
        return super().get_queryset(request).annotate(units=Count("properties", filter=live))

    @display(description="Units", ordering="units")
    def unit_count(self, project: Any) -> int:
        return int(project.units)


@admin.register(PropertyType, site=site)
class PropertyTypeAdmin(TenantAdmin):
    read_capability = Capability.CRM_READ
    write_capability = Capability.SHEETS_IMPORT
    list_display = ["name", "description"]
    search_fields = ["name"]
    fields = ["name", "description"]


class OwnershipInline(ReadOnlyInline):
    model = Ownership
    fields = ["contact", "share_basis_points", "is_primary", "since", "until"]


class OwnedInline(ReadOnlyInline):
    model = Ownership
    fields = ["property", "share_basis_points", "is_primary", "since", "until"]
    verbose_name_plural = "owns"


class ContactPointInline(ReadOnlyInline):
    model = ContactPoint
    fields = ["kind", "value", "line_type", "status", "is_primary", "raw"]
    verbose_name_plural = "ways to reach"


STATUS_COLORS = {
    "available": "success", "vacant": "info", "reserved": "warning", "rented": "primary", "sold": "danger",
}  # fmt: skip


@admin.register(Property, site=site)
class PropertyAdmin(DeletableAdmin):
    read_capability = Capability.CRM_READ
    list_display = ["label", "project_name", "p_number", "status_label", "layout", "area_sqm", "price", "updated_at"]
    list_filter = ["status", "purpose", "project"]
    list_select_related = ["project"]
    search_fields = ["p_number", "registration", "municipality_number", "unit_number", "building", "cluster"]
    inlines = [OwnershipInline]

    @display(description="Unit", ordering="unit_number")
    def label(self, unit: Property) -> str:
        return unit.label

    @display(description="Project", ordering="project__name")
    def project_name(self, unit: Property) -> str:
        return str(unit.project.name)

    @display(description="Status", label=STATUS_COLORS, ordering="status")
    def status_label(self, unit: Property) -> tuple[str, str]:
        return unit.status, unit.get_status_display()

    @display(description="Asking price", ordering="asking_price_minor")
    def price(self, unit: Property) -> str:
        if unit.asking_price_minor is None:
            return unit.price_note
        return format_money(unit.asking_price_minor, unit.currency)


@admin.register(Contact, site=site)
class ContactAdmin(DeletableAdmin):
    read_capability = Capability.CRM_READ
    list_display = ["display_name", "kind", "language", "is_bad_contact", "source", "created_at"]
    list_filter = ["kind", "is_bad_contact", "source", "language"]
    search_fields = ["display_name", "points__value"]
    exclude = ["national_id", "national_id_index", "deletion"]
    inlines = [ContactPointInline, OwnedInline]


@admin.register(ContactPoint, site=site)
class ContactPointAdmin(TenantAdmin):
    read_capability = Capability.CRM_READ
    list_display = ["value", "kind", "contact_name", "line_type", "status", "is_primary"]
    list_filter = ["kind", "status", "line_type"]
    list_select_related = ["contact"]
    search_fields = ["value", "raw", "contact__display_name"]

    @display(description="Contact")
    def contact_name(self, point: ContactPoint) -> str:
        return str(point.contact.display_name)


@admin.register(Ownership, site=site)
class OwnershipAdmin(TenantAdmin):
    read_capability = Capability.CRM_READ
    list_display = ["property", "contact", "share_basis_points", "is_primary", "since", "until"]
    list_filter = ["is_primary"]
    list_select_related = ["property", "contact"]
    search_fields = ["property__p_number", "property__unit_number", "contact__display_name"]


class AssignmentInline(ReadOnlyInline):
    model = ProjectAssignment
    fk_name = "agent"
    fields = ["project", "property", "status", "due_on"]


@admin.register(Agent, site=site)
class AgentAdmin(TenantAdmin):
    read_capability = Capability.CRM_READ
    list_display = ["name", "status", "whatsapp_number", "commission"]
    list_filter = ["status"]
    search_fields = ["name", "whatsapp_number"]
    inlines = [AssignmentInline]

    @display(description="Commission", ordering="commission_basis_points")
    def commission(self, agent: Agent) -> str:
        points = agent.commission_basis_points
        return "" if points is None else f"{points / 100:g} %"


@admin.register(BankDetails, site=site)
class BankDetailsAdmin(TenantAdmin):
    """Where agents are paid: numbers are masked even for those who may read them."""

    read_capability = Capability.BANK_DETAILS_READ
    list_display = ["agent", "holder", "bank_name", "masked_iban", "verified_by", "verified_at"]
    list_select_related = ["agent", "verified_by__user"]
    search_fields = ["agent__name", "holder", "bank_name"]
    fields = ["agent", "holder", "bank_name", "masked_iban", "swift", "verified_by", "verified_at"]

    @display(description="IBAN")
    def masked_iban(self, details: BankDetails) -> str:
        return f"•••• {details.iban[-4:]}"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["masked_iban"]


@admin.register(ProjectAssignment, site=site)
class ProjectAssignmentAdmin(TenantAdmin):
    read_capability = Capability.CRM_READ
    list_display = ["agent", "project", "property", "status", "due_on"]
    list_filter = ["status", "project"]
    list_select_related = ["agent", "project", "property"]
    search_fields = ["agent__name", "project__name"]


@admin.register(Deal, site=site)
class DealAdmin(TenantAdmin):
    read_capability = Capability.CRM_READ
    list_display = ["id", "kind", "property", "agent", "price", "stage", "closed_on"]
    list_filter = ["stage", "kind"]
    list_select_related = ["property", "agent"]
    search_fields = ["property__p_number", "property__unit_number", "agent__name"]

    @display(description="Price", ordering="price_minor")
    def price(self, deal: Deal) -> str:
        return format_money(deal.price_minor, deal.currency)
