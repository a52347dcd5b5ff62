"""Field by field: which value the survivor keeps, which it takes from the other one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_noop

from core.money import format_money
from crm.errors import ValueInvalid
from crm.models import Contact, Merge, Property
from crm.models.merges import Noun
from crm.services.merging.recording import put

OURS, THEIRS, BOTH, SAME = "ours", "theirs", "both", "same"
NATIONAL_ID = "national_id"


@dataclass(frozen=True, slots=True)
class Facet:
    """Columns that are kept or taken together."""

    name: str
    label: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One facet of both, as people read it. `is_choice`: both say something, and not the same."""

    name: str
    label: str
    ours: str
    theirs: str
    kept: str
    is_choice: bool


def _facet(name: str, label: str, *columns: str) -> Facet:
    return Facet(name, label, columns or (name,))


FACETS: dict[str, tuple[Facet, ...]] = {
    Noun.CONTACT: (
        _facet("name", gettext_noop("Name"), "display_name", "first_name", "last_name", "normalized_name", "name_key"),
        _facet("kind", gettext_noop("Kind")),
        _facet("language", gettext_noop("Language")),
        _facet("nationality", gettext_noop("Nationality")),
        _facet(NATIONAL_ID, gettext_noop("National id"), "national_id_index"),
        _facet("address", gettext_noop("Address")),
        _facet("assigned_to", gettext_noop("Assigned to"), "assigned_to_id"),
        _facet("source", gettext_noop("Source")),
        _facet("tags", gettext_noop("Tags")),
        _facet("is_bad_contact", gettext_noop("Bad contact")),
    ),
    Noun.PROPERTY: (
        _facet("project", gettext_noop("Project"), "project_id"),
        _facet("property_type", gettext_noop("Type"), "property_type_id"),
        _facet("p_number", gettext_noop("P-number")),
        _facet("registration", gettext_noop("Registration")),
        _facet("municipality_number", gettext_noop("Municipality number")),
        _facet("plot_number", gettext_noop("Plot")),
        _facet("unit_number", gettext_noop("Unit number")),
        _facet("building", gettext_noop("Building")),
        _facet("cluster", gettext_noop("Cluster")),
        _facet("dewa_number", gettext_noop("DEWA number")),
        _facet("floor", gettext_noop("Floor")),
        _facet("layout", gettext_noop("Layout")),
        _facet("view", gettext_noop("View")),
        _facet("rooms", gettext_noop("Rooms")),
        _facet("bedrooms", gettext_noop("Bedrooms")),
        _facet("bathrooms", gettext_noop("Bathrooms")),
        _facet("area_sqm", gettext_noop("Area (m²)")),
        _facet("asking_price", gettext_noop("Asking price"), "asking_price_minor", "currency"),
        _facet("price_note", gettext_noop("Price note")),
        _facet("purpose", gettext_noop("Purpose")),
        _facet("status", gettext_noop("Status")),
        _facet("place", gettext_noop("Place on the map"), "latitude", "longitude"),
        _facet("description", gettext_noop("Description")),
        _facet("amenities", gettext_noop("Amenities")),
        _facet("extra", gettext_noop("Other columns")),
    ),
}
# Both are kept: lists are joined, and what forbids writing to somebody stays.
_JOINED = {"tags", "amenities", "extra", "is_bad_contact"}


def checked(noun: str, take: Collection[str]) -> frozenset[str]:
    """The facets to take from the other one. Raises ValueInvalid for one that cannot be chosen."""
    known = {facet.name for facet in FACETS[noun]} - _JOINED
    unknown = sorted(set(take) - known)
    if unknown:
        raise ValueInvalid(f"These cannot be chosen: {', '.join(unknown)}.", field="take", value=unknown)
    return frozenset(take)


def chosen_in(asked: Mapping[str, Any]) -> list[str]:
    """The fields in which the other one is right: radio buttons named `field-<name>`."""
    return [name.removeprefix("field-") for name in asked if name.startswith("field-") and asked[name] == "theirs"]


def lines(noun: str, survivor: Contact | Property, other: Contact | Property, take: Collection[str]) -> list[FieldLine]:
    """Every facet of which one of the two says something."""
    found = []
    for facet in FACETS[noun]:
        ours, theirs = _values(survivor, facet), _values(other, facet)
        if _is_empty(ours) and _is_empty(theirs):
            continue
        kept = _kept(facet, ours, theirs, take)
        is_choice = facet.name not in _JOINED and not _is_empty(ours) and not _is_empty(theirs) and ours != theirs
        found.append(FieldLine(facet.name, facet.label, _shown(survivor, facet), _shown(other, facet), kept, is_choice))
    return found


