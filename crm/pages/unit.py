"""One unit: what it is, whose it is, and the way to its owner."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.doors import page
from core.errors import NotFound
from core.roles import Capability
from crm import selectors, services
from crm.pages.asking import actor_of


@require_GET
@page(Capability.CRM_READ)
def unit(request: HttpRequest, unit_id: int) -> HttpResponse:
    """One unit with its owners, their numbers hidden until somebody asks."""
    found = selectors.unit_page(actor=actor_of(request), unit_id=unit_id, at=timezone.now())
    return render(request, "crm/unit.html", {"here": "units", "found": found, "unit": found.unit})


@require_POST
@page(Capability.CRM_READ)
def disclosure(request: HttpRequest, unit_id: int, contact_id: int) -> HttpResponse:
    """Show an owner's numbers: asked for one by one, counted, and kept with the name of who asked."""
    actor, at = actor_of(request), timezone.now()
    found = selectors.unit_page(actor=actor, unit_id=unit_id, at=at)
    owner = next((each.contact for each in found.owners if each.contact.pk == contact_id), None)
    if owner is None:
        raise NotFound(_("There is no such owner of this unit."))
    services.disclose_owner_number(actor=actor, contact=owner, reason=f"Unit {found.unit.label}", at=at)
    answer = redirect("unit", actor.organization.slug, unit_id)
    answer["Location"] += f"#owner-{contact_id}"
    return answer
