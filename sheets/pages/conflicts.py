"""The conflict inbox: cells that were changed here and in the sheet, and the person who says which is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
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
from sheets.selectors import BOXES, COUNTED, Asked, ConflictRow
from sheets.sync.conflicts import matching, resolve_conflicts, resolve_matching
from sheets.tables import table_named

PAGE = 50
SHOWN = 20
FILTERS = ("box", "sheet", "column", "project", "age", "q")
AGES = {
    "1": gettext_noop("Older than a day"),
    "7": gettext_noop("Older than a week"),
    "30": gettext_noop("Older than a month"),
}
LABELS = {"open": gettext_noop("Open"), "decided": gettext_noop("Decided"), "settled": gettext_noop("Settled")}


@require_GET
@page(Capability.SHEETS_IMPORT)
def conflicts(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, what waits for its sync, and what is done."""
    actor, given = actor_of(request), request.GET
    asked = _asked(given)
    found = selectors.conflict_list(actor=actor, asked=asked, before=number_in(request, "before"), limit=PAGE)
    context = {
        "here": "conflicts",
        "rows": [_shown(row, actor.organization.slug) for row in found.rows],
        "next_cursor": found.next,
        "boxes": [(box, _(LABELS[box]), min(n, COUNTED), n > COUNTED) for box, n in found.counts.items()],
        "sheets": found.sheets,
        "columns": found.columns,
        "projects": found.groups,
        "ages": [(value, _(label)) for value, label in AGES.items()],
        "may_decide": asked.box != "settled",
        "is_narrowed": any(given.get(name) for name in FILTERS if name != "box"),
        "list_query": _query(given),
        **{name: given.get(name, "").strip() for name in FILTERS},
        "box": asked.box,
    }
    return render(request, "sheets/conflicts.html", context)


@require_POST
@page(Capability.SHEETS_IMPORT)
def decide(request: HttpRequest) -> HttpResponse:
    """One at its own button (`one`: `theirs-17`), or those that are ticked: these are shown once more before."""
    actor = actor_of(request)
    resolution, ids = _wanted(request.POST)
    query = _query(QueryDict(request.POST.get("query", "")))
    back = redirect(f"{reverse('conflicts', args=[actor.organization.slug])}?{query}")
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
            "query": query,
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


@require_POST
@page(Capability.SHEETS_IMPORT)
def decide_all(request: HttpRequest) -> HttpResponse:
    """Every open conflict that fits the filters, however many: shown first, then decided as it was shown."""
    actor = actor_of(request)
    given, resolution = QueryDict(request.POST.get("query", "")), request.POST.get("resolution", "")
    back = redirect(f"{reverse('conflicts', args=[actor.organization.slug])}?{_query(given)}")
    if resolution not in Resolution.values:
        messages.error(request, _("Say which side is right."))
        return back
    fitting = selectors.conflicts_asked(actor=actor, asked=replace(_asked(given), box="open"))
    if "state" in request.POST:
        try:
            decided = resolve_matching(
                actor=actor, conflicts=fitting, resolution=resolution, state=request.POST["state"], at=timezone.now()
            )
            said = ngettext(
                "%(n)d cell is decided; a sync carries it out now.",
                "%(n)d cells are decided; a sync carries them out now.",
                decided,
            )
            messages.success(request, said % {"n": decided})
            return back
        except DomainError as error:
            messages.error(request, _(error.message))
    found = matching(actor=actor, conflicts=fitting)
    first = fitting.select_related("spreadsheet").order_by("-pk")[:SHOWN]
    context = {
        "here": "conflicts",
        "found": found,
        "first": first,
        "resolution": resolution,
        "query": _query(given),
    }
    return render(request, "sheets/conflicts_matching.html", context)


def _asked(given: QueryDict) -> Asked:
    """The filters as somebody chose them; what is no filter is left out."""

    def number(name: str) -> int | None:
        text = given.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None

    box, days = given.get("box", ""), given.get("age", "")
    return Asked(
        box=box if box in BOXES else "open",
        sheet=number("sheet"),
        column=given.get("column", "").strip()[:200],
        group=number("project"),
        since_before=timezone.now() - timedelta(days=int(days)) if days in AGES else None,
        search=given.get("q", ""),
    )


def _wanted(given: QueryDict) -> tuple[str, list[int]]:
    one = given.get("one", "")
    resolution, _dash, number = one.partition("-") if one else (given.get("resolution", ""), "", "")
    numbers = [number] if one else given.getlist("conflict")
    return resolution, [int(text) for text in numbers if text.isascii() and text.isdigit() and len(text) <= 18]


def _query(given: QueryDict) -> str:
    """The filters to come back to; only what the inbox knows."""
    return urlencode({name: given[name] for name in FILTERS if given.get(name)})


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
