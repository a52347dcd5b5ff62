"""Linked Google sheets: the list with how fresh each is, one sheet, and what is done with it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from core.doors import page
from core.errors import DomainError
from core.roles import Capability
from sheets import progress, selectors
from sheets.models import Direction, ImportRun, RunStatus, Spreadsheet
from sheets.pages.imports import actor_of, number_in
from sheets.pages.wording import SYNC_STATUSES, TONES, Figure, sync_figures
from sheets.selectors.linked import STATES
from sheets.sync import linking, requests
from sheets.tables import table_named

RUNS = 10
FILTERS = {
    "": gettext_noop("All"),
    "stale": gettext_noop("Stale"),
    "failed": gettext_noop("Failed"),
    "conflicts": gettext_noop("In conflict"),
    "paused": gettext_noop("Paused"),
    "unlinked": gettext_noop("Unlinked"),
}


@require_GET
@page(Capability.SHEETS_IMPORT)
def linked_sheets(request: HttpRequest) -> HttpResponse:
    """Every linked sheet: how fresh, what went wrong, what waits for somebody."""
    actor, at = actor_of(request), timezone.now()
    state, search = request.GET.get("state", ""), request.GET.get("q", "").strip()
    state = state if state in STATES else ""
    sheets = selectors.linked_list(actor=actor, at=at, state=state, search=search)
    context = {
        "here": "sheets",
        "rows": [(sheet, not sheet.is_paused and sheet.is_stale(at)) for sheet in sheets],
        "state": state,
        "search": search,
        "filters": [(value, _(label)) for value, label in FILTERS.items()],
        "has_account": bool(sheets) or bool(selectors.accounts(actor=actor)),
        "freshness": selectors.freshness(actor=actor, at=at),
    }
    return render(request, "sheets/linked.html", context)


@require_GET
@page(Capability.SHEETS_IMPORT)
def linked_sheet(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """One sheet: its state, what can be done, and its syncs."""
    actor, at = actor_of(request), timezone.now()
    sheet = selectors.linked_found(actor=actor, sheet_id=sheet_id)
    runs, following = selectors.syncs_of(sheet=sheet, before=number_in(request, "before"), limit=RUNS)
    latest = runs[0] if runs and not request.GET.get("before") else None
    at_work = latest if latest and latest.status in selectors.AT_WORK else None
    table = table_named(sheet.table)
    columns = [
        (header, label, Direction.SHEET if table.fixed(name) else linking.direction_of(sheet, header))
        for header, label, name in _columns(sheet)
    ]
    context = {
        "here": "sheets",
        "sheet": sheet,
        "is_stale": not sheet.is_paused and sheet.is_stale(at),
        "runs": [_told(run) for run in runs],
        "next_cursor": following,
        "run": at_work,
        "gone": sheet.last_error_code == "too_many_rows_gone",
        "columns": columns,
        "table_label": _(table.label),
        "constants": _constants(sheet),
        **(progress_of(at_work) if at_work else {}),
    }
    return render(request, "sheets/linked_sheet.html", context)


@require_POST
@page(Capability.SHEETS_IMPORT)
def sync(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Sync now, try it out (`dry_run`), or sync and let the rows be gone (`accept_missing`)."""
    actor = actor_of(request)
    sheet = selectors.linked_found(actor=actor, sheet_id=sheet_id)
    try:
        run = requests.request_sync(
            actor=actor,
            spreadsheet=sheet,
            at=timezone.now(),
            dry_run="dry_run" in request.POST,
            accept_missing=request.POST.get("accept_missing") == "yes",
        )
    except DomainError as error:
        messages.error(request, _(error.message))
        return redirect("linked-sheet", actor.organization.slug, sheet.pk)
    if run is None:
        return redirect("linked-sheet", actor.organization.slug, sheet.pk)
    return redirect("sheet-sync", actor.organization.slug, sheet.pk, run.pk)


@require_POST
@page(Capability.SHEETS_LINK)
def pause(request: HttpRequest, sheet_id: int) -> HttpResponse:
    """Stop syncing by the clock, or start it."""
    actor = actor_of(request)
    sheet = selectors.linked_found(actor=actor, sheet_id=sheet_id)
    is_paused = request.POST.get("is_paused") == "yes"
    try:
        linking.pause_sheet(actor=actor, spreadsheet=sheet, is_paused=is_paused, at=timezone.now())
        messages.success(request, _("It is paused.") if is_paused else _("It is started: the first sync is due now."))
    except DomainError as error:
        messages.error(request, _(error.message))
    return redirect("linked-sheet", actor.organization.slug, sheet.pk)


def progress_of(run: ImportRun) -> dict[str, Any]:
    row, of = progress.rows(run.pk)
    return {"percent": progress.percent(run.pk), "row": row, "of": of, "is_merging": row == progress.MERGING}


def _told(run: ImportRun) -> dict[str, Any]:
    figures: list[Figure] = [each for each in sync_figures(run.counts) if each.count]
    label = _(SYNC_STATUSES[RunStatus(run.status)])
    return {"run": run, "label": label, "tone": TONES.get(run.status, ""), "figures": figures}


def _columns(sheet: Spreadsheet) -> list[tuple[str, str, str]]:
    """The columns that are synced, with what each is, in words and by the name of the field."""
    table, mapped = table_named(sheet.table), sheet.mapping.get("columns", {})
    fields = ((header, table.field(mapped.get(header, ""))) for header in sheet.header)
    return [(header, _(field.label), field.name) for header, field in fields if field]


def _constants(sheet: Spreadsheet) -> list[tuple[str, str]]:
    table = table_named(sheet.table)
    named = ((table.field(name), value) for name, value in sheet.mapping.get("constants", {}).items())
    return [(_(field.label), value) for field, value in named if field]
