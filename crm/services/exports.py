"""Lists as CSV, for spreadsheets: counted, kept in the trail, and harmless to open."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db.models import Model, QuerySet

from core import audit
from core.actors import Actor
from core.roles import Capability
from core.tenancy import organization_scope

CHUNK = 1_000
# A spreadsheet would run these as formulas.
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")

Columns = Mapping[str, Callable[[Any], object]]


def export_rows(*, actor: Actor, rows: QuerySet[Any], columns: Columns) -> Iterator[str]:
    """The lines of a CSV file, oldest row first, a thousand rows at a time: memory does not grow with the list.

    `rows` is narrowed to what the actor may see already. The trail keeps who took which list, and how many rows. The
    answer may be consumed after the request's scope was closed: every chunk opens its own.
    """
    actor.require(Capability.CRM_EXPORT)
    chosen = list(rows.order_by("pk").values_list("pk", flat=True))
    audit.record(
        actor=actor,
        action="crm.list_exported",
        target=actor.organization,
        after={"list": rows.model._meta.label_lower, "rows": len(chosen), "columns": list(columns)},
    )
    return _lines(actor, rows, chosen, columns)


def _lines(actor: Actor, rows: QuerySet[Any], chosen: list[int], columns: Columns) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(columns)  # the mark by which spreadsheets know UTF-8
    for start in range(0, len(chosen), CHUNK):
        with organization_scope(actor.organization.pk):
            chunk: list[Model] = list(rows.order_by("pk").filter(pk__in=chosen[start : start + CHUNK]))
            lines = [[_cell(value(row)) for value in columns.values()] for row in chunk]
        for line in lines:
            yield writer.writerow(line)


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_BEGINNINGS) else text


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text
