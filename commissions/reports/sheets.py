"""A report: a heading, facts, and one table. Pages show it, files carry it; nothing here asks the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.money import Money

Value = str | int | date | Money | None


class Kind(StrEnum):
    """How a column is aligned and written."""

    TEXT = "text"
    DATE = "date"
    COUNT = "count"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Cell:
    """A value whose rows are at an address, or which reads differently from what it is."""

    value: Value
    link: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: Kind = Kind.TEXT

    @property
    def is_figure(self) -> bool:
        """Amounts and counts stand at the end of their column."""
        return self.kind in (Kind.MONEY, Kind.COUNT)


Row = tuple[Cell | Value, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything shown, already in the language of whoever reads it. `totals` are rows that close the table,
    `lead` is the one figure that it is about."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    totals: tuple[Row, ...] = ()
    lead: Value = None
    facts: tuple[tuple[str, Cell | Value], ...] = ()
    notes: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()

    @property
    def shown(self) -> Iterator[list[tuple[Column, Value, str]]]:
        """The rows as a page reads them: of each cell its column, its value, and where its rows are."""
        return self._with_columns(self.rows)

    @property
    def shown_facts(self) -> list[tuple[str, Value, str]]:
        """Names, values, and where their rows are."""
        return [(name, plain(cell), link_of(cell)) for name, cell in self.facts]

    @property
    def shown_totals(self) -> Iterator[list[tuple[Column, Value, str]]]:
        return self._with_columns(self.totals)

    def _with_columns(self, rows: tuple[Row, ...]) -> Iterator[list[tuple[Column, Value, str]]]:
        for row in rows:
            yield [(column, plain(cell), link_of(cell)) for column, cell in zip(self.columns, row, strict=True)]


def plain(cell: Cell | Value) -> Value:
    """What stands in a cell."""
    return cell.value if isinstance(cell, Cell) else cell


def link_of(cell: Cell | Value) -> str:
    """Where its rows are, or nothing."""
    return cell.link if isinstance(cell, Cell) else ""
