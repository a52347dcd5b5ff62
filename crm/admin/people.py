"""Contacts, the ways to reach them, and who was given which number."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from core.admin import TenantAdmin, call_service, site
from core.roles import Capability
from crm import services
from crm.admin.base import DeletableAdmin, ReadOnlyInline, ServiceAdmin, actor_of
from crm.models import Contact, ContactPoint, OwnerDisclosure, Ownership
from crm.models.contacts import PointKind

POINTS = Prefetch("points", ContactPoint.objects.live().order_by("-is_primary", "pk"))
FROM_BACK_OFFICE = "marked in the back office"


def _values(contact: Contact, *kinds: str) -> str:
    return ", ".join(point.value for point in contact.points.all() if point.kind in kinds)


class OwnedInline(ReadOnlyInline):
    model = Ownership
    joined = ("property",)
    fields = ["property", "share_basis_points", "is_primary", "since", "until"]
    verbose_name_plural = "owns"


class ContactPointInline(ReadOnlyInline):
    model = ContactPoint
    fields = ["kind", "value", "line_type", "status", "is_primary", "raw"]
    verbose_name_plural = "ways to reach"


@admin.register(Contact, site=site)
class ContactAdmin(ServiceAdmin, DeletableAdmin):
    read_capability = Capability.CRM_READ
    write_capability = Capability.CRM_WRITE
    row_argument = "contact"
    add_service = services.create_contact
    change_service = services.update_contact
    list_display = ["display_name", "numbers", "kind", "language", "is_bad_contact", "source", "created_at"]
    list_filter = ["kind", "is_bad_contact", "source", "language"]
    search_fields = ["display_name"]
    search_help_text = "Words of the name, a whole e-mail address, or the last seven digits of a number"
    fields = [
        ("display_name", "kind"), ("first_name", "last_name"), ("language", "nationality"), "tags", "address",
        "assigned_to", ("source", "is_bad_contact"),
    ]  # fmt: skip
    readonly_fields = ["is_bad_contact"]
    inlines = [ContactPointInline, OwnedInline]
    actions = ["mark_bad", "mark_good", "delete_with_a_way_back"]
    export_prefetched = (POINTS,)
    export_columns = [
        ("Name", "display_name"), "kind",
        ("Numbers", lambda contact: _values(contact, PointKind.PHONE, PointKind.WHATSAPP)),
        ("E-mail", lambda contact: _values(contact, PointKind.EMAIL)),
        "language", "nationality", "address", "tags", ("Bad contact", "is_bad_contact"), "source",
        ("Assigned to", "assigned_to.user.name"), ("Known since", "created_at"),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related(POINTS)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.search(search_term), False  # type: ignore[attr-defined]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "assigned_to":
            members = db_field.related_model.objects.filter(organization=actor_of(request).organization)
            kwargs["queryset"] = members.select_related("user")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description="Numbers")
    def numbers(self, contact: Contact) -> str:
        return _values(contact, PointKind.PHONE, PointKind.WHATSAPP)

    @admin.action(description="Mark as bad contact")
    def mark_bad(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for contact in rows:
            call_service(self, request, services.mark_bad_contact, contact=contact, reason=FROM_BACK_OFFICE)

    @admin.action(description="No longer a bad contact")
    def mark_good(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for contact in rows:
            call_service(
                self, request, services.mark_bad_contact, contact=contact, reason=FROM_BACK_OFFICE, is_bad=False
            )


@admin.register(ContactPoint, site=site)
class ContactPointAdmin(ServiceAdmin, DeletableAdmin):
    """Added here; a wrong number is deleted and the right one added."""

    read_capability = Capability.CRM_READ
    write_capability = Capability.CRM_WRITE
    row_argument = "point"
    add_service = services.add_contact_point
    autocomplete_fields = ["contact"]
    fields = ["contact", "kind", "value", "is_primary", "notes"]
    list_display = ["value", "kind", "contact_name", "line_type", "status", "is_primary"]
    list_filter = ["kind", "status", "line_type"]
    list_select_related = ["contact"]
    search_fields = ["value", "contact__display_name"]
    actions = ["found_valid", "found_invalid", "do_not_contact", "delete_with_a_way_back"]
    export_columns = [
        ("Contact", "contact.display_name"), "kind", "value", ("Line", "line_type"), "country", "status",
        ("Primary", "is_primary"), ("As typed", "raw"), "validated_at", "notes",
    ]  # fmt: skip

    @display(description="Contact")
    def contact_name(self, point: ContactPoint) -> str:
        return str(point.contact.display_name)

    @admin.action(description="Tried: it reaches the contact")
    def found_valid(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for point in rows:
            call_service(self, request, services.verify_contact_point, point=point, at=timezone.now())

    @admin.action(description="Tried: it does not reach the contact")
    def found_invalid(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for point in rows:
            call_service(self, request, services.verify_contact_point, point=point, is_valid=False, at=timezone.now())

    @admin.action(description="Do not contact here")
    def do_not_contact(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for point in rows:
            call_service(self, request, services.mark_do_not_contact, point=point, reason=FROM_BACK_OFFICE)


@admin.register(OwnerDisclosure, site=site)
class OwnerDisclosureAdmin(TenantAdmin):
    """Who was given whose numbers."""

    read_capability = Capability.AUDIT_READ
    list_display = ["at", "membership", "contact", "reason", "door"]
    list_filter = ["door"]
    list_select_related = ["membership__user", "contact"]
    search_fields = ["membership__user__name", "contact__display_name", "reason"]
    export_columns = [
        "at", ("Shown to", "membership.user.name"), ("Contact", "contact.display_name"), "reason", "door",
        ("How many", lambda row: len(row.points)),
    ]  # fmt: skip
