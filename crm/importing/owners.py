"""Who owns the unit of a row: rows are joined to one contact by a number or address AND the name, never by either alone.

Within one sheet that is worked out here, row by row; against the contacts that we know, in SQL (merging.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.phones import read_cell
from crm.names import divide, is_company, normalize_name, tidy
from sheets.tables import WARNING, Issue, Row, Run

# In the order in which a number becomes the primary one.
PHONE_FIELDS = ("mobile", "phone", "secondary_mobile")
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}")
_SEVERAL = re.compile(r"[\s,;/&]+")
_LONGEST = 254

PointLine = tuple[int, int, str, str, str, str, str, str, str, bool]


@dataclass(slots=True)
class Point:
    """One way to reach somebody, as a cell gave it."""

    kind: str
    value: str
    raw: str
    country: str
    line: str
    status: str
    notes: str


class Owners:
    """The contacts of one run. A slot is a contact to be: an integer that rows and points refer to.

    By what a contact is known is kept as a hash of 64 bits: a sheet has half a million of them.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.slots: list[tuple[object, ...]] = []
        self.points: list[PointLine] = []
        self.aliases: list[tuple[int, int]] = []
        self._next = 0
        self._by_identity: dict[int, int] = {}
        self._parents: dict[int, int] = {}
        self._has_primary = {"phone": bytearray(1), "email": bytearray(1)}  # by slot

    def slot_of(self, row: Row, unit_key: str, unnamed: str) -> int | None:
        """The contact of the row's owner; None when the row names nobody and has no number."""
        points = self._points(row)
        name = tidy(row.values.get("owner_name", ""))
        if not name and not points:
            return None
        normalized = normalize_name(name)
        slot, fresh = None, points
        if normalized:
            # The same name on the same unit is the same owner; on another unit it takes a number to say so.
            known = self._by_identity
            identities = [hash((normalized, point.value)) for point in points if point.status == "valid"]
            identities.append(hash((normalized, unit_key)))
            slot = self._find(identities)
            if slot is not None:
                fresh = [point for point in points if hash((normalized, point.value)) not in known]
        if slot is None:
            slot = self._open(row, name or unnamed, normalized)
        if normalized:
            for identity in identities:
                known.setdefault(identity, slot)
        self._keep(row, slot, fresh)
        return slot

    def _find(self, identities: list[int]) -> int | None:
        found = sorted({self._root(self._by_identity[each]) for each in identities if each in self._by_identity})
        for other in found[1:]:
            self._parents[other] = found[0]
            self.aliases.append((other, found[0]))
        return found[0] if found else None

    def _root(self, slot: int) -> int:
        while slot in self._parents:
            slot = self._parents[slot]
        return slot

    def final_aliases(self) -> list[tuple[int, int]]:
        """Slots that turned out to be the same contact as an earlier one, with that one."""
        return [(slot, self._root(slot)) for slot, _ in self.aliases]

    def _open(self, row: Row, name: str, normalized: str) -> int:
        self._next += 1
        for flags in self._has_primary.values():
            flags.append(0)
        company = is_company(name) if normalized else False
        first, last = divide(name) if normalized and not company else ("", "")
        linked = row.link.related_id if row.link else None
        values = row.values
        self.slots.append(
            (
                self._next,
                row.number,
                name,
                normalized,
                "company" if company else "person",
                first,
                last,
                values.get("nationality", "")[:60],
                values.get("owner_address", ""),
                linked,
            )
        )
        return self._next

    def _keep(self, row: Row, slot: int, points: list[Point]) -> None:
        """What is no valid number may come again from another row: the database keeps it once."""
        kept: set[tuple[str, str]] = set()
        for point in points:
            if (point.kind, point.value) in kept:
                continue
            kept.add((point.kind, point.value))
            has_primary = self._has_primary[point.kind]
            primary = point.status == "valid" and not has_primary[slot]
            if primary:
                has_primary[slot] = 1
            self.points.append(
                (
                    row.number, slot, point.kind, point.value, point.raw, point.country, point.line, point.status,
                    point.notes, primary,
                )
            )  # fmt: skip

    def _points(self, row: Row) -> list[Point]:
        points: list[Point] = []
        for name in PHONE_FIELDS:
            text = row.values.get(name)
            if text is not None:
                self._phones(row, name, text, points)
        points.sort(key=lambda point: point.line == "fixed" or point.status != "valid")
        text = row.values.get("email")
        if text is not None:
            self._emails(row, text, points)
        return points

    def _phones(self, row: Row, name: str, text: str, points: list[Point]) -> None:
        cell = read_cell(text, self.run.region)
        raw = text[:_LONGEST]
        points += [
            Point("phone", number.value, raw, number.country, number.line, "valid", "") for number in cell.numbers
        ]
        if not cell.reason:
            return
        if not cell.numbers:
            status = "review" if cell.line == "review" else "invalid"
            points.append(Point("phone", raw, raw, "", "", status, cell.reason[:200]))
        code = f"phone_{cell.line}" if not cell.numbers else "phone_partly_read"
        self.run.report(Issue(row.number, WARNING, code, cell.reason, name, text))

    def _emails(self, row: Row, text: str, points: list[Point]) -> None:
        for part in filter(None, _SEVERAL.split(text.lower())):
            if _EMAIL.fullmatch(part) and len(part) <= _LONGEST:
                points.append(Point("email", part, text[:_LONGEST], "", "", "valid", ""))
                continue
            reason = "This is not an e-mail address: it is kept, marked invalid."
            points.append(Point("email", part[:_LONGEST], text[:_LONGEST], "", "", "invalid", reason))
            self.run.report(Issue(row.number, WARNING, "email_invalid", reason, "email", text))


def owner_key(values: Mapping[str, str]) -> str:
    """By whom a row is known, besides its unit."""
    return normalize_name(values.get("owner_name", ""))
