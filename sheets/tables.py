"""What an app declares so that sheets can fill its tables. Sheets knows fields by name, not by meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from sheets.errors import TableUnknown

ERROR, WARNING, SKIPPED = "error", "warning", "skipped"
NOT_SYNCED = gettext_noop("This column is not synced.")
ONLY_READ = gettext_noop("Only from the sheet: Majlis keeps it as it was read, and has nothing of its own to write.")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a column can be mapped to."""

    name: str
    label: str
    aliases: tuple[str, ...] = ()
    help: str = ""
    many: bool = False  # several columns may feed it
    keeps_zero: bool = False  # a 0 is a value here, not a placeholder for nothing
    writable: bool = False  # Majlis can say what it has here, and so a linked sheet can be told
    only_read: str = ""  # why it is not writable, where a better reason than the usual one can be given
    numeric: bool = False  # written as a number, so that the sheet's own sums go on working


@dataclass(frozen=True, slots=True)
class Option:
    """A choice that holds for the whole sheet, such as the unit of its areas."""

    name: str
    label: str
    choices: Mapping[str, str]
    default: str


@dataclass(frozen=True, slots=True)
class Look:
    """How a column without a name is recognised: by what most of its cells look like.

    The first of `fields` that is still free gets it. What is not `telling` alone does not make a sheet a table.
    """

    fields: tuple[str, ...]
    fits: Callable[[str, str], bool]  # the text of a cell, and the organisation's region
    telling: bool = True
    varied: bool = False  # most of the cells differ: names do, projects do not


@dataclass(frozen=True, slots=True)
class Constant:
    """A field that is often the same for a whole sheet, such as its project."""

    field: str
    known: Callable[[int], list[str]] = lambda organization_id: []  # values to offer
    of_number: Callable[[int, str], str] | None = None  # organisation, business number -> value. Raises NotFound


@dataclass(frozen=True, slots=True)
class Grouping:
    """What people sort a table's objects by, such as the project of a unit."""

    label: str
    known: Callable[[int], list[tuple[int, str]]]  # organisation -> (id, name), to choose from
    objects: Callable[[int], QuerySet[Any, Any]]  # id of a group -> the ids of its objects, as a query


@dataclass(frozen=True, slots=True)
class Link:
    """What an earlier import made of a row."""

    object_id: int
    related_id: int | None
    base: Mapping[str, str]
    app: Mapping[str, str] = field(default_factory=dict)  # what Majlis had when both last agreed (linked sheets)


@dataclass(frozen=True, slots=True)
class Row:
    """One row to take in. `values` holds what is not empty, by field name (`field:header` where many feed it).

    `changed` names the values that differ from what was agreed last; None for a row never seen before.
    """

    number: int
    values: Mapping[str, str]
    link: Link | None = None
    changed: frozenset[str] | None = None


class RowRefused(Exception):
    """Raised by an importer: this row cannot be taken in, and why."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


@dataclass(slots=True)
class Issue:
    """Something to say of a row: `field` is the name of the value, or empty for the whole row."""

    row: int
    severity: str
    code: str
    message: str
    field: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Under what an importer works: inside one transaction, which a preview rolls back."""

    organization_id: int
    region: str
    currency: str
    options: Mapping[str, str]
    source: str
    report: Callable[[Issue], None]


class Importer(Protocol):
    """Takes rows one by one into temporary tables, and merges them into the real ones at the end, set by set.

    `finish` fills the temporary tables OBJECTS, CREATED and CHANGED, which are there: nothing of it passes through Python.
    """

    def key(self, values: Mapping[str, str]) -> str:
        """What the row is known by. Raises RowRefused."""

    def alive(self, object_ids: list[int]) -> set[int]:
        """Which of these objects are still there; rows of the others are taken in as if never seen."""

    def add(self, row: Row) -> None:
        """Parse one row. Raises RowRefused; doubts go to Run.report."""

    def finish(self) -> dict[str, int]:
        """Merge all that was added. Returns figures for people."""


