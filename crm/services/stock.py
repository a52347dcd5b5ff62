"""Projects, property types and units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from django.db import connection, transaction
from django.db.models import Max, TextChoices
from django.utils.translation import gettext as _

from core.actors import Actor
from core.deadlocks import tried_twice
from core.errors import Invalid, NotFound, StaleVersion
from core.roles import Capability
from crm.errors import FieldNotYours, StatusMoveRefused, ValueInvalid
from crm.models import Project, Property, PropertyType
from crm.models.stock import ProjectStatus, PropertyStatus
from crm.services.writing import add, amount, at_work, change, locked, single_spaced

PROJECT_MOVES: dict[str, frozenset[str]] = {
    ProjectStatus.ACTIVE: frozenset({ProjectStatus.PAUSED, ProjectStatus.COMPLETED, ProjectStatus.ARCHIVED}),
    ProjectStatus.PAUSED: frozenset({ProjectStatus.ACTIVE, ProjectStatus.COMPLETED, ProjectStatus.ARCHIVED}),
    ProjectStatus.COMPLETED: frozenset({ProjectStatus.ACTIVE, ProjectStatus.ARCHIVED}),
    ProjectStatus.ARCHIVED: frozenset({ProjectStatus.ACTIVE}),
}
_ON_OFFER = {PropertyStatus.AVAILABLE, PropertyStatus.VACANT}
_TAKEN = {PropertyStatus.SOLD, PropertyStatus.RENTED}
_AWAY = {PropertyStatus.OFF_MARKET, PropertyStatus.ARCHIVED}
# A reserved unit is let go before it is archived, and only what is on offer or let is reserved.
PROPERTY_MOVES: dict[str, frozenset[str]] = {
    PropertyStatus.AVAILABLE: frozenset({PropertyStatus.VACANT, PropertyStatus.RESERVED} | _TAKEN | _AWAY),
    PropertyStatus.VACANT: frozenset({PropertyStatus.AVAILABLE, PropertyStatus.RESERVED} | _TAKEN | _AWAY),
    PropertyStatus.RESERVED: frozenset(_ON_OFFER | _TAKEN | {PropertyStatus.OFF_MARKET}),
    PropertyStatus.SOLD: frozenset(_ON_OFFER | _AWAY | {PropertyStatus.RENTED}),
    PropertyStatus.RENTED: frozenset(_ON_OFFER | _AWAY | {PropertyStatus.RESERVED, PropertyStatus.SOLD}),
    PropertyStatus.OFF_MARKET: frozenset(_ON_OFFER | _TAKEN | {PropertyStatus.ARCHIVED}),
    PropertyStatus.ARCHIVED: frozenset({PropertyStatus.OFF_MARKET}),
}
# What an agent hears from an owner. Who and what a unit is, the office says (Capability.STOCK_WRITE).
FROM_OWNERS = {"status", "asking_price", "currency", "price_note", "purpose", "view", "amenities", "description"}


class ProjectFields(TypedDict, total=False):
    """`budget` is a decimal string such as "1250000.00"."""

    name: str
    number: int | None
    description: str
    developer: str
    city: str
    master_project: str
    area: str
    status: str
    budget: str | None
    currency: str


class PropertyFields(TypedDict, total=False):
    """`asking_price` is a decimal string; `area_sqm` is in square metres."""

    property_type: PropertyType | None
    p_number: str
    registration: str
    municipality_number: str
    plot_number: str
    unit_number: str
    building: str
    cluster: str
    dewa_number: str
    floor: str
    layout: str
    view: str
    rooms: str
    bedrooms: int | None
    bathrooms: int | None
    area_sqm: Decimal | None
    asking_price: str | None
    currency: str
    price_note: str
    purpose: str
    status: str
    amenities: list[str]
    latitude: Decimal | None
    longitude: Decimal | None
    description: str


@transaction.atomic
def create_project(*, actor: Actor, **fields: Unpack[ProjectFields]) -> Project:
    """A new project; without a number it gets the one after the highest ever given.

    Raises AlreadyThere (number or name), ValueInvalid, AmountInvalid, CurrencyUnknown.
    """
    actor.require(Capability.STOCK_WRITE)
    project = Project(organization=actor.organization, currency=actor.organization.currency)
    for name, value in _project_values(project, fields).items():
        setattr(project, name, value)
    if fields.get("number") is None:
        project.number = _next_number(actor)
    return add(actor=actor, row=project, action="crm.project_added")


@transaction.atomic
def update_project(*, actor: Actor, project: Project, **changes: Unpack[ProjectFields]) -> Project:
    """Change what is named; pause, complete, archive or take up again by `status`.

    Raises StatusMoveRefused, NotFound, and as create_project.
    """
    actor.require(Capability.STOCK_WRITE)
    project = locked(Project.objects.visible_to(actor), project, "project")
    if "number" in changes and changes["number"] is None:
        del changes["number"]
    if "status" in changes:
        check_move(ProjectStatus, project.status, changes["status"], PROJECT_MOVES)
    values = _project_values(project, changes)
    return change(actor=actor, row=project, action="crm.project_changed", changes=values)


def archive_project(*, actor: Actor, project: Project) -> Project:
    """Out of the daily lists, with everything in it kept. Raises StatusMoveRefused."""
    return update_project(actor=actor, project=project, status=ProjectStatus.ARCHIVED)


@transaction.atomic
def create_property_type(*, actor: Actor, name: str, description: str = "") -> PropertyType:
    """Villa, apartment, townhouse, ... Raises AlreadyThere."""
    actor.require(Capability.STOCK_WRITE)
    row = PropertyType(organization=actor.organization, name=single_spaced(name), description=description.strip())
    return add(actor=actor, row=row, action="crm.property_type_added")


@transaction.atomic
def update_property_type(
    *, actor: Actor, property_type: PropertyType, name: str | None = None, description: str | None = None
) -> PropertyType:
    """Rename or describe a type. Raises AlreadyThere."""
    actor.require(Capability.STOCK_WRITE)
    row = locked(PropertyType.objects.visible_to(actor), property_type, "property type")
    given = {"name": name, "description": description}
    changes = {field: single_spaced(value) for field, value in given.items() if value is not None}
    return change(actor=actor, row=row, action="crm.property_type_changed", changes=changes)


@transaction.atomic
def create_property(*, actor: Actor, project: Project, **fields: Unpack[PropertyFields]) -> Property:
    """A new unit. It needs a key: a P-number, else a registration, else a unit number with its building or cluster.

    Raises ProjectArchived, PropertyHasNoKey, AlreadyThere, ValueInvalid, PriceInvalid, AmountInvalid, CurrencyUnknown, NotFound.
    """
    actor.require(Capability.STOCK_WRITE)
    project = at_work(locked(Project.objects.visible_to(actor), project, "project"))
    unit = Property(organization=actor.organization, project=project, currency=actor.organization.currency)
    for name, value in _property_values(actor, unit, fields).items():
        setattr(unit, name, value)
    return add(actor=actor, row=unit, action="crm.property_added")


@tried_twice
def update_property(
    *,
    actor: Actor,
    property: Property,
    project: Project | None = None,
    seen: datetime | None = None,
    **changes: Unpack[PropertyFields],
) -> Property:
    """Change what is named, and move the unit to another project when one is given.

    Agents change what owners tell them (FROM_OWNERS) of the units they see; the rest asks Capability.STOCK_WRITE.
    `seen` is the `updated_at` of the unit that the actor had before him. Raises FieldNotYours, StatusMoveRefused,
    ProjectArchived, StaleVersion (it changed since), and as create_property.
    """
    actor.require(Capability.CRM_WRITE)
    unit = locked(Property.objects.visible_to(actor), property, "unit")
    if seen is not None and unit.updated_at != seen:
        raise StaleVersion("This unit was changed meanwhile. Look at what it says now, then save again.")
    others = sorted({*changes, *(["project"] if project else [])} - FROM_OWNERS)
    if others and not actor.can(Capability.STOCK_WRITE):
        raise FieldNotYours(f"Ask the office to change: {', '.join(others)}.", fields=others)
    if "status" in changes:
        check_move(PropertyStatus, unit.status, changes["status"], PROPERTY_MOVES)
    values = _property_values(actor, unit, changes)
    if project is not None:
        values["project"] = locked(Project.objects.visible_to(actor), project, "project")
        if project.pk != unit.project_id:
            at_work(values["project"])
    return change(actor=actor, row=unit, action="crm.property_changed", changes=values)


def _project_values(project: Project, fields: ProjectFields) -> dict[str, Any]:
    values: dict[str, Any] = {**fields}
    _take_amount(values, "budget", project.budget_minor, project.currency)
    if "name" in values:
        values["name"] = single_spaced(values["name"])
        if not values["name"]:
            raise ValueInvalid("A project needs a name.", field="name")
    return values


def _property_values(actor: Actor, unit: Property, fields: PropertyFields) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: single_spaced(value) if isinstance(value, str) and name != "description" else value
        for name, value in fields.items()
    }
    _take_amount(values, "asking_price", unit.asking_price_minor, unit.currency)
    kind = values.get("property_type")
    if kind is not None and kind.organization_id != actor.organization.pk:
        raise NotFound("There is no such property type here.")
    return values


def _take_amount(values: dict[str, Any], name: str, present: int | None, currency: str) -> None:
    """From `asking_price` to `asking_price_minor`. An amount never silently changes its currency."""
    wanted = values.get("currency", currency)
    if name in values:
        values[f"{name}_minor"] = amount(values.pop(name), wanted)
    elif wanted != currency and present is not None:
        raise ValueInvalid(f"Give the {name.replace('_', ' ')} in {wanted} too.", field=name)
    else:
        amount("0", wanted)


def check_move(statuses: type[TextChoices], before: str, after: str, moves: Mapping[str, frozenset[str]]) -> None:
    """Raises StatusMoveRefused with what it may become, Invalid for what is no status."""
    labels = {value: str(label) for value, label in statuses.choices}
    if after not in moves:
        raise Invalid(f"{after!r} is not a status; use one of {', '.join(moves)}.", field="status", value=after)
    if after != before and after not in moves[before]:
        possible = ", ".join(_(labels[status]) for status in labels if status in moves[before])
        raise StatusMoveRefused(
            _("It is %(status)s; from there it can become: %(possible)s.")
            % {"status": _(labels[before]), "possible": possible},
            status=before,
            wanted=after,
        )


def _next_number(actor: Actor) -> int:
    """One at a time within the organisation, and a number is never given twice, even after its project was deleted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('crm_project.number'), %s)", [actor.organization.pk])
    highest = Project.objects.for_organization(actor.organization).aggregate(highest=Max("number"))["highest"]
    return int(highest or 0) + 1
