"""How the lists of stock and people are narrowed. A filter means the same as the queryset method it calls."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters

from crm.models import Agent, Contact, ContactPoint, Deal, Ownership, Project, ProjectAssignment, Property


class ProjectFilter(filters.FilterSet):
    search = filters.CharFilter(method="by_text", label="part of the name, or the number")

    class Meta:
        model = Project
        fields = ["status", "number", "city"]

    def by_text(self, projects: QuerySet[Any], _: str, text: str) -> QuerySet[Any]:
        by_number = Q(number=int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else Q()
        return projects.filter(Q(name__icontains=text) | by_number)


class PropertyFilter(filters.FilterSet):
    search = filters.CharFilter(method="by_text", label="any identifier of the unit")
    owner = filters.NumberFilter(method="by_owner", label="contact that owns it now")

    class Meta:
        model = Property
        fields = ["project", "status", "purpose", "layout", "building", "cluster", "p_number", "municipality_number"]

    def by_text(self, properties: QuerySet[Any], _: str, text: str) -> QuerySet[Any]:
        return properties.search(text)  # type: ignore[attr-defined]

    def by_owner(self, properties: QuerySet[Any], _: str, contact: int) -> QuerySet[Any]:
        current = Ownership.objects.current().filter(contact=contact)
        return properties.filter(pk__in=current.values("property"))


class ContactFilter(filters.FilterSet):
    search = filters.CharFilter(method="by_text", label="part of the name, or a number or address exactly")
    is_owner = filters.BooleanFilter(method="by_ownership", label="owns something now")

    class Meta:
        model = Contact
        fields = ["kind", "is_bad_contact", "language", "assigned_to"]

    def by_text(self, contacts: QuerySet[Any], _: str, text: str) -> QuerySet[Any]:
        reached = ContactPoint.objects.live().filter(value=text.strip().lower())
        return contacts.filter(Q(display_name__icontains=text) | Q(pk__in=reached.values("contact")))

    def by_ownership(self, contacts: QuerySet[Any], _: str, wanted: bool) -> QuerySet[Any]:
        owners = Ownership.objects.current().values("contact")
        return contacts.filter(pk__in=owners) if wanted else contacts.exclude(pk__in=owners)


class ContactPointFilter(filters.FilterSet):
    class Meta:
        model = ContactPoint
        fields = ["contact", "kind", "status", "line_type", "value"]


class OwnershipFilter(filters.FilterSet):
    is_current = filters.BooleanFilter(field_name="until", lookup_expr="isnull")

    class Meta:
        model = Ownership
        fields = ["property", "contact", "is_primary"]


class AgentFilter(filters.FilterSet):
    class Meta:
        model = Agent
        fields = ["status", "membership"]


class ProjectAssignmentFilter(filters.FilterSet):
    class Meta:
        model = ProjectAssignment
        fields = ["agent", "project", "property", "status"]


class DealFilter(filters.FilterSet):
    class Meta:
        model = Deal
        fields = ["stage", "kind", "agent", "property"]
