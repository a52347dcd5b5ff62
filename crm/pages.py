"""Units, for agents: what there is, whose it is, and the way to its owner."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from core.actors import Actor
from core.doors import page
from core.errors import NotFound
from core.roles import Capability
from crm import selectors, services
from crm.models.stock import PropertyStatus

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
    actor = _actor(request)
    search = request.GET.get("q", "").strip()
    project, status = _number(request.GET.get("project", "")), request.GET.get("status", "")
    status = status if status in PropertyStatus.values else ""
    listing = selectors.unit_list(
        actor=actor,
        search=search,
        project=project,
        status=status,
        before=_number(request.GET.get("before", "")),
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


@require_GET
@page(Capability.CRM_READ)
def unit(request: HttpRequest, unit_id: int) -> HttpResponse:
    """One unit with its owners, their numbers hidden until somebody asks."""
    found = selectors.unit_page(actor=_actor(request), unit_id=unit_id, at=timezone.now())
    return render(request, "crm/unit.html", {"here": "units", "found": found, "unit": found.unit})


@require_POST
@page(Capability.CRM_READ)
def disclosure(request: HttpRequest, unit_id: int, contact_id: int) -> HttpResponse:
    """Show an owner's numbers: asked for one by one, counted, and kept with the name of who asked."""
    actor, at = _actor(request), timezone.now()
    found = selectors.unit_page(actor=actor, unit_id=unit_id, at=at)
    owner = next((each.contact for each in found.owners if each.contact.pk == contact_id), None)
    if owner is None:
        raise NotFound(_("There is no such owner of this unit."))
    services.disclose_owner_number(actor=actor, contact=owner, reason=f"Unit {found.unit.label}", at=at)
    answer = redirect("unit", actor.organization.slug, unit_id)
    answer["Location"] += f"#owner-{contact_id}"
    return answer


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
