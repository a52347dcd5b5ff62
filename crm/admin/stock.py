"""Projects, property types, units and who owns them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from core.admin import TenantAdmin, site
from core.money import format_money, to_decimal
from core.roles import Capability
from crm import services
from crm.admin.base import DeletableAdmin, ManyAdmin, ReadOnlyInline, ServiceAdmin, ServiceForm
from crm.admin.duplicates import MergeableAdmin
from crm.admin.filtering import of_page
from crm.filtering import UnitFilter
from crm.models import Deal, Ownership, Project, ProjectAssignment, Property, PropertyType
from crm.models.merges import Noun

STATUS_COLORS = {
    "available": "success", "vacant": "info", "reserved": "warning", "rented": "primary", "sold": "danger",
}  # fmt: skip


class OwnershipInline(ReadOnlyInline):
    model = Ownership
    joined = ("contact",)
    fields = ["contact", "share_basis_points", "is_primary", "since", "until"]


class DealInline(ReadOnlyInline):
    model = Deal
    fk_name = "property"
    joined = ("agent",)
    fields = ["kind", "agent", "stage", "closed_on"]


class UnitAssignmentInline(ReadOnlyInline):
    model = ProjectAssignment
    joined = ("agent",)
    fields = ["agent", "status", "due_on"]
    verbose_name_plural = "assigned to"


class ProjectAssignmentInline(UnitAssignmentInline):
    joined = ("agent", "property")
    fields = ["agent", "property", "status", "due_on"]


@admin.register(Project, site=site)
class ProjectAdmin(ServiceAdmin, DeletableAdmin):
    read_capability = Capability.CRM_READ
    write_capability = Capability.STOCK_WRITE
    row_argument = "project"
    add_service = services.create_project
    change_service = services.update_project
    list_display = ["number", "name", "status", "city", "area", "unit_count"]
    list_display_links = ["number", "name"]
    list_filter = ["status", "city"]
    search_fields = ["name", "number", "developer", "master_project"]
    fields = ["number", "name", "status", "developer", "city", "area", "master_project", "description"]
    inlines = [ProjectAssignmentInline]
    export_columns = [
        "number", "name", "status", "developer", "city", "area", "master_project", ("Budget", "budget_minor"), "currency",
        "description",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        live = Q(properties__deleted_at__isnull=True)
        return super().get_queryset(request).annotate(units=Count("properties", filter=live))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "number" in form.base_fields:
            form.base_fields["number"].required = False
            form.base_fields["number"].help_text = _("the next one when left empty")
        return form

    @display(description=_("Units"), ordering="units")
    def unit_count(self, project: Any) -> int:
        return int(project.units)


@admin.register(PropertyType, site=site)
class PropertyTypeAdmin(ServiceAdmin):
    read_capability = Capability.CRM_READ
    write_capability = Capability.STOCK_WRITE
    row_argument = "property_type"
    add_service = services.create_property_type
    change_service = services.update_property_type
    list_display = ["name", "description"]
    search_fields = ["name"]
    fields = ["name", "description"]
    export_columns = ["name", "description"]


class PropertyForm(ServiceForm):
    asking_price = forms.CharField(
        required=False, max_length=30, help_text=_("as 1250000.00"), widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Property
        fields = ["project", "property_type", "currency"]  # the admin names the rest

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        unit = kwargs.get("instance")
        if unit is not None and unit.asking_price_minor is not None:
            price = to_decimal(unit.asking_price_minor, unit.currency)
            kwargs["initial"] = {"asking_price": price, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


@admin.register(Property, site=site)
class PropertyAdmin(MergeableAdmin, ServiceAdmin, ManyAdmin):
    noun = Noun.PROPERTY
    actions = ["change_many", "merge_two", "delete_with_a_way_back"]
    read_capability = Capability.CRM_READ
    write_capability = Capability.STOCK_WRITE
    row_argument = "property"
    many_of = "unit"
    add_service = services.create_property
    change_service = services.update_property
    form = PropertyForm
    autocomplete_fields = ["project", "property_type"]
    list_display = ["label", "project_name", "p_number", "status_label", "layout", "area_sqm", "price", "updated_at"]
    list_filter = [
        "status", "purpose", ("project", AutocompleteSelectFilter),
        *of_page(
            UnitFilter, "building", "cluster", "layout", "bedrooms_min", "bedrooms_max", "price_min", "price_max",
            "sqft_min", "sqft_max", "has_owner", "has_number", "nationality", "agent", "sheet", "since",
        ),
    ]  # fmt: skip
    list_select_related = ["project"]
    search_fields = ["p_number", "registration", "municipality_number", "unit_number", "building", "cluster"]
    search_help_text = _("Any identifier, or several words such as: viridis 1204")
    inlines = [OwnershipInline, UnitAssignmentInline, DealInline]
    fieldsets = [
        (None, {"fields": ["project", "property_type", ("status", "purpose")]}),
        (_("What it is called"), {"fields": [
            ("p_number", "registration"), ("building", "cluster"), ("unit_number", "plot_number"),
            ("municipality_number", "dewa_number"),
        ]}),
        (_("What it costs"), {"fields": [("asking_price", "currency"), "price_note"]}),
        (_("What it is"), {"fields": [
            ("layout", "area_sqm"), ("bedrooms", "bathrooms"), ("rooms", "floor"), "view", "amenities", "description",
        ]}),
    ]  # fmt: skip
    export_columns = [
        ("Project number", "project.number"), "project.name", ("P-number", "p_number"), "registration",
        ("Municipality no", "municipality_number"), "plot_number", "building", "cluster", ("Unit", "unit_number"),
        ("DEWA", "dewa_number"), ("Type", "property_type.name"), "layout", "floor", "view", "bedrooms", "bathrooms",
        ("Area (m²)", "area_sqm"), "status", "purpose", "asking_price_minor", "currency", "price_note", "amenities",
        "description", ("Changed", "updated_at"),
    ]  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.search(search_term), False  # type: ignore[attr-defined]

    @display(description=_("Unit"), ordering="unit_number")
    def label(self, unit: Property) -> str:
        return unit.label

    @display(description=_("Project"), ordering="project__name")
    def project_name(self, unit: Property) -> str:
        return str(unit.project.name)

    @display(description=_("Status"), label=STATUS_COLORS, ordering="status")
    def status_label(self, unit: Property) -> tuple[str, str]:
        return unit.status, unit.get_status_display()

    @display(description=_("Asking price"), ordering="asking_price_minor")
    def price(self, unit: Property) -> str:
        if unit.asking_price_minor is None:
            return unit.price_note
        return format_money(unit.asking_price_minor, unit.currency)


@admin.register(Ownership, site=site)
class OwnershipAdmin(TenantAdmin):
    read_capability = Capability.CRM_READ
    list_display = ["property", "contact", "share_basis_points", "is_primary", "since", "until"]
    list_filter = ["is_primary", ("property__project", AutocompleteSelectFilter)]
    list_select_related = ["property", "contact"]
    search_fields = ["property__p_number", "property__unit_number", "contact__display_name"]
    export_columns = [
        "property.project.name", ("Unit", "property.label"), ("P-number", "property.p_number"),
        ("Owner", "contact.display_name"), ("Share (basis points)", "share_basis_points"), ("Primary", "is_primary"),
        "since", "until",
    ]  # fmt: skip
