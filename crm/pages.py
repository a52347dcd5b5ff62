"""Units, for agents: what there is, whose it is, and the way to its owner."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core.doors import page
from core.roles import Capability


@require_GET
@page(Capability.CRM_READ)
def units(request: HttpRequest) -> HttpResponse:
    """The units this member may see."""
    return render(request, "crm/units.html", {"here": "units"})


@require_GET
@page(Capability.CRM_READ)
def unit(request: HttpRequest, property_id: int) -> HttpResponse:
    """One unit with its owners."""
    return render(request, "crm/unit.html", {"here": "units"})
