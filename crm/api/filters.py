"""How the lists of stock and people are narrowed. A filter means the same as the queryset method it calls."""

from __future__ import annotations

from typing import Any

from django.db.models import ForeignKey, QuerySet
from django_filters import rest_framework as filters

from crm.filtering import IdFilter, OwnerFilter, UnitFilter
from crm.models import (
    Agent,
    BulkChange,
    BulkItem,
    Contact,
    ContactPoint,
    Deal,
    DoNotContact,
    DuplicateCandidate,
    Merge,
    Ownership,
    Project,
    ProjectAssignment,
    Property,
    SavedFilter,
    ValidationFinding,
    ValidationRun,
)

LARGEST_ID = 2**63 - 1


class FilterSet(filters.FilterSet):
    FILTER_DEFAULTS = {**filters.FilterSet.FILTER_DEFAULTS, ForeignKey: {"filter_class": IdFilter}}


class ProjectFilter(FilterSet):
    search = filters.CharFilter(method="by_text", label="part of the name, or the number")

    class Meta:
        model = Project
        fields = ["status", "number", "city"]

    def by_text(self, projects: QuerySet[Any], _: str, text: str) -> QuerySet[Any]:
        return projects.search(text)  # type: ignore[attr-defined]


class PropertyFilter(UnitFilter):
    """The filters of the page, and two that only programs ask for. The page's `q` is `search` here."""

    q = None
    search = filters.CharFilter(method="by_text", label="any identifier of the unit")
    owner = IdFilter(method="by_owner", label="contact that owns it now")

    class Meta:
        model = Property
        fields = ["p_number", "municipality_number"]

    def by_owner(self, properties: QuerySet[Any], _: str, contact: int) -> QuerySet[Any]:
        current = Ownership.objects.current().filter(contact=contact)
        return properties.filter(pk__in=current.values("property"))


class ContactFilter(OwnerFilter, FilterSet):
    """The filters of the page of owners, and what only programs ask for. The page's `q` is `search` here."""

    q = None
    bad_contact = None  # the column's own name
    search = filters.CharFilter(
        method="by_text", label="words of the name, a whole address, or the last seven digits of a number"
    )
    is_owner = filters.BooleanFilter(method="by_ownership", label="owns something now")

    class Meta:
        model = Contact
        fields = ["kind", "is_bad_contact", "assigned_to"]

    def by_ownership(self, contacts: QuerySet[Any], _: str, wanted: bool) -> QuerySet[Any]:
        owners = Ownership.objects.current().values("contact")
        return contacts.filter(pk__in=owners) if wanted else contacts.exclude(pk__in=owners)


class ContactPointFilter(FilterSet):
    class Meta:
        model = ContactPoint
        fields = ["contact", "kind", "status", "line_type", "value"]


class DoNotContactFilter(FilterSet):
    value = filters.CharFilter(method="by_value", label="a whole number as people write it, or an address")
    is_standing = filters.BooleanFilter(field_name="removed_at", lookup_expr="isnull")

    class Meta:
        model = DoNotContact
        fields = ["added_by"]

    def by_value(self, entries: QuerySet[Any], _: str, text: str) -> QuerySet[Any]:
        return entries.of(text, self.request.actor.organization.country)  # type: ignore[attr-defined]


class ValidationRunFilter(FilterSet):
    class Meta:
        model = ValidationRun
        fields = ["status", "requested_by"]


class ValidationFindingFilter(FilterSet):
    class Meta:
        model = ValidationFinding
        fields = ["run", "point", "finding", "before", "after"]


class OwnershipFilter(FilterSet):
    is_current = filters.BooleanFilter(field_name="until", lookup_expr="isnull")

    class Meta:
        model = Ownership
        fields = ["property", "contact", "is_primary"]


class AgentFilter(FilterSet):
    expertise = filters.CharFilter(field_name="expertise_areas", lookup_expr="icontains", label="part of an area")

    class Meta:
        model = Agent
        fields = ["status", "membership"]


class ProjectAssignmentFilter(FilterSet):
    due_from = filters.DateFilter(field_name="due_on", lookup_expr="gte")
    due_until = filters.DateFilter(field_name="due_on", lookup_expr="lte")

    class Meta:
        model = ProjectAssignment
        fields = ["agent", "project", "property", "status"]


class DealFilter(FilterSet):
    class Meta:
        model = Deal
        fields = ["stage", "kind", "agent", "property"]


class DuplicateFilter(FilterSet):
    min_score = filters.NumberFilter(field_name="score", lookup_expr="gte", min_value=0, max_value=100)
    code = filters.CharFilter(method="by_code", label="a reason that it has")
    contact = IdFilter(method="by_contact", label="contact that is one of the two")
    property = IdFilter(method="by_property", label="unit that is one of the two")

    class Meta:
        model = DuplicateCandidate
        fields = ["noun", "state", "is_obvious"]

    def by_code(self, rows: QuerySet[Any], _: str, code: str) -> QuerySet[Any]:
        return rows.filter(codes__contains=[code[:20]])

    def by_contact(self, rows: QuerySet[Any], _: str, contact: int) -> QuerySet[Any]:
        return rows.of("contact", contact)  # type: ignore[attr-defined]

    def by_property(self, rows: QuerySet[Any], _: str, unit: int) -> QuerySet[Any]:
        return rows.of("property", unit)  # type: ignore[attr-defined]


class MergeFilter(FilterSet):
    is_standing = filters.BooleanFilter(field_name="reversed_at", lookup_expr="isnull")

    class Meta:
        model = Merge
        fields = ["noun"]


class SavedFilterFilter(FilterSet):
    class Meta:
        model = SavedFilter
        fields = ["list", "shared_with", "is_default"]


class BulkChangeFilter(FilterSet):
    class Meta:
        model = BulkChange
        fields = ["noun", "action", "status"]


class BulkItemFilter(FilterSet):
    class Meta:
        model = BulkItem
        fields = ["change", "outcome", "is_restored"]
