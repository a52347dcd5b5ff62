"""Contacts, and the ways to reach them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from core.admin import call_service, site
from core.roles import Capability
from crm import services
from crm.admin.base import DeletableAdmin, ManyAdmin, ReadOnlyInline, ServiceAdmin, actor_of
from crm.admin.duplicates import MergeableAdmin, tell_of_duplicates
from crm.admin.filtering import of_page
from crm.filtering import OwnerFilter
from crm.models import Contact, ContactPoint, Ownership
from crm.models.contacts import PointKind
from crm.models.disclosures import Door
from crm.models.merges import Noun
from crm.selectors import masked, told_points

POINTS = Prefetch("points", ContactPoint.objects.live().order_by("-is_primary", "pk"))
FROM_BACK_OFFICE = "marked in the back office"


def _values(contact: Contact, *kinds: str) -> str:
    """Whole, for files: whoever takes one along is kept with it (services.numbers_taken)."""
    return ", ".join(point.value for point in contact.points.all() if point.kind in kinds)


def _masked(contact: Contact, *kinds: str) -> str:
    return ", ".join(masked(point.kind, point.value) for point in contact.points.all() if point.kind in kinds)


class OwnedInline(ReadOnlyInline):
    model = Ownership
    joined = ("property",)
    fields = ["property", "share_basis_points", "is_primary", "since", "until"]
    verbose_name_plural = "owns"


class ContactPointInline(ReadOnlyInline):
    """Whole where this member was shown them today: opening the contact shows them to those who may, and is kept."""

    model = ContactPoint
    fields = ["kind", "shown", "line_type", "status", "is_primary", "notes"]
    readonly_fields = ["shown"]
    verbose_name_plural = "ways to reach"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        contact = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
        self.told = told_points(actor_of(request), [int(contact)] if contact.isdecimal() else [], timezone.now())
        return super().get_queryset(request)

    @display(description=_("Value"))
    def shown(self, point: ContactPoint) -> str:
        return point.value if point.pk in self.told else masked(point.kind, point.value)


@admin.register(Contact, site=site)
class ContactAdmin(MergeableAdmin, ServiceAdmin, ManyAdmin):
    noun = Noun.CONTACT
    read_capability = Capability.CRM_READ
    write_capability = Capability.CRM_WRITE
    row_argument = "contact"
    many_of = "contact"
    add_service = services.create_contact
    change_service = services.update_contact
    list_display = ["display_name", "numbers", "kind", "language", "is_bad_contact", "source", "created_at"]
    list_filter = [
        "kind", "is_bad_contact", "source", "language",
        *of_page(OwnerFilter, "project", "has_number", "nationality", "units_min"),
    ]  # fmt: skip
    search_fields = ["display_name"]
    search_help_text = _("Words of the name, a whole e-mail address, or the last seven digits of a number")
    fields = [
        ("display_name", "kind"), ("first_name", "last_name"), ("language", "nationality"), "tags", "address",
        "assigned_to", ("source", "is_bad_contact"),
    ]  # fmt: skip
    readonly_fields = ["is_bad_contact"]
    inlines = [ContactPointInline, OwnedInline]
    actions = ["change_many", "merge_two", "mark_bad", "mark_good", "delete_with_a_way_back"]
    export_prefetched = (POINTS,)
    export_capability = Capability.NUMBERS_READ
    export_taken = services.numbers_taken
    export_columns = [
        ("Name", "display_name"), "kind",
        ("Numbers", lambda contact: _values(contact, PointKind.PHONE, PointKind.WHATSAPP)),
        ("E-mail", lambda contact: _values(contact, PointKind.EMAIL)),
        "language", "nationality", "address", "tags", ("Bad contact", "is_bad_contact"), "source",
        ("Assigned to", "assigned_to.user.name"), ("Known since", "created_at"),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related(POINTS)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Opening a contact shows its numbers to those who may read them, and that is kept."""
        contact = self.get_object(request, object_id)
        if contact is not None:
            services.open_contact(actor=actor_of(request), contact=contact, at=timezone.now(), door=Door.BACK_OFFICE)
        return super().change_view(request, object_id, form_url, extra_context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.search(search_term), False  # type: ignore[attr-defined]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "assigned_to":
            members = db_field.related_model.objects.filter(organization=actor_of(request).organization)
            kwargs["queryset"] = members.select_related("user")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description=_("Numbers"))
    def numbers(self, contact: Contact) -> str:
        return _masked(contact, PointKind.PHONE, PointKind.WHATSAPP)

    @admin.action(description=_("Mark as bad contact"))
    def mark_bad(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for contact in rows:
            call_service(self, request, services.mark_bad_contact, contact=contact, reason=FROM_BACK_OFFICE)

    @admin.action(description=_("No longer a bad contact"))
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
    list_display = ["shown", "kind", "contact_name", "line_type", "status", "is_primary"]
    list_filter = ["kind", "status", "line_type"]
    list_select_related = ["contact"]
    search_fields = ["contact__display_name"]
    search_help_text = _("Words of the name, a whole e-mail address, or the last seven digits of a number")
    actions = ["found_valid", "found_invalid", "do_not_contact", "delete_with_a_way_back"]
    export_capability = Capability.NUMBERS_READ
    export_taken = services.numbers_taken
    export_columns = [
        ("Contact", "contact.display_name"), "kind", "value", ("Line", "line_type"), "country", "status",
        ("Primary", "is_primary"), ("As typed", "raw"), "validated_at", "notes",
    ]  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """As contacts are searched: parts of a number would let one find its hidden digits."""
        found = Contact.objects.visible_to(actor_of(request)).search(search_term)
        return (queryset.filter(contact__in=found) if search_term.strip() else queryset), False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [name if obj is None or name != "value" else "shown" for name in self.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else ["shown"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        tell_of_duplicates(self, request, Noun.CONTACT, obj.contact_id)

    @display(description=_("Value"), ordering="value")
    def shown(self, point: ContactPoint) -> str:
        return masked(point.kind, point.value)

    @display(description=_("Contact"))
    def contact_name(self, point: ContactPoint) -> str:
        return str(point.contact.display_name)

    @admin.action(description=_("Tried: it reaches the contact"))
    def found_valid(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for point in rows:
            call_service(self, request, services.verify_contact_point, point=point, at=timezone.now())

    @admin.action(description=_("Tried: it does not reach the contact"))
    def found_invalid(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for point in rows:
            call_service(self, request, services.verify_contact_point, point=point, is_valid=False, at=timezone.now())

    @admin.action(description=_("Do not contact here"))
    def do_not_contact(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        for point in rows:
            call_service(self, request, services.mark_do_not_contact, point=point, reason=FROM_BACK_OFFICE)
