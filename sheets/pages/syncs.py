"""One sync of a linked sheet: how far it is, what it changed on either side, cell by cell."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from core.doors import page
from core.roles import Capability
from sheets import selectors
from sheets.models import RunStatus, Side
from sheets.pages.imports import actor_of, number_in
from sheets.pages.linked import progress_of
from sheets.pages.wording import SEVERITIES, SEVERITY_TONES, SIDES, SYNC_STATUSES, TONES, made, sync_figures

PAGE = 100
SHOWN_WRONG = 10


@require_GET
@page(Capability.SHEETS_IMPORT)
def sheet_sync(request: HttpRequest, sheet_id: int, run_id: int) -> HttpResponse:
    """The readable difference, what is wrong, and the way back."""
    actor = actor_of(request)
    sheet = selectors.linked_found(actor=actor, sheet_id=sheet_id)
    run = selectors.sync_found(sheet=sheet, run_id=run_id)
    run.spreadsheet, run.organization = sheet, actor.organization
    is_at_work = run.status in selectors.AT_WORK
    side, search = request.GET.get("side", ""), request.GET.get("q", "").strip()
    side = side if side in Side.values else ""
    context: dict[str, Any] = {
        "here": "sheets",
        "sheet": sheet,
        "run": run,
        "is_at_work": is_at_work,
        "status_label": _(SYNC_STATUSES[RunStatus(run.status)]),
        "tone": TONES.get(run.status, ""),
        "side": side,
        "search": search,
        "list_query": urlencode({name: value for name, value in (("side", side), ("q", search)) if value}),
    }
    if is_at_work:
        context |= progress_of(run)
    else:
        cells = selectors.cell_list(run=run, side=side, search=search, after=number_in(request, "after"), limit=PAGE)
        wrong = selectors.row_list(run=run, limit=SHOWN_WRONG)
        context |= {
            "cells": [(cell, sheet.address_of_row(cell.row), _(SIDES[cell.side])) for cell in cells.rows],
            "next_cursor": cells.next,
            "sides": [(name, _(label), cells.counts[name]) for name, label in SIDES.items() if name in cells.counts],
            "cut": _cut(run.counts, cells.counts, side),
            "wrong_run": run.counts.get("same_as", run.pk),
            "figures": sync_figures(run.counts),
            "made": made(run.counts),
            "wrong": [(row, _(SEVERITIES[row.severity]), SEVERITY_TONES.get(row.severity, "")) for row in wrong.rows],
            "reversal": selectors.reversal_of(run=run) if run.status in {RunStatus.DONE, RunStatus.REVERTED} else None,
        }
    return render(request, "sheets/sync.html", context)


def _cut(counts: dict[str, Any], listed: dict[str, int], side: str) -> int:
    """How many lines are listed, where a sync told more of this kind than are kept; else 0."""
    figure = {"new": "new", "gone": "gone", "added": "appended", "clash": "conflicts", "sheet": "written"}.get(side, "")
    return listed.get(side, 0) if listed.get(side, 0) < counts.get(figure, 0) else 0
