"""A report: a heading, facts, and one table. Pages show it, files carry it; nothing here asks the database."""

from __future__ import annotations

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
    facts: tuple[tuple[str, Value], ...] = ()
    notes: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()


def plain(cell: Cell | Value) -> Value:
    """What stands in a cell."""
    return cell.value if isinstance(cell, Cell) else cell


def link_of(cell: Cell | Value) -> str:
    """Where its rows are, or nothing."""
    return cell.link if isinstance(cell, Cell) else ""
