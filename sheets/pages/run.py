"""One import on its way: mapping, preview, commit, outcome, and what was wrong with its rows."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.doors import page
from core.errors import DomainError
from core.roles import Capability
from sheets import error_files, headers, progress, selectors, services
from sheets.forms import MappingForm, ReadingForm
from sheets.mapping import fields_of
from sheets.models import OPEN_STATUSES, ImportRun, RunStatus
from sheets.pages.imports import actor_of, number_in
from sheets.pages.wording import SEVERITIES, SEVERITY_TONES, STATUSES, TONES, figures, made, reverted
from sheets.selectors import AT_WORK
from sheets.tables import table_named

PAGE = 50
SHOWN_SAMPLES = 8
SHOWN_WRONG = 10


@require_GET
@page(Capability.SHEETS_IMPORT)
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    """What there is to do next with this import."""
    run = selectors.import_found(actor=actor_of(request), run_id=run_id)
    if run.kind == "google":
        return _to(run)
    return _shown(request, run, MappingForm(run), ReadingForm(run))


@require_GET
@page(Capability.SHEETS_IMPORT)
def run_progress(request: HttpRequest, run_id: int) -> HttpResponse:
    """The part of the page that looks again while a worker is at it; the whole page when it is done."""
    run = selectors.import_found(actor=actor_of(request), run_id=run_id)
    if run.status not in AT_WORK:
        answer = HttpResponse()
        answer["HX-Refresh"] = "true"
        return answer
    return render(request, "sheets/_progress.html", {"run": run, **_progress(run)})


@require_POST
@page(Capability.SHEETS_IMPORT)
def run_mapping(request: HttpRequest, run_id: int) -> HttpResponse:
    """Save the mapping, and do what the pressed button says."""
    actor, at = actor_of(request), timezone.now()
    run = selectors.import_found(actor=actor, run_id=run_id)
    form = MappingForm(run, request.POST)
    if not form.is_valid():
        return _shown(request, run, form, ReadingForm(run), status=422)
    try:
        run = services.change_mapping(actor=actor, run=run, document=form.document(), at=at)
        if "preview" in request.POST:
            services.request_preview(actor=actor, run=run, at=at)
        else:
            messages.success(request, _("The mapping is saved, and remembered for files with the same header."))
    except DomainError as error:
        # What was chosen stays on the page: a mapping of forty columns is not chosen twice.
        return _shown(request, run, form, ReadingForm(run), status=422, refusal=_(error.message))
    return _to(run)


@require_POST
@page(Capability.SHEETS_IMPORT)
def run_reading(request: HttpRequest, run_id: int) -> HttpResponse:
    """Read the file differently: another tab, encoding, delimiter or header row."""
    actor = actor_of(request)
    run = selectors.import_found(actor=actor, run_id=run_id)
    form = ReadingForm(run, request.POST)
    if not form.is_valid():
        return _shown(request, run, MappingForm(run), form, status=422)
    try:
        services.change_reading(actor=actor, run=run, at=timezone.now(), **form.reading())
    except DomainError as error:
        messages.error(request, _(error.message))
    return _to(run)


@require_POST
@page(Capability.SHEETS_IMPORT)
def run_commit(request: HttpRequest, run_id: int) -> HttpResponse:
    """Import it, by a worker."""
    return _do(request, run_id, services.request_commit)


@require_POST
@page(Capability.SHEETS_IMPORT)
def run_stop(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop what waits or runs."""
    return _do(request, run_id, services.cancel_import)


@require_GET
@page(Capability.SHEETS_IMPORT)
def run_rows(request: HttpRequest, run_id: int) -> HttpResponse:
    """Every row that was refused, doubted or skipped: searched, filtered by reason, paged."""
    run = selectors.import_found(actor=actor_of(request), run_id=run_id)
    asked = {name: request.GET.get(name, "").strip() for name in ("severity", "code", "q")}
    asked["severity"] = asked["severity"] if asked["severity"] in SEVERITIES else ""
    found = selectors.row_list(
        run=run,
        severity=asked["severity"],
        code=asked["code"][:60],
        search=asked["q"],
        after=number_in(request, "after"),
        limit=PAGE,
    )
    codes = [
        (code, code.replace("_", " "), times)
        for severity, code, times in found.codes
        if not asked["severity"] or severity == asked["severity"]
    ]
    context = {
        "here": "imports",
        "run": run,
        "rows": [(row, _(SEVERITIES[row.severity]), SEVERITY_TONES.get(row.severity, "")) for row in found.rows],
        "next_cursor": found.next,
        "codes": codes,
        "severities": [(value, _(label)) for value, label in SEVERITIES.items()],
        "list_query": urlencode({name: value for name, value in asked.items() if value}),
        **asked,
    }
    return render(request, "sheets/rows.html", context)


