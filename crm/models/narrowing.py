"""What each filter of the lists of units and owners means: asked by pages, the API, the back office and exports."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from django.db.models import Exists, OuterRef, Q, QuerySet

from crm.models.mergeable import MergeableQuerySet

SQUARE_FOOT = Decimal("0.09290304")


class UnitNarrowing(MergeableQuerySet):
    def of_projects(self, projects: Iterable[int]) -> Self:
        return self.filter(project__in=list(projects))

    def with_bedrooms(self, least: int | None = None, most: int | None = None) -> Self:
        return self._between("bedrooms", least, most)

    def priced(self, least: int | None = None, most: int | None = None) -> Self:
        """In minor units; a unit without a price is in no range."""
        return self._between("asking_price_minor", least, most)

    def sized(self, least: Decimal | None = None, most: Decimal | None = None) -> Self:
        """In square feet, as people say it; a unit without a size is in no range."""
        return self._between("size_key", *(None if feet is None else _size_key(feet) for feet in (least, most)))

    def offered_for(self, purpose: str) -> Self:
        """For sale or for rent; what is for both is for either."""
        return self.filter(purpose__in={purpose, "both"})

    def with_owner(self, known: bool = True) -> Self:
        """Whether somebody is known to own it now."""
        return self._having(known, self._ownerships())

    def with_number(self, known: bool = True) -> Self:
        """Whether an owner has a number that WhatsApp can reach."""
        from crm.models.contacts import ContactPoint

        points = ContactPoint.objects.whatsapp_able().filter(contact=OuterRef("contact"))
        return self._having(known, self._ownerships().filter(Exists(points)))

    def owned_from(self, nationality: str) -> Self:
        """An owner of today is of this nationality."""
        return self._having(True, self._ownerships().filter(contact__nationality__iexact=nationality))

    def worked_by(self, agent: int) -> Self:
        """Assigned to this agent, with its project or by itself."""
        from crm.models.agents import ProjectAssignment

        work = ProjectAssignment.objects.active().filter(agent=agent)
        whole = work.filter(property__isnull=True).values("project")
        return self.filter(Q(project__in=whole) | Q(pk__in=work.filter(property__isnull=False).values("property")))

    def from_sheet(self, spreadsheet: int) -> Self:
        from sheets.models import RowLink

        return self.filter(pk__in=RowLink.objects.filter(spreadsheet=spreadsheet).values("object_id"))

    def changed_since(self, at: datetime) -> Self:
        return self.filter(updated_at__gte=at)

    def _ownerships(self) -> QuerySet[Any]:
        from crm.models.stock import Ownership

        return Ownership.objects.current().filter(property=OuterRef("pk"))

    def _having(self, known: bool, rows: QuerySet[Any]) -> Self:
        return self.filter(Exists(rows) if known else ~Exists(rows))

    def _between(self, name: str, least: int | None, most: int | None) -> Self:
        found = self if least is None else self.filter(**{f"{name}__gte": least})
        return found if most is None else found.filter(**{f"{name}__lte": most})


class ContactNarrowing(MergeableQuerySet):
    def with_number(self, known: bool = True) -> Self:
        """Whether there is a number that WhatsApp can reach."""
        from crm.models.contacts import ContactPoint

        points = Exists(ContactPoint.objects.whatsapp_able().filter(contact=OuterRef("pk")))
        return self.filter(points if known else ~points)

    def owning_in(self, projects: Iterable[int]) -> Self:
        """Owners of something in one of these projects."""
        from crm.models.stock import Ownership

        held = Ownership.objects.current().filter(
            property__project__in=list(projects), property__deleted_at__isnull=True
        )
        return self.filter(pk__in=held.values("contact"))

    def owning_at_least(self, units: int) -> Self:
        from django.db.models import Count

        from crm.models.stock import Ownership

        held = Ownership.objects.current().order_by().values("contact").annotate(held=Count("pk"))
        return self.filter(pk__in=held.filter(held__gte=units).values("contact"))


def _size_key(feet: Decimal) -> int:
    return int((feet * SQUARE_FOOT * 100).to_integral_value())
