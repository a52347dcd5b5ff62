"""The list of units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from core.actors import Actor
from core.roles import Capability, Reach
from crm.filtering import UNIT_ORDERS, UnitFilter
from crm.keyset import NEWEST, page_of
from crm.models import Ownership, Property
from crm.models.search import MOST_FOUND

COUNTED_TO = 1000
MOST_NAMES = 300
PLACES = ("building", "cluster", "layout")
# From each name straight to the next: as many look-ups in an index as there are names, however many units. The index knows
# no empty names, which the planner must be told of a value that it does not see.
_NAMES = " UNION ALL ".join(
    f"""(WITH RECURSIVE named AS (
        (SELECT {name} AS value FROM crm_property WHERE organization_id = %(organization)s AND deleted_at IS NULL
            AND {name} > '' ORDER BY {name} LIMIT 1)
        UNION ALL
        SELECT (SELECT p.{name} FROM crm_property p WHERE p.organization_id = %(organization)s AND p.deleted_at IS NULL
            AND p.{name} > named.value AND p.{name} <> '' ORDER BY p.{name} LIMIT 1) FROM named WHERE named.value IS NOT NULL
    ) SELECT '{name}', value FROM named WHERE value IS NOT NULL LIMIT %(most)s)"""  # noqa: S608 - our own columns
    for name in PLACES
)


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
    """One page. `next` is the `after` of the following page, "" at the end; `count` stops at COUNTED_TO and one more."""

    rows: list[UnitRow]
    next: str
    count: int


def unit_list(
    *, actor: Actor, asked: Mapping[str, Any] | None = None, after: str = "", limit: int = 50, counted: bool = False
) -> UnitList:
    """The units this actor may see, filtered and sorted as an address asks (crm/filtering.py). Two queries, however many
    there are; one more where a page goes on to the units without a price or size, one where an own-only member asks by
    words, and one to count."""
    actor.require(Capability.CRM_READ)
    narrowed = narrowed_units(actor, asked or {}, most=COUNTED_TO + 1)
    order = UNIT_ORDERS.get((asked or {}).get("sort", ""), NEWEST)
    page, following = page_of(narrowed.select_related("project"), order, after, limit)
    count = narrowed.order_by()[: COUNTED_TO + 1].count() if counted else 0
    return UnitList(unit_rows(page), following, count)


def narrowed_units(actor: Actor, asked: Mapping[str, Any], most: int = MOST_FOUND) -> QuerySet[Property]:
    """What `units/?<asked>` shows to this actor, of words alone the best `most`. Parameters that make no sense are passed
    over; the page says so."""
    units = Property.objects.visible_to(actor)
    found: QuerySet[Property] = UnitFilter(asked, queryset=units, actor=actor, most=most).qs
    return found


def place_names(actor: Actor, projects: Iterable[int] = ()) -> dict[str, list[str]]:
    """Which buildings, clusters and layouts there are, to choose from. One query, three where it is a part of the stock."""
    actor.require(Capability.CRM_READ)
    chosen = list(projects)
    if actor.reach is Reach.ORGANIZATION and not chosen:
        with connection.cursor() as cursor:
            cursor.execute(_NAMES, {"organization": actor.organization.pk, "most": MOST_NAMES})
            found: dict[str, list[str]] = {name: [] for name in PLACES}
            for name, value in cursor.fetchall():
                found[name].append(value)
        return found
    units = Property.objects.visible_to(actor)
    units = units.of_projects(chosen) if chosen else units
    return {
        name: list(units.exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct()[:MOST_NAMES])
        for name in PLACES
    }


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