class LinkedImporter(Importer, Protocol):
    """An importer that can also say what Majlis has: what two-way sync asks besides."""

    run: Run

    def relink(self, spreadsheet_id: int) -> None:
        """Before anything is read: let rows follow what was decided here since, such as another owner of the unit."""

    def touched(self, spreadsheet_id: int) -> set[str]:
        """Keys of the rows whose object was changed in Majlis since all their cells agreed (agreed_at). May be wide."""

    def present(self, pairs: str, fields: frozenset[str]) -> tuple[str, dict[str, Any]]:
        """A SELECT of (row_key, app jsonb): what Majlis has in these fields, as text, empty ones left out.

        `pairs` is a relation of (row_key, object_id, related_id).
        """

    def unlisted(self, spreadsheet_id: int, since: datetime, most: int) -> list[tuple[int, int | None]]:
        """(object, related) made since then that belong where the sheet's rows do, and that no sheet or file speaks of."""

    def canonical(self, field: str, text: str) -> str:
        """A cell's text as `present` would say it: `Looks Vacant ` is `Vacant`."""

    def erase(self, row: Row, field: str) -> bool:
        """The sheet owns the field and its cell was emptied. False when Majlis keeps what it knows all the same."""

    def withdraw(self, object_ids: list[int]) -> dict[int, str]:
        """Their rows are gone from every sheet: archive them. Returns what `restore` needs, for those it archived."""

    def restore(self, states: Mapping[int, str]) -> None:
        """Their rows are back."""


# What became of each row; and what a revert will need: which rows of our tables were made, and which changed, from what
# to what. Each run has its own.
OBJECTS, CREATED, CHANGED = "sheets_import_object", "sheets_import_created", "sheets_import_changed"
FILLED_BY_IMPORTERS = f"""
    DROP TABLE IF EXISTS {OBJECTS}, {CREATED}, {CHANGED};
    CREATE TEMPORARY TABLE {OBJECTS} (row integer, object_id bigint, related_id bigint) ON COMMIT DROP;
    CREATE TEMPORARY TABLE {CREATED} (target_type text, id bigint) ON COMMIT DROP;
    CREATE TEMPORARY TABLE {CHANGED} (target_type text, id bigint, before jsonb, after jsonb) ON COMMIT DROP;
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that sheets can be imported into."""

    name: str
    label: str
    fields: tuple[Field, ...]
    options: tuple[Option, ...]
    lacks: Callable[[frozenset[str]], str]  # a sentence when these fields do not suffice, else ""
    importer: Callable[[Run], Importer]
    linked: Callable[[Run], LinkedImporter] | None = None  # for tables that linked sheets may feed
    guess_options: Callable[[dict[str, str]], dict[str, str]] = lambda headers: {}
    looks: tuple[Look, ...] = ()
    has_titles: bool = True  # a row with one filled cell among many columns is a title, not data
    constants: tuple[Constant, ...] = ()
    target: str = ""  # the model of Link.object_id, as a target type: crm.property
    grouping: Grouping | None = None
    page: str = ""  # the name of the address that shows such an object
    parts: tuple[tuple[str, str], ...] = ()  # (target type, its key): what stays with a row that a reversal leaves

    def field(self, name: str) -> Field | None:
        return next((each for each in self.fields if each.name == name), None)

    def fixed(self, name: str) -> str:
        """Why the direction of a column of this field cannot be chosen; empty when it can."""
        if not name:
            return NOT_SYNCED
        field = self.field(name)
        if field and field.writable:
            return ""
        return (field.only_read if field else "") or ONLY_READ


_tables: dict[str, Table] = {}


def register(table: Table) -> None:
    """Called when the app that declares the table is ready."""
    _tables[table.name] = table


def table_named(name: str) -> Table:
    """Raises TableUnknown."""
    try:
        return _tables[name]
    except KeyError:
        known = ", ".join(sorted(_tables))
        raise TableUnknown(f"There is no table {name!r} to import into; use one of: {known}.", table=name) from None


def declared() -> list[Table]:
    """Every table, by name."""
    return [_tables[name] for name in sorted(_tables)]
