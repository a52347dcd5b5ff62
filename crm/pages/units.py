"""The list of units, for agents."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from core.doors import page
from core.roles import Capability
from crm import selectors
from crm.models.stock import PropertyStatus
from crm.pages.asking import actor_of, number_in

PAGE = 40
# The labels of statuses as the models have them: named here so that translators meet them.
LABELS = [
    gettext_noop("Available"),
    gettext_noop("Reserved"),
    gettext_noop("Sold"),
    gettext_noop("Rented"),
    gettext_noop("Vacant"),
    gettext_noop("Off market"),
    gettext_noop("Archived"),
]


@require_GET
@page(Capability.CRM_READ)
def units(request: HttpRequest) -> HttpResponse:
    """The units this member may see, searched by whatever they are called by."""
    actor = actor_of(request)
    search = request.GET.get("q", "").strip()
    project, status = number_in(request.GET.get("project", "")), request.GET.get("status", "")
    status = status if status in PropertyStatus.values else ""
    listing = selectors.unit_list(
        actor=actor,
        search=search,
        project=project,
        status=status,
        before=number_in(request.GET.get("before", "")),
        limit=PAGE,
    )
    asked = {"q": search, "project": project or "", "status": status}
    context = {
        "here": "units",
        "rows": listing.rows,
        "next_cursor": listing.next,
        "search": search,
        "project": project,
        "status": status,
        "statuses": PropertyStatus.choices,
        "projects": [row.project for row in selectors.project_list(actor=actor)],
        "list_query": urlencode({name: value for name, value in asked.items() if value}),
    }
    return render(request, "crm/units.html", context)
