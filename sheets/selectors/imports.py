"""What the pages of imports show. Each promises its queries."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from core.actors import Actor
from core.errors import NotFound
from sheets.models import ImportReversal, ImportRun, RowError, RunStatus

AT_WORK = frozenset({RunStatus.PREVIEWING, RunStatus.QUEUED, RunStatus.RUNNING})


@dataclass(frozen=True, slots=True)
class Imports:
    rows: list[ImportRun]
    next: int | None


def import_list(
    *, actor: Actor, status: str = "", search: str = "", before: int | None = None, limit: int = 40
) -> Imports:
    """Uploaded files, newest first. One query; syncs of linked sheets have their own list."""
    runs = (
        ImportRun.objects.visible_to(actor).exclude(kind="google").select_related("spreadsheet", "requested_by__user")
    )
    if status:
        runs = runs.filter(status=status)
    if search:
        runs = runs.filter(file_name__icontains=search.replace("\0", "")[:100])
    if before:
        runs = runs.filter(pk__lt=before)
    rows = list(runs.order_by("-pk")[: limit + 1])
    return Imports(rows[:limit], rows[limit - 1].pk if len(rows) > limit else None)


def import_found(*, actor: Actor, run_id: int) -> ImportRun:
    """One import with its sheet and who asked for it. One query. Raises NotFound."""
    runs = ImportRun.objects.visible_to(actor).select_related("spreadsheet", "organization", "requested_by__user")
    run: ImportRun | None = runs.filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such import here.")
    return run


@dataclass(frozen=True, slots=True)
class Rows:
    rows: list[RowError]
    next: int | None
    codes: list[tuple[str, str, int]]  # severity, code, how many


def row_list(
    *, run: ImportRun, severity: str = "", code: str = "", search: str = "", after: int | None = None, limit: int = 50
) -> Rows:
    """What was wrong, in the order of the sheet, and how often each reason was. Two queries."""
    found = RowError.objects.filter(organization_id=run.organization_id, run=run)
    counted = found.order_by().values_list("severity", "code").annotate(times=Count("id"))
    codes = sorted(counted, key=lambda each: -each[2])
    if severity:
        found = found.filter(severity=severity)
    if code:
        found = found.filter(code=code)
    text = search.replace("\0", "").strip()[:100]
    if text:
        words = Q(value__icontains=text) | Q(column__icontains=text) | Q(message__icontains=text)
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        found = found.filter(words | Q(row=int(text)) if is_number else words)
    if after:
        found = found.filter(pk__gt=after)
    rows = list(found.order_by("pk")[: limit + 1])
    return Rows(rows[:limit], rows[limit - 1].pk if len(rows) > limit else None, codes)


def reversal_of(*, run: ImportRun) -> ImportReversal | None:
    """The reversal that was asked for. One query."""
    reversals = ImportReversal.objects.filter(organization_id=run.organization_id, run=run)
    return reversals.select_related("requested_by__user").first()
