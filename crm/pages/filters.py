"""What the pages of filtered lists share: what stands in the address as chips, and the views that members keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.doors import page
from core.errors import DomainError, NotFound
from core.roles import Capability
from crm import services
from crm.filtering import OwnerFilter, UnitFilter
from crm.models import SavedFilter
from crm.models.search import FilteredList, SharedWith
from crm.pages.asking import actor_of

FILTERS: dict[str, Any] = {FilteredList.UNITS: UnitFilter, FilteredList.OWNERS: OwnerFilter}
NEVER_NAMED = {"q", "after", "sort", "view", "all"}


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter of the address; `without` is the address that has it no more. `wrong` says why it is passed over."""

    label: str
    value: str
    without: str
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class View:
    saved: SavedFilter
    address: str
    is_here: bool
    is_mine: bool
    is_changed: bool


def chips(narrowed: Any, asked: QueryDict, names: Mapping[str, Mapping[int, str]]) -> list[Chip]:
    """Every filter in the address. `names` says what the keys of other rows are called; a key without one is gone."""
    found = []
    for name, bound in narrowed.form.fields.items():
        if name in NEVER_NAMED:
            continue
        errors = narrowed.form.errors.get(name)
        for value in _values(asked, name):
            words, wrong = value, " ".join(errors) if errors else ""
            if name in names and not errors:
                words = names[name].get(int(value), "")
                wrong = "" if words else _("It is not there any more, or not yours to see.")
                words = words or value
            elif choices := dict(getattr(bound, "choices", ())):
                words = str(choices.get(value, value))
            found.append(Chip(str(bound.label), words, _without(asked, name, value), wrong))
    return found


def views(request: HttpRequest, name: str) -> list[View]:
    """The saved views of this list that the member may use, own ones first. One query."""
    actor, asked = actor_of(request), kept(request.GET, name)
    here = request.GET.get("view", "")
    found = []
    for saved in SavedFilter.objects.visible_to(actor).filter(list=name).order_by("name", "pk")[:100]:
        address = QueryDict(mutable=True)
        for parameter, values in saved.parameters.items():
            address.setlist(parameter, values)
        address["view"] = str(saved.pk)
        is_mine = actor.membership is not None and saved.membership_id == actor.membership.pk
        is_here = here == str(saved.pk)
        found.append(View(saved, address.urlencode(), is_here, is_mine, is_here and asked != saved.parameters))
    return sorted(found, key=lambda view: not view.is_mine)


def default_view(request: HttpRequest, name: str) -> str:
    """Where the list's bare address leads this member; "" when nowhere."""
    if request.GET:
        return ""
    own = [view for view in views(request, name) if view.is_mine and view.saved.is_default]
    return own[0].address if own else ""


def kept(asked: QueryDict, name: str) -> dict[str, list[str]]:
    """What of an address makes a view: its filters and its order, not the page."""
    known = {*FILTERS[name].base_filters, "sort"}
    return {
        key: values for key in sorted(known & set(asked)) if (values := [each for each in asked.getlist(key) if each])
    }


@require_POST
@page(Capability.CRM_READ)
def save(request: HttpRequest, name: str) -> HttpResponse:
    """Keep the present filters under a name, or what has changed of a view."""
    if name not in FILTERS:
        raise NotFound(_("There is no such list."))
    actor, asked = actor_of(request), QueryDict(request.POST.get("asked", "")[:2_000])
    row = _own(request, request.POST["view"]) if request.POST.get("view") else None
    try:
        if row is not None:
            saved = services.update_filter(actor=actor, saved=row, parameters=kept(asked, name))
        else:
            saved = services.save_filter(
                actor=actor,
                list=name,
                name=request.POST.get("name", ""),
                parameters=kept(asked, name),
                shared_with=_shared(request),
                is_default="is_default" in request.POST,
            )
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect(f"{_list(request, name)}?{asked.urlencode()}")
    messages.success(request, _("The view is kept."))
    shown = asked.copy()
    shown["view"] = str(saved.pk)
    return redirect(f"{_list(request, name)}?{shown.urlencode()}")


@require_POST
@page(Capability.CRM_READ)
def change(request: HttpRequest, view_id: int) -> HttpResponse:
    """Rename, share, make it the default; or delete, which is asked for by a second press."""
    actor, saved = actor_of(request), _own(request, str(view_id))
    address = _list(request, saved.list)
    try:
        if "delete" in request.POST:
            services.delete_filter(actor=actor, saved=saved)
            messages.success(request, _("The view is deleted; the list itself is as it was."))
            return redirect(f"{address}?all=1")
        services.update_filter(
            actor=actor,
            saved=saved,
            name=request.POST.get("name", saved.name),
            shared_with=_shared(request),
            is_default="is_default" in request.POST,
        )
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Saved."))
    parameters = QueryDict(mutable=True)
    for name, values in saved.parameters.items():
        parameters.setlist(name, values)
    parameters["view"] = str(saved.pk)
    return redirect(f"{address}?{parameters.urlencode()}")


def _own(request: HttpRequest, key: str) -> SavedFilter:
    actor = actor_of(request)
    rows = SavedFilter.objects.visible_to(actor).filter(membership=actor.membership)
    found: SavedFilter | None = rows.filter(pk=int(key)).first() if key.isdecimal() and len(key) < 19 else None
    if found is None:
        raise NotFound(_("There is no such view of yours."))
    return found


def _shared(request: HttpRequest) -> str:
    given = request.POST.get("shared_with", "")
    return given if given in SharedWith.values else SharedWith.NOBODY


def _list(request: HttpRequest, name: str) -> str:
    return f"/o/{actor_of(request).organization.slug}/{name}/"


def _values(asked: QueryDict, name: str) -> list[str]:
    given = [each.strip() for each in asked.getlist(name) if each.strip()]
    return [part for each in given for part in each.split(",") if part] if name == "project" else given


def _without(asked: QueryDict, name: str, value: str) -> str:
    left = asked.copy()
    left.setlist(name, [each for each in _values(asked, name) if each != value])
    for other in ("after", *([name] if not left.getlist(name) else [])):
        left.pop(other, None)
    return left.urlencode() or "all=1"
