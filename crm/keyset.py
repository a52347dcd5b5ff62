"""Pages of a list in any order, each as quick as the first, and nothing skipped or shown twice while rows are added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import BooleanField, F, Func, Model, QuerySet, Value

RowT = TypeVar("RowT", bound=Model)
END = "~"


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted: by one column, rows with the same value (or none, which come last) by their key."""

    name: str
    column: str | None = None
    is_descending: bool = False
    is_text: bool = False


NEWEST = Order("newest", is_descending=True)


class _RowAfter(Func):
    """(column, id) > (value, key): one comparison, so that an index begins there."""

    output_field = BooleanField()
    arity = 4

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        parts, values = [], []
        for expression in self.source_expressions:
            sql, given = compiler.compile(expression)
            parts.append(sql)
            values += given
        return "({}, {}) {} ({}, {})".format(*parts[:2], self.extra["sign"], *parts[2:]), values


def page_of(rows: QuerySet[RowT], order: Order, after: str, limit: int) -> tuple[list[RowT], str]:
    """So many rows after the cursor, and the cursor of the following page; "" at the end. One query, two where a page
    holds the last rows with a value and the first without. A cursor that cannot be read begins anew."""
    value, key = _read(after, order)
    if order.column is None:
        found = _part(rows, order, None, key, limit + 1)
    elif key is not None and value is None:
        found = _without(rows, order, key, limit + 1)
    else:
        found = _part(rows.filter(**{f"{order.column}__isnull": False}), order, value, key, limit + 1)
        if len(found) <= limit:
            found += _without(rows, order, None, limit + 1 - len(found))
    shown = found[:limit]
    return shown, _write(shown[-1], order) if len(found) > limit else ""


def _without(rows: QuerySet[RowT], order: Order, key: int | None, limit: int) -> list[RowT]:
    """Rows that have no value. The column stays in the order: the planner then sees that the index has it."""
    return _part(rows.filter(**{f"{order.column}__isnull": True}), order, None, key, limit)


def _part(rows: QuerySet[RowT], order: Order, value: Any, key: int | None, limit: int) -> list[RowT]:
    sign = "-" if order.is_descending else ""
    columns = [order.column] if order.column else []
    if key is not None and value is not None:
        rows = rows.filter(
            _RowAfter(F(columns[0]), F("pk"), Value(value), Value(key), sign="<" if order.is_descending else ">")
        )
    elif key is not None:
        rows = rows.filter(**{"pk__lt" if order.is_descending else "pk__gt": key})
    return list(rows.order_by(*(f"{sign}{column}" for column in [*columns, "pk"]))[:limit])


def _read(after: str, order: Order) -> tuple[Any, int | None]:
    value, found, key = after.replace("\x00", "").rpartition(END)
    if not key.isdecimal() or len(key) > 18 or (order.column is None and found):
        return None, None
    if order.column is None or not found or not value:
        return None, int(key)
    if order.is_text:
        return value[1:], int(key)
    digits = value.removeprefix("-")
    return (int(value), int(key)) if digits.isdecimal() and len(digits) <= 18 else (None, None)


def _write(row: Model, order: Order) -> str:
    if order.column is None:
        return str(row.pk)
    value = getattr(row, order.column)
    said = "" if value is None else f"={value}" if order.is_text else str(value)
    return f"{said}{END}{row.pk}"
