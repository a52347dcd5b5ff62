"""The page of one unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from crm.models import Contact, Deal, Ownership, ProjectAssignment, Property
from crm.selectors.numbers import Point, points_of


@dataclass(frozen=True, slots=True)
class UnitOwner:
    ownership: Ownership
    contact: Contact
    points: list[Point]


@dataclass(frozen=True, slots=True)
class UnitPage:
    """Current owners have the primary one first; the history has the latest first."""

    unit: Property
    owners: list[UnitOwner]
    history: list[Ownership]
    assignments: list[ProjectAssignment]
    deals: list[Deal]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The units beside one in the list that the actor came from."""

    previous: int | None
    next: int | None


def unit_page(*, actor: Actor, unit_id: int, at: datetime) -> UnitPage:
    """One unit with everything around it. Five queries, and one more where numbers are masked. Raises NotFound."""
    actor.require(Capability.CRM_READ)
    unit: Property | None = (
        Property.objects.visible_to(actor).select_related("project", "property_type").filter(pk=unit_id).first()
    )
    if unit is None:
        raise NotFound("There is no such unit here.")
    ownerships: list[Ownership] = list(
        unit.ownerships.live().select_related("contact").order_by("-is_primary", "-since", "pk")
    )
    current = [ownership for ownership in ownerships if ownership.until is None]
    points = points_of(actor, [ownership.contact_id for ownership in current], at)
    past = [ownership for ownership in ownerships if ownership.until is not None]
    on_unit = Q(property=unit) | Q(property__isnull=True, project=unit.project_id)
    assignments = ProjectAssignment.objects.visible_to(actor).filter(on_unit).select_related("agent", "successor")
    deals = Deal.objects.visible_to(actor).filter(property=unit).select_related("agent", "buyer", "seller")
    return UnitPage(
        unit=unit,
        owners=[UnitOwner(each, each.contact, points[each.contact_id]) for each in current],
        history=sorted(past, key=lambda ownership: (ownership.until, ownership.pk), reverse=True),
        assignments=list(assignments.order_by("-pk")[:50]),
        deals=list(deals.order_by("-pk")[:50]),
    )


def neighbours(*, units: QuerySet[Property], unit: Property) -> Neighbours:
    """Who stands beside the unit in a list of visible units, newest first. Two queries, each one step of an index."""
    newer = units.order_by("pk").filter(pk__gt=unit.pk).values_list("pk", flat=True).first()
    older = units.order_by("-pk").filter(pk__lt=unit.pk).values_list("pk", flat=True).first()
    return Neighbours(newer, older)
