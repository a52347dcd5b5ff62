"""Which sheets a unit or a project comes from, how fresh they are, and on what they and Majlis do not agree."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, QuerySet

from core.actors import Actor
from core.roles import Capability
from crm.models import Project, Property
from crm.models.contacts import PointKind
from crm.selectors.numbers import masked
from sheets.models import Conflict, ImportRun, Provider, RowLink, Spreadsheet, SpreadsheetStatus

UNITS_TABLE = "crm.units"
# The columns of a units' sheet that reach the owner.
POINTS = {
    **dict.fromkeys(("mobile", "secondary_mobile", "phone"), PointKind.PHONE),
    "email": PointKind.EMAIL,
}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One cell that was changed here and in the sheet, and waits for a person."""

    row: int
    column: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Source:
    """One sheet, and what of it belongs here: how many of its rows, a few of them by name and place."""

    spreadsheet_id: int
    name: str
    address: str
    state: str
    last_success_at: datetime | None
    last_error: str
    rows: int
    conflicts: int
    places: tuple[tuple[int | None, str], ...] = ()
    disagreements: tuple[Disagreement, ...] = ()


def sources_of_unit(*, actor: Actor, unit: Property, at: datetime) -> list[Source]:
    """The sheets with a row about this unit, those rows, and the cells that both sides changed. Two queries."""
    actor.require(Capability.CRM_READ)
    links = list(
        _links(actor).filter(object_id=unit.pk).select_related("spreadsheet").order_by("spreadsheet", "row", "pk")[:50]
    )
    conflicts: dict[int, list[Disagreement]] = defaultdict(list)
    for each in Conflict.objects.for_organization(actor.organization).open().filter(link__in=links).order_by("pk"):
        ours, theirs = (_hidden(each.field, value) for value in (each.ours, each.theirs))
        conflicts[each.spreadsheet_id].append(Disagreement(each.row, each.column, ours, theirs))
    found: dict[int, list[RowLink]] = defaultdict(list)
    for link in links:
        found[link.spreadsheet_id].append(link)
    return [
        _source(
            links[0].spreadsheet,
            at,
            rows=len(links),
            conflicts=len(conflicts[pk]),
            places=tuple((link.row, link.row_key) for link in links),
            disagreements=tuple(conflicts[pk]),
        )
        for pk, links in found.items()
    ]


def sources_of_project(*, actor: Actor, project: Project, at: datetime) -> list[Source]:
    """The sheets with rows about units of this project, the fullest first. Three queries."""
    actor.require(Capability.CRM_READ)
    units = Property.objects.live().filter(project=project).values("pk")
    links = _links(actor).filter(object_id__in=units)
    rows = dict(links.values_list("spreadsheet").annotate(rows=Count("pk")).order_by("-rows", "spreadsheet")[:50])
    open_ones = Conflict.objects.for_organization(actor.organization).open()
    conflicts = dict(
        open_ones.filter(spreadsheet__in=list(rows), link__object_id__in=units)
        .order_by()
        .values_list("spreadsheet")
        .annotate(Count("pk"))
    )
    sheets = Spreadsheet.objects.for_organization(actor.organization).in_bulk(list(rows))
    return [_source(sheets[pk], at, rows=count, conflicts=conflicts.get(pk, 0)) for pk, count in rows.items()]


def _hidden(field: str, value: str) -> str:
    """Numbers and addresses have their middle hidden: whoever wants them asks for them by name."""
    kind = POINTS.get(field)
    return masked(kind, value) if kind and value else value


def _source(sheet: Spreadsheet, at: datetime, **fields: Any) -> Source:
    return Source(
        sheet.pk, sheet.name, sheet.address, _state(sheet, at), sheet.last_success_at, sheet.last_error, **fields
    )


def _state(sheet: Spreadsheet, at: datetime) -> str:
    """One word that a badge shows. Only a linked sheet can be paused, or grow stale; a file is as old as it is."""
    if sheet.unlinked_at is not None:
        return "unlinked"
    if sheet.status == SpreadsheetStatus.FAILED:
        return "failed"
    if sheet.provider == Provider.GOOGLE and sheet.is_paused:
        return "paused"
    if sheet.provider == Provider.GOOGLE and sheet.is_stale(at):
        return "stale"
    return sheet.status


def imports_of(*, actor: Actor, spreadsheets: list[int], limit: int = 8) -> QuerySet[ImportRun]:
    """The latest runs of these sheets. One query."""
    actor.require(Capability.CRM_READ)
    runs: QuerySet[ImportRun] = ImportRun.objects.for_organization(actor.organization).filter(
        spreadsheet__in=spreadsheets
    )
    return runs.select_related("requested_by__user").annotate(sheet_name=F("spreadsheet__name")).order_by("-pk")[:limit]


def _links(actor: Actor) -> QuerySet[RowLink]:
    links: QuerySet[RowLink] = RowLink.objects.for_organization(actor.organization).filter(
        spreadsheet__table=UNITS_TABLE
    )
    return links
