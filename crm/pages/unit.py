"""One unit: what it is, whose it is, where it comes from, and what an owner says of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.doors import page
from core.errors import DomainError, NotFound
from core.middleware import status_of
from core.roles import Capability
from crm import panels, selectors, services
from crm.models import Property
from crm.pages.asking import actor_of, to_survivor
from crm.pages.forms import UnitForm
from crm.pages.listed import LONGEST, listed_units


@require_GET
@page(Capability.CRM_READ)
def unit(request: HttpRequest, unit_id: int) -> HttpResponse:
    """One unit with its owners, their numbers hidden until somebody asks. A merged one leads to the one that stayed."""
    try:
        return _shown(request, unit_id)
    except NotFound:
        onward = to_survivor(request, Property.objects.all(), unit_id, "unit")
        if onward is None:
            raise
        return onward


@require_POST
@page(Capability.CRM_WRITE)
def change(request: HttpRequest, unit_id: int) -> HttpResponse:
    """What the owner said: status, price and the like. A refusal keeps what was typed."""
    actor = actor_of(request)
    found = Property.objects.visible_to(actor).filter(pk=unit_id).first()
    if found is None:
        raise NotFound(_("There is no such unit here."))
    form = UnitForm(found, request.POST)
    if not form.is_valid():
        return _shown(request, unit_id, form, 422)
    changes = form.changes()
    try:
        services.update_property(actor=actor, property=found, seen=form.cleaned_data["seen"], **changes)
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return _shown(request, unit_id, form, status_of(refusal))
    messages.success(request, _("Saved.") if changes else _("Nothing was different."))
    answer = redirect("unit", actor.organization.slug, unit_id)
    answer["Location"] += _list_in(request.POST.get("list", ""))
    return answer


@require_POST
@page(Capability.NUMBERS_ASK)
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


def _shown(request: HttpRequest, unit_id: int, form: UnitForm | None = None, status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    found = selectors.unit_page(actor=actor, unit_id=unit_id, at=timezone.now())
    asked = request.GET.get("list", request.POST.get("list", ""))
    context: dict[str, Any] = {
        "here": "units",
        "found": found,
        "unit": found.unit,
        "form": form or (UnitForm(found.unit) if actor.can(Capability.CRM_WRITE) else None),
        "sources": selectors.sources_of_unit(actor=actor, unit=found.unit, at=timezone.now()),
        "timeline": selectors.steps(selectors.unit_history(actor=actor, unit_id=unit_id).rows),
        "marks": panels.marks_of(actor, [each.contact.pk for each in found.owners]),
        "panels": panels.filled(panels.UNIT, actor, found.unit),
        "beside": selectors.neighbours(units=listed_units(actor, asked), unit=found.unit),
        "asked": asked,
    }
    return render(request, "crm/unit.html", context, status=status)


def _list_in(asked: str) -> str:
    """The list that the member came from, to be carried along in an address."""
    if not asked:
        return ""
    query = QueryDict(mutable=True)
    query["list"] = asked[:LONGEST]
    return f"?{query.urlencode()}"
