"""Linked sheets: how fresh each is, what its syncs did, and what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core.actors import Actor
from core.errors import NotFound
from sheets.models import CellChange, Conflict, GoogleAccount, ImportRun, RowLink, Spreadsheet, SpreadsheetStatus

STATES = ("stale", "failed", "conflicts", "paused", "unlinked")


def linked_list(*, actor: Actor, at: datetime, state: str = "", search: str = "") -> list[Spreadsheet]:
    """Linked sheets by name, with `open_conflicts`, `row_count` and their account. One query; an office has dozens."""
    every = Spreadsheet.objects.visible_to(actor).google()
    sheets = _counted(every.filter(unlinked_at__isnull=state != "unlinked"))
    if state == "stale":
        sheets = sheets.stale(at).filter(is_paused=False)
    elif state == "failed":
        sheets = sheets.filter(status=SpreadsheetStatus.FAILED)
    elif state == "paused":
        sheets = sheets.filter(is_paused=True)
    elif state == "conflicts":
        sheets = sheets.filter(open_conflicts__gt=0)
    text = search.replace("\0", "").strip()[:100]
    if text:
        sheets = sheets.filter(Q(name__icontains=text) | Q(tab__icontains=text))
    return list(sheets.order_by("name", "pk"))


def linked_found(*, actor: Actor, sheet_id: int) -> Spreadsheet:
    """One linked sheet, counted as in the list, or one that was unlinked. One query. Raises NotFound."""
    sheet: Spreadsheet | None = _counted(Spreadsheet.objects.visible_to(actor).google()).filter(pk=sheet_id).first()
    if sheet is None:
        raise NotFound("There is no such linked sheet here.")
    return sheet


def accounts(*, actor: Actor) -> list[GoogleAccount]:
    """Google accounts with the sheets that use them. Two queries."""
    rows = GoogleAccount.objects.visible_to(actor).defer("key")
    return list(rows.prefetch_related("spreadsheets").order_by("email"))


def syncs_of(*, sheet: Spreadsheet, before: int | None = None, limit: int = 10) -> tuple[list[ImportRun], int | None]:
    """A sheet's syncs, newest first, and where the next page begins. One query."""
    runs = ImportRun.objects.filter(organization_id=sheet.organization_id, spreadsheet=sheet, kind="google")
    if before:
        runs = runs.filter(pk__lt=before)
    rows = list(runs.select_related("requested_by__user").order_by("-pk")[: limit + 1])
    return rows[:limit], rows[limit - 1].pk if len(rows) > limit else None


def sync_found(*, sheet: Spreadsheet, run_id: int) -> ImportRun:
    """One sync of this sheet. One query. Raises NotFound."""
    runs = ImportRun.objects.filter(organization_id=sheet.organization_id, spreadsheet=sheet, kind="google")
    run: ImportRun | None = runs.select_related("requested_by__user").filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such sync of this sheet.")
    return run


@dataclass(frozen=True, slots=True)
class Cells:
    rows: list[CellChange]
    next: int | None
    counts: dict[str, int]  # by side


def cell_list(*, run: ImportRun, side: str = "", search: str = "", after: int | None = None, limit: int = 50) -> Cells:
    """What a sync changed (or would change), cell by cell and row by row in the order of the sheet. Two queries."""
    cells = CellChange.objects.filter(organization_id=run.organization_id, run=run)
    counts = dict(cells.order_by().values_list("side").annotate(Count("id")))
    if side:
        cells = cells.filter(side=side)
    text = search.replace("\0", "").strip()[:100]
    if text:
        words = Q(column__icontains=text) | Q(before__icontains=text) | Q(after__icontains=text)
        cells = cells.filter(words | Q(row=int(text)) if _is_row(text) else words)
    if after:
        cells = cells.filter(pk__gt=after)
    rows = list(cells.order_by("pk")[: limit + 1])
    following = rows[limit - 1].pk if len(rows) > limit else None
    return Cells(rows[:limit], following, counts)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far the linked sheets of an organisation can be relied on, in one line."""

    sheets: int
    last_success_at: datetime | None
    stale: int
    failed: int
    conflicts: int


def freshness(*, actor: Actor, at: datetime) -> Freshness:
    """Of all linked sheets that are not paused. One query."""
    sheets = Spreadsheet.objects.visible_to(actor).linked().filter(is_paused=False)
    waiting = Conflict.objects.visible_to(actor).open().order_by().values("organization").annotate(n=Count("pk"))
    found = sheets.aggregate(
        sheets=Count("pk"),
        last_success_at=Max("last_success_at"),
        stale=Count("pk", filter=Q(pk__in=Spreadsheet.objects.google().stale(at).values("pk"))),
        failed=Count("pk", filter=Q(status=SpreadsheetStatus.FAILED)),
        conflicts=Max(Subquery(waiting.values("n"), output_field=IntegerField())),
    )
    return Freshness(**{**found, "conflicts": found["conflicts"] or 0})


def _counted(sheets: Any) -> Any:
    return sheets.select_related("account").annotate(
        open_conflicts=_count(Conflict.objects.open()),
        row_count=_count(RowLink.objects.filter(gone_at__isnull=True, awaits_row=False)),
    )


def _count(rows: QuerySet[Any]) -> Coalesce:
    of_sheet = rows.filter(spreadsheet=OuterRef("pk")).order_by().values("spreadsheet").annotate(n=Count("pk"))
    return Coalesce(Subquery(of_sheet.values("n"), output_field=IntegerField()), 0)


def _is_row(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
