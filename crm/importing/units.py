"""The importer of units: one row is one owner of one unit. Parses here; merging.py puts it into the tables."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from core import statistics
from crm.importing import merging, values
from crm.importing.owners import Owners, owner_key
from crm.importing.places import Places
from crm.models import Contact, ContactPoint, Ownership, Project, Property
from sheets.tables import CREATED, WARNING, Issue, Row, RowRefused, Run

# Fields whose text goes into the table as it is, with the length that fits.
TEXTS = {
    "p_number": 40, "registration": 60, "municipality_number": 40, "plot_number": 40, "unit_number": 40,
    "building": 100, "cluster": 100, "dewa_number": 40, "floor": 20, "layout": 40, "view": 60, "rooms": 40,
    "description": 10_000,
}  # fmt: skip
KEYS = ("p_number", "registration", "building", "cluster", "unit_number")
FLUSH = 4000
WORTH_STATISTICS = 500


class UnitImporter:
    """Takes rows into temporary tables; see sheets.tables.Importer."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.places = Places(run)
        self.owners = Owners(run)
        self.cursor = connection.cursor()
        self.cursor.execute(merging.TEMPORARY)
        self.rows: list[tuple[Any, ...]] = []
        self.firsts: dict[int, int] = {}  # hash of the unit's key -> its first row
        self.with_owner: set[int] = set()

    def key(self, given: Mapping[str, str]) -> str:
        """Its unit, then its owner's name. Raises RowRefused where nothing tells the unit from others."""
        return f"{self._unit_key(given)[1]}|{owner_key(given)}"

    def alive(self, object_ids: list[int]) -> set[int]:
        self.cursor.execute(
            "SELECT id FROM crm_property WHERE organization_id = %s AND id = ANY(%s) AND deleted_at IS NULL",
            [self.run.organization_id, object_ids],
        )
        return {found for (found,) in self.cursor.fetchall()}

    def add(self, row: Row) -> None:
        kind, unit_key = self._unit_key(row.values)
        first = self.firsts.setdefault(hash(unit_key), row.number)
        unit = self._unit(row)
        slot = self.owners.slot_of(row, unit_key, f"Owner of {self._label(row.values)}"[:200])
        primary = slot is not None and first not in self.with_owner
        if primary:
            self.with_owner.add(first)
        link = row.link.object_id if row.link else None
        self.rows.append((row.number, first, kind, link, slot, primary, *unit))
        if len(self.rows) >= FLUSH:
            self._flush()

    def finish(self) -> dict[str, int]:
        self._flush()
        with self.cursor.copy(merging.COPY_ALIASES) as copy:
            for alias in self.owners.final_aliases():
                copy.write_row(alias)
        figures = merging.merge(self.cursor, self.run) | {"projects_new": len(self.places.projects)}
        with self.cursor.copy(f"COPY {CREATED} FROM STDIN") as copy:
            for target, ids in (("crm.project", self.places.projects), ("crm.propertytype", self.places.types)):
                for made in ids:
                    copy.write_row((target, made))
        if figures.get("properties_new", 0) > WORTH_STATISTICS:
            # Else the planner takes the tables for as small as they were until autovacuum comes by.
            statistics.refresh([Project, Property, Contact, ContactPoint, Ownership])
        return figures

    def _unit_key(self, given: Mapping[str, str]) -> tuple[str, str]:
        """By which of its identifiers the unit is known (p, r or u), and the key itself."""
        text = given.get("project")
        if not text:
            raise RowRefused("project_missing", "The row names no project: every unit belongs to one.", "project")
        for name in KEYS:
            if len(given.get(name, "")) > TEXTS[name]:
                raise RowRefused("value_too_long", f"An identifier has at most {TEXTS[name]} characters.", name)
        if "p_number" in given:
            return "p", f"p:{given['p_number']}"
        project = self.places.key(text)
        if "registration" in given:
            return "r", f"r:{project}|{given['registration']}"
        unit, building = given.get("unit_number", ""), given.get("building", "")
        cluster = given.get("cluster", "") or self.places.name(text)
        if unit and unit.casefold() != building.casefold():
            return "u", f"u:{project}|{building.casefold()}|{cluster.casefold()}|{unit}"
        raise RowRefused(
            "unit_has_no_key",
            "Nothing tells this unit from others: fill in its P-number, its registration, or its unit number with the "
            "building or cluster it is in.",
            "p_number",
        )

    def _label(self, given: Mapping[str, str]) -> str:
        place = given.get("building") or given.get("cluster") or self.places.name(given["project"])
        return f"{place} {given.get('unit_number') or given.get('p_number') or given.get('registration', '')}".strip()

    def _unit(self, row: Row) -> tuple[Any, ...]:
        """The columns of merging.COLUMNS. None keeps what is known; of a row seen before, only what changed counts."""
        given = row.values
        if row.changed is not None:
            given = {name: text for name, text in given.items() if name in row.changed}
        texts = [given.get(name) for name in TEXTS]
        for index, (name, longest) in enumerate(TEXTS.items()):
            text = texts[index]
            if text is not None and len(text) > longest:
                self._doubt(row, "value_too_long", f"Longer than {longest} characters: left out.", name, text)
                texts[index] = None
        several = [name for name in given if ":" in name]
        if "cluster" not in given and "project" in given:
            texts[6] = self.places.name(given["project"])
        project = self.places.project(row.values["project"], row.values) if "project" in given or not row.link else None
        kind = self.places.property_type(given["property_type"]) if "property_type" in given else None
        status, purpose = self._status(row, given)
        price, note = self._price(row, given)
        return (
            *texts,
            project,
            kind,
            self._count(row, given, "bedrooms"),
            self._count(row, given, "bathrooms"),
            self._size(row, given),
            price,
            self.run.currency if price is not None else None,
            note,
            purpose,
            status,
            self._amenities(row) if any(name.startswith("amenities:") for name in several) else None,
            self._coordinate(row, given, "latitude", 90),
            self._coordinate(row, given, "longitude", 180),
            self._extra(given, several),
        )

    def _status(self, row: Row, given: Mapping[str, str]) -> tuple[str | None, str | None]:
        status, purpose = None, None
        if "status" in given:
            meant = values.status_of(given["status"])
            if meant is None:
                message = "We do not know this status: what is known of the unit stays as it is."
                self._doubt(row, "status_unknown", message, "status", given["status"])
            else:
                status, purpose = meant[0], meant[1] or None
        if "purpose" in given:
            purpose = values.purpose_of(given["purpose"])
            if purpose is None:
                message = "This says neither sale nor rent: left out."
                self._doubt(row, "purpose_unknown", message, "purpose", given["purpose"])
        return status, purpose

    def _price(self, row: Row, given: Mapping[str, str]) -> tuple[int | None, str | None]:
        text = given.get("asking_price")
        if text is None:
            return None, None
        minor, note = values.price_of(text, self.run.currency)
        if minor is None and any(map(str.isdigit, text)):
            self._doubt(row, "price_unread", "No amount can be read here: kept as a note.", "asking_price", text)
        return minor, note[:200]

    def _size(self, row: Row, given: Mapping[str, str]) -> Decimal | None:
        text = given.get("area_size")
        size = values.square_metres(text, self.run.options["area_unit"]) if text else None
        if text and size is None:
            self._doubt(row, "size_unread", "This is not a size: left out.", "area_size", text)
        return size

    def _count(self, row: Row, given: Mapping[str, str], name: str) -> int | None:
        text = given.get(name)
        if text is None:
            return values.count_of(given["rooms"]) if name == "bedrooms" and "rooms" in given else None
        count = values.count_of(text)
        if count is None:
            self._doubt(row, "count_unread", "This is not a number of rooms: left out.", name, text)
        return count

    def _coordinate(self, row: Row, given: Mapping[str, str], name: str, largest: int) -> Decimal | None:
        text = given.get(name)
        value = values.coordinate(text, largest) if text else None
        if text and value is None:
            self._doubt(row, "coordinate_unread", "This is not a coordinate: left out.", name, text)
        return value

    def _amenities(self, row: Row) -> list[str]:
        found: list[str] = []
        for name, text in row.values.items():  # all of them: the list is replaced as a whole
            if name.startswith("amenities:"):
                found += values.amenities_of(name.partition(":")[2], text) or []
        return list(dict.fromkeys(found))

    def _extra(self, given: Mapping[str, str], several: list[str]) -> str | None:
        kept = {name[6:]: given[name] for name in several if name.startswith("extra:")}
        if "area" in given:
            kept["area"] = given["area"]
        return orjson.dumps(kept).decode() if kept else None

    def _doubt(self, row: Row, code: str, message: str, name: str, text: str) -> None:
        self.run.report(Issue(row.number, WARNING, code, message, name, text))

    def _flush(self) -> None:
        for statement, lines in (
            (merging.COPY_ROWS, self.rows),
            (merging.COPY_SLOTS, self.owners.slots),
            (merging.COPY_POINTS, self.owners.points),
        ):
            with self.cursor.copy(statement) as copy:
                for line in lines:
                    copy.write_row(line)
            lines.clear()