@require_GET
@page(Capability.SHEETS_IMPORT)
def run_error_file(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """The rows to correct as a file; with `of=skipped` those that were skipped."""
    run = selectors.import_found(actor=actor_of(request), run_id=run_id)
    kind = "csv" if request.GET.get("kind") == "csv" else "xlsx"
    return FileResponse(
        error_files.written(run, kind, skipped=request.GET.get("of") == "skipped"),
        as_attachment=True,
        filename=error_files.name_of(run, kind),
        content_type=error_files.CONTENT_TYPES[kind],
    )


def _do(request: HttpRequest, run_id: int, service: Any) -> HttpResponse:
    actor = actor_of(request)
    run = selectors.import_found(actor=actor, run_id=run_id)
    try:
        service(actor=actor, run=run, at=timezone.now())
    except DomainError as error:
        messages.error(request, _(error.message))
    return _to(run)


def _to(run: ImportRun) -> HttpResponse:
    if run.kind == "google":
        return redirect("sheet-sync", run.organization.slug, run.spreadsheet_id, run.pk)
    return redirect("import", run.organization.slug, run.pk)


def _progress(run: ImportRun) -> dict[str, Any]:
    row, of = progress.rows(run.pk)
    return {"percent": progress.percent(run.pk), "row": row, "of": of, "is_merging": row == progress.MERGING}


def _shown(
    request: HttpRequest,
    run: ImportRun,
    form: MappingForm,
    reading: ReadingForm,
    *,
    status: int = 200,
    refusal: str = "",
) -> HttpResponse:
    table = table_named(run.spreadsheet.table)
    wrong = selectors.row_list(run=run, limit=SHOWN_WRONG) if run.counts else None
    reversal = selectors.reversal_of(run=run) if run.status in {RunStatus.DONE, RunStatus.REVERTED} else None
    labels = {field.name: _(field.label) for field in table.fields}
    context = {
        "here": "imports",
        "run": run,
        "form": form,
        "reading": reading,
        "refusal": refusal,
        "table_label": _(table.label),
        "status_label": _(STATUSES[RunStatus(run.status)]),
        "tone": TONES.get(run.status, ""),
        "may_change": run.status in OPEN_STATUSES,
        "is_at_work": run.status in AT_WORK,
        "guessed": headers.guess(run.spreadsheet.header, table),
        "lacking": _(table.lacks(fields_of(run.mapping))) if table.lacks(fields_of(run.mapping)) else "",
        "figures": figures(run),
        "made": made(run.counts),
        "samples_new": [_named(sample, labels) for sample in run.samples.get("new", [])[:SHOWN_SAMPLES]],
        "samples_changed": [_named(sample, labels) for sample in run.samples.get("changed", [])[:SHOWN_SAMPLES]],
        "wrong": [(row, _(SEVERITIES[row.severity]), SEVERITY_TONES.get(row.severity, "")) for row in wrong.rows]
        if wrong
        else [],
        "has_file": bool(run.file),
        "reversal": reversal,
        "reverted": reverted(reversal.counts) if reversal else {},
        **(_progress(run) if run.status in AT_WORK else {}),
    }
    return render(request, "sheets/import.html", context, status=status)


def _named(sample: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    """A sample row with the names of its values as people know them, and before beside after."""
    cells = []
    order = list(labels)
    after_of = sample["after"]
    for name in sorted(after_of, key=lambda name: order.index(name) if name in labels else len(order)):
        after = after_of[name]
        field, _colon, header = name.partition(":")
        cells.append((header or labels.get(field, field), sample["before"].get(name, ""), after))
    return {"row": sample["row"], "cells": cells}
