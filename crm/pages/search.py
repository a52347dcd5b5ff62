"""One box over everything."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from core.doors import page
from core.places import places
from core.roles import Capability
from crm import panels, selectors
from crm.pages.asking import actor_of

TITLES = {"units": _("Units"), "owners": _("Owners"), "projects": _("Projects"), "agents": _("Agents")}
KINDS = tuple(TITLES)


@require_GET
@page(Capability.CRM_READ)
def search(request: HttpRequest) -> HttpResponse:
    """The best of every kind, or many of one. What was searched before is kept in the browser alone."""
    text, kind = request.GET.get("q", ""), request.GET.get("kind", "")
    kinds = (kind,) if kind in KINDS else KINDS
    findings = selectors.search(
        actor=actor_of(request), text=text, kinds=kinds, each=50 if len(kinds) == 1 else 6, at=timezone.now()
    )
    owners = [hit.contact_id for group in findings.groups if group.kind == "owners" for hit in group.hits]
    marks = panels.marks_of(actor_of(request), owners)
    context = {
        "marks": marks,
        "here": "search",
        "places": [] if findings.is_too_short or kind in KINDS else places(actor_of(request), findings.asked),
        "findings": findings,
        "kind": kind if kind in KINDS else "",
        "titles": TITLES.items(),
    }
    return render(request, "crm/search.html", context)
