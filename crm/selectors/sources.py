"""Which sheets a unit or a project comes from, and how fresh they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Max, QuerySet

from core.actors import Actor
from core.roles import Capability
from crm.models import Project, Property
from sheets.models import ImportRun, RowLink

UNITS_TABLE = "crm.units"


@dataclass(frozen=True, slots=True)
class Source:
    """One sheet, and what of it belongs here. `rows` counts its rows about these units; `row_keys` names a few."""

    spreadsheet_id: int
    name: str
    provider: str
    status: str
    last_success_at: datetime | None
    last_error: str
    rows: int
    row_keys: tuple[str, ...] = ()


def sources_of_unit(*, actor: Actor, unit: Property) -> list[Source]:
    """The sheets with a row about this unit, and those rows. One query."""
    actor.require(Capability.CRM_READ)
    links = _links(actor).filter(object_id=unit.pk).select_related("spreadsheet").order_by("spreadsheet", "pk")[:50]
    found: dict[int, Source] = {}
    for link in links:
        sheet = link.spreadsheet
        before = found.get(sheet.pk)
        keys = (*(before.row_keys if before else ()), link.row_key)
        found[sheet.pk] = Source(
            sheet.pk,
            sheet.name,
            sheet.provider,
            sheet.status,
            sheet.last_success_at,
            sheet.last_error,
            len(keys),
            keys,
        )
    return list(found.values())


def sources_of_project(*, actor: Actor, project: Project) -> list[Source]:
    """The sheets with rows about units of this project, the fullest first. One query."""
    actor.require(Capability.CRM_READ)
    units = Property.objects.live().filter(project=project).values("pk")
    found = (
        _links(actor)
        .filter(object_id__in=units)
        .values("spreadsheet")
        .annotate(
            name=Max("spreadsheet__name"),
            provider=Max("spreadsheet__provider"),
            status=Max("spreadsheet__status"),
            last_success_at=Max("spreadsheet__last_success_at"),
            last_error=Max("spreadsheet__last_error"),
            rows=Count("pk"),
        )
        .order_by("-rows", "spreadsheet")[:50]
    )
    return [
        Source(
            row["spreadsheet"],
            row["name"],
            row["provider"],
            row["status"],
            row["last_success_at"],
            row["last_error"],
            row["rows"],
        )
        for row in found
    ]


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