def settle_fields(
    *, merge: Merge, survivor: Contact | Property, other: Contact | Property, take: frozenset[str]
) -> None:
    """Write into the survivor what it takes from the other, which is hidden already."""
    changes: dict[str, Any] = {}
    for facet in FACETS[merge.noun]:
        ours, theirs = _values(survivor, facet), _values(other, facet)
        kept = _kept(facet, ours, theirs, take)
        if kept == BOTH:
            changes |= {facet.name: _joined(ours[0], theirs[0])}
        elif kept == THEIRS and facet.name == NATIONAL_ID:
            _take_national_id(merge)
        elif kept == THEIRS:
            changes |= dict(zip(facet.columns, theirs, strict=True))
    if changes:
        rows = type(survivor)._base_manager.filter(pk=survivor.pk)
        put(merge=merge, rows=rows, is_apart=True, **changes)


def _take_national_id(merge: Merge) -> None:
    """The ciphertexts are copied as they are: no number is read. The survivor's own is kept in the merge."""
    with connection.cursor() as cursor:
        ids = {"merge": merge.pk, "survivor": merge.survivor_id, "merged": merge.merged_id}
        cursor.execute(KEEP_NATIONAL_ID, ids)
        cursor.execute(TAKE_NATIONAL_ID, ids)


def give_national_id_back(merge: Merge) -> bool:
    """Undo it, unless somebody wrote another one since. Says whether there was nothing to keep."""
    if NATIONAL_ID not in merge.taken:
        return True
    with connection.cursor() as cursor:
        ids = {"merge": merge.pk, "survivor": merge.survivor_id, "merged": merge.merged_id}
        cursor.execute(RESTORE_NATIONAL_ID, ids)
        return bool(cursor.rowcount)


KEEP_NATIONAL_ID = """
    UPDATE crm_merge m SET former_national_id = c.national_id, former_national_id_index = c.national_id_index,
           taken = CASE WHEN 'national_id' = ANY(m.taken) THEN m.taken ELSE m.taken || 'national_id'::varchar END
      FROM crm_contact c WHERE m.id = %(merge)s AND c.id = %(survivor)s
"""
TAKE_NATIONAL_ID = """
    UPDATE crm_contact a SET national_id = b.national_id, national_id_index = b.national_id_index
      FROM crm_contact b WHERE a.id = %(survivor)s AND b.id = %(merged)s
"""
RESTORE_NATIONAL_ID = """
    UPDATE crm_contact a SET national_id = m.former_national_id, national_id_index = m.former_national_id_index
      FROM crm_merge m, crm_contact b
     WHERE m.id = %(merge)s AND a.id = %(survivor)s AND b.id = %(merged)s AND a.national_id_index = b.national_id_index
"""


def _values(row: Contact | Property, facet: Facet) -> list[Any]:
    return [getattr(row, column) for column in facet.columns]


def _is_empty(values: list[Any]) -> bool:
    return values[0] in (None, "", [], {}, False)


def _kept(facet: Facet, ours: list[Any], theirs: list[Any], take: Collection[str]) -> str:
    if ours == theirs:
        return SAME
    if facet.name in _JOINED:
        return OURS if _joined(ours[0], theirs[0]) == ours[0] else BOTH
    if _is_empty(theirs):
        return OURS
    return THEIRS if _is_empty(ours) or facet.name in take else OURS


def _joined(ours: Any, theirs: Any) -> Any:
    if isinstance(ours, list):
        return [*ours, *(each for each in theirs if each not in ours)]
    if isinstance(ours, dict):
        return {**theirs, **ours}
    return ours or theirs


def _shown(row: Any, facet: Facet) -> str:
    if facet.name == NATIONAL_ID:
        return "•••" if row.national_id_index else ""
    if facet.name == "asking_price":
        return "" if row.asking_price_minor is None else format_money(row.asking_price_minor, row.currency)
    if facet.name == "place":
        return ", ".join(str(value) for value in _values(row, facet) if value is not None)
    display = getattr(row, f"get_{facet.name}_display", None)
    value = display() if display else getattr(row, facet.name if facet.name != "name" else "display_name")
    if isinstance(value, bool):
        return "✓" if value else ""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    name = getattr(value, "user", value)
    return "" if value is None else str(getattr(name, "name", name))
