"""The conflict inbox: cells that were changed here and in the sheet, and the person who says which is right."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_GET, require_POST

from core.doors import page
from core.errors import DomainError
from core.roles import Capability
from sheets import selectors
from sheets.models import Conflict, Resolution
from sheets.pages.imports import actor_of, number_in
from sheets.selectors import BOXES, ConflictRow
from sheets.sync.conflicts import resolve_conflicts
from sheets.tables import table_named

PAGE = 50
LABELS = {"open": gettext_noop("Open"), "decided": gettext_noop("Decided"), "settled": gettext_noop("Settled")}


@require_GET
@page(Capability.SHEETS_IMPORT)
def conflicts(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, what waits for its sync, and what is done."""
    actor = actor_of(request)
    asked = {name: request.GET.get(name, "").strip() for name in ("box", "sheet", "column", "q")}
    asked["box"] = asked["box"] if asked["box"] in BOXES else "open"
    found = selectors.conflict_list(
        actor=actor,
        box=asked["box"],
        sheet=number_in(request, "sheet"),
        column=asked["column"][:200],
        search=asked["q"],
        before=number_in(request, "before"),
        limit=PAGE,
    )
    context = {
        "here": "conflicts",
        "rows": [_shown(row, actor.organization.slug) for row in found.rows],
        "next_cursor": found.next,
        "boxes": [(box, _(LABELS[box]), found.counts[box]) for box in BOXES],
        "sheets": found.sheets,
        "columns": found.columns,
        "may_decide": asked["box"] != "settled",
        "list_query": urlencode({name: value for name, value in asked.items() if value}),
        **asked,
    }
    return render(request, "sheets/conflicts.html", context)


@require_POST
@page(Capability.SHEETS_IMPORT)
def decide(request: HttpRequest) -> HttpResponse:
    """One at its own button (`one`: `theirs-17`), or those that are ticked: these are shown once more before."""
    actor = actor_of(request)
    resolution, ids = _wanted(request.POST)
    back = redirect(f"{reverse('conflicts', args=[actor.organization.slug])}?{_query(request)}")
    if not ids or resolution not in Resolution.values:
        messages.error(request, _("Tick the cells first, and say which side is right."))
        return back
    is_sure = "one" in request.POST or "confirmed" in request.POST
    if not is_sure:
        rows = selectors.conflicts_chosen(actor=actor, ids=ids)
        context = {
            "here": "conflicts",
            "rows": [_shown(row, actor.organization.slug) for row in rows],
            "resolution": resolution,
            "query": _query(request),
        }
        return render(request, "sheets/conflicts_chosen.html", context)
    try:
        done = resolve_conflicts(
            actor=actor,
            conflicts=list(Conflict.objects.visible_to(actor).filter(pk__in=ids)),
            resolution=resolution,
            seen={pk: request.POST[f"seen-{pk}"] for pk in ids if f"seen-{pk}" in request.POST},
            at=timezone.now(),
        )
        said = ngettext(
            "%(n)d cell is decided; a sync carries it out now.",
            "%(n)d cells are decided; a sync carries them out now.",
            len(done),
        )
        messages.success(request, said % {"n": len(done)})
    except DomainError as error:
        messages.error(request, _(error.message))
    return back


def _wanted(given: QueryDict) -> tuple[str, list[int]]:
    one = given.get("one", "")
    resolution, _dash, number = one.partition("-") if one else (given.get("resolution", ""), "", "")
    numbers = [number] if one else given.getlist("conflict")
    return resolution, [int(text) for text in numbers if text.isascii() and text.isdigit() and len(text) <= 18]


def _query(request: HttpRequest) -> str:
    """The filters to come back to; only what the inbox knows."""
    given = QueryDict(request.POST.get("query", ""))
    return urlencode({name: given[name] for name in ("box", "sheet", "column", "q") if given.get(name)})


def _shown(row: ConflictRow, slug: str) -> dict[str, Any]:
    """A conflict with the page of its unit and the place of its row."""
    conflict, sheet = row.conflict, row.conflict.spreadsheet
    name, place = table_named(sheet.table).page, ""
    if name:
        try:
            place = reverse(name, args=[slug, conflict.link.object_id])
        except NoReverseMatch:
            place = ""
    return {
        "conflict": conflict,
        "sheet": sheet,
        "changed": row.changed,
        "page": place,
        "row_address": sheet.address_of_row(conflict.row),
    }
