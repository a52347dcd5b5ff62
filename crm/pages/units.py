"""The list of units, for agents."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from core.doors import page
from core.roles import Capability
from crm import selectors
from crm.filtering import UNIT_ORDERS, UnitFilter
from crm.models import Agent, Project, Property
from crm.models.search import FilteredList
from crm.models.stock import PropertyStatus, Purpose
from crm.pages.asking import actor_of
from crm.pages.filters import chips, default_view, views
from sheets.models import Spreadsheet

PAGE = 40
MOST_CHOICES = 500
# The labels of statuses as the models have them: named here so that translators meet them.
LABELS = [
    gettext_noop("Available"),
    gettext_noop("Reserved"),
    gettext_noop("Sold"),
    gettext_noop("Rented"),
    gettext_noop("Vacant"),
    gettext_noop("Off market"),
    gettext_noop("Archived"),
    gettext_noop("For sale"),
    gettext_noop("For rent"),
    gettext_noop("Sale or rent"),
]
ORDERS = [
    ("newest", _("Newest first")),
    ("price", _("Lowest price first")),
    ("-price", _("Highest price first")),
    ("size", _("Smallest first")),
    ("-size", _("Largest first")),
    ("unit", _("By building and unit")),
]


@require_GET
@page(Capability.CRM_READ)
def units(request: HttpRequest) -> HttpResponse:
    """The units this member may see, filtered and sorted as the address asks; the bare address is one's default view."""
    if default := default_view(request, FilteredList.UNITS):
        return redirect(f"{request.path}?{default}")
    actor, asked = actor_of(request), request.GET
    listing = selectors.unit_list(actor=actor, asked=asked, after=asked.get("after", ""), limit=PAGE, counted=True)
    narrowed = UnitFilter(asked, queryset=Property.objects.none())
    choices = _choices(request)
    names = {name: dict(choices[name]) for name in ("project", "agent", "sheet")}
    projects = narrowed.form.cleaned_data.get("project") if narrowed.is_valid() else None
    return render(
        request,
        "crm/units.html",
        {
            "here": "units",
            "rows": listing.rows,
            "next_cursor": listing.next,
            "count": listing.count,
            "counted_to": selectors.COUNTED_TO,
            "search": asked.get("q", ""),
            "chips": chips(narrowed, asked, names),
            "errors": narrowed.form.errors,
            "views": views(request, FilteredList.UNITS),
            "sort": asked.get("sort", "") if asked.get("sort", "") in UNIT_ORDERS else "newest",
            "orders": ORDERS,
            "places": selectors.place_names(actor, projects or ()),
            "statuses": PropertyStatus.choices,
            "purposes": Purpose.choices,
            "chosen": {name: asked.getlist(name) for name in ("status", "project")},
            "choices": choices,
        },
    )


def _choices(request: HttpRequest) -> dict[str, list[tuple[int, str]]]:
    """Projects, agents and sheets to choose from, as far as this member sees; sheets for who may list them. Three queries."""
    actor = actor_of(request)
    projects = Project.objects.visible_to(actor).order_by("number").values_list("pk", "number", "name")[:MOST_CHOICES]
    agents: Any = Agent.objects.visible_to(actor).order_by("name").values_list("pk", "name")[:MOST_CHOICES]
    sheets: Any = Spreadsheet.objects.visible_to(actor).filter(table="crm.units").order_by("name", "pk")
    if not actor.can(Capability.SHEETS_IMPORT):
        sheets = sheets.none()
    return {
        "project": [(pk, f"{number} {name}") for pk, number, name in projects],
        "agent": list(agents),
        "sheet": list(sheets.values_list("pk", "name")[:MOST_CHOICES]),
    }
