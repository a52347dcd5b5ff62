"""The list of units."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from core.actors import Actor
from core.roles import Capability
from crm.models import Ownership, Property


@dataclass(frozen=True, slots=True)
class UnitRow:
    unit_id: int
    label: str
    project_id: int
    project_name: str
    p_number: str
    registration: str
    municipality_number: str
    building: str
    cluster: str
    layout: str
    bedrooms: int | None
    area_sqm: Decimal | None
    status: str
    status_label: str
    asking_price_minor: int | None
    currency: str
    price_note: str
    owner_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitList:
    """One page, newest unit first. `next` is the `before` of the following page, None at the end."""

    rows: list[UnitRow]
    next: int | None


def unit_list(
    *,
    actor: Actor,
    search: str = "",
    project: int | None = None,
    status: str = "",
    before: int | None = None,
    limit: int = 50,
) -> UnitList:
    """The units this actor may see, with the names of their owners. Two queries, however many there are."""
    actor.require(Capability.CRM_READ)
    units = Property.objects.visible_to(actor).search(search)
    if project is not None:
        units = units.filter(project=project)
    if status:
        units = units.filter(status=status)
    if before is not None:
        units = units.filter(pk__lt=before)
    page: list[Property] = list(units.select_related("project").order_by("-pk")[: limit + 1])
    shown = page[:limit]
    return UnitList(unit_rows(shown), shown[-1].pk if len(page) > limit else None)


def unit_rows(units: list[Property]) -> list[UnitRow]:
    """These units as lists show them, with the names of their owners. One query; none for none."""
    owners = _owner_names(units) if units else {}
    return [_unit_row(unit, owners[unit.pk]) for unit in units]


def _owner_names(units: list[Property]) -> dict[int, tuple[str, ...]]:
    names: dict[int, tuple[str, ...]] = defaultdict(tuple)
    current = Ownership.objects.current().filter(property__in=units).order_by("-is_primary", "pk")
    for unit, name in current.values_list("property", "contact__display_name"):
        names[unit] += (name,)
    return names


def _unit_row(unit: Property, owner_names: tuple[str, ...]) -> UnitRow:
    return UnitRow(
        unit_id=unit.pk,
        label=unit.label,
        project_id=unit.project_id,
        project_name=unit.project.name,
        p_number=unit.p_number,
        registration=unit.registration,
        municipality_number=unit.municipality_number,
        building=unit.building,
        cluster=unit.cluster,
        layout=unit.layout,
        bedrooms=unit.bedrooms,
        area_sqm=unit.area_sqm,
        status=unit.status,
        status_label=unit.get_status_display(),
        asking_price_minor=unit.asking_price_minor,
        currency=unit.currency,
        price_note=unit.price_note,
        owner_names=owner_names,
    )
