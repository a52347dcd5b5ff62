"""Changing many rows: what to do, what would become of them, yes, how far it is, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.actors import Actor
from core.doors import page
from core.errors import DomainError, NotFound
from core.middleware import status_of
from core.roles import Capability
from crm import selectors
from crm.models import Agent, BulkChange, Contact, Project, Property
from crm.models.bulk import BulkNoun, BulkStatus
from crm.models.stock import PropertyStatus
from crm.pages.asking import actor_of, number_in
from crm.pages.filters import FILTERS, Chip, chips
from crm.pages.listed import LONGEST, listed
from crm.services import bulk

NOUNS = {"units": BulkNoun.UNIT, "owners": BulkNoun.CONTACT}
LISTS = {BulkNoun.UNIT: "units", BulkNoun.CONTACT: "owners"}
TICKED = 200  # so many rows can be left out one by one


@require_GET
@page(Capability.STOCK_WRITE)
def changes(request: HttpRequest) -> HttpResponse:
    """The latest changes of many rows."""
    rows = selectors.bulk_changes(actor=actor_of(request))
    return render(request, "crm/bulk_changes.html", {"here": "units", "rows": rows})


@require_POST
@page(Capability.STOCK_WRITE)
def choose(request: HttpRequest, name: str) -> HttpResponse:
    """Those that were ticked in a list, or, when that is said, all that its filters leave."""
    actor, asked = actor_of(request), request.POST.get("asked", "")[:LONGEST]
    if name not in NOUNS:
        raise NotFound(_("There is no such list."))
    rows = listed(actor, name, asked)
    filters = {key: values[0] if len(values) == 1 else values for key, values in QueryDict(asked).lists()}
    if request.POST.get("which") != "all":
        ticked = [pk for text in request.POST.getlist("row") if (pk := number_in(text)) is not None]
        if not ticked:
            messages.error(request, _("Tick the rows first, or change all of them."))
            return redirect(f"{reverse(name, args=[actor.organization.slug])}?{asked}")
        rows = rows.filter(pk__in=ticked)
    try:
        change = bulk.choose_rows(actor=actor, noun=NOUNS[name], rows=rows, filters=filters)
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect(f"{reverse(name, args=[actor.organization.slug])}?{asked}")
    return redirect("bulk-change", actor.organization.slug, change.pk)


@require_GET
@page(Capability.STOCK_WRITE)
def change(request: HttpRequest, change_id: int) -> HttpResponse:
    """Where it stands. While a worker is at it the page looks again by itself."""
    return _shown(request, change_id)


@require_POST
@page(Capability.STOCK_WRITE)
def preview(request: HttpRequest, change_id: int) -> HttpResponse:
    """What would become of every row."""
    found, actor = _found(request, change_id), actor_of(request)
    keep = [pk for text in request.POST.getlist("row") if (pk := number_in(text)) is not None]
    narrows, action = request.POST.get("ticked") == "1", request.POST.get("action", "")
    given = {name.removeprefix(f"{action}_"): value for name, value in request.POST.items()}
    try:
        foreseen = bulk.preview_change(
            actor=actor,
            change=found,
            action=action,
            given=given,
            keep=keep if narrows else None,
        )
    except DomainError as refusal:
        return _shown(request, change_id, error=refusal.message, code=status_of(refusal))
    return _shown(request, change_id, foreseen=foreseen)


@require_POST
@page(Capability.STOCK_WRITE)
def confirmation(request: HttpRequest, change_id: int) -> HttpResponse:
    """Yes. A second press finds it running, or done."""
    try:
        bulk.confirm_change(
            actor=actor_of(request),
            change=_found(request, change_id),
            seen=request.POST.get("seen", ""),
            at=timezone.now(),
        )
    except DomainError as refusal:
        messages.info(request, refusal.message)
    return redirect("bulk-change", actor_of(request).organization.slug, change_id)


@require_POST
@page(Capability.STOCK_WRITE)
def undoing(request: HttpRequest, change_id: int) -> HttpResponse:
    """Set back what nobody has changed since."""
    try:
        bulk.undo_change(actor=actor_of(request), change=_found(request, change_id), at=timezone.now())
    except DomainError as refusal:
        messages.info(request, refusal.message)
    return redirect("bulk-change", actor_of(request).organization.slug, change_id)


def _shown(
    request: HttpRequest, change_id: int, *, foreseen: bulk.Foreseen | None = None, error: str = "", code: int = 200
) -> HttpResponse:
    actor = actor_of(request)
    found = selectors.bulk_page(actor=actor, change_id=change_id)
    asking = found.change.status in (BulkStatus.DRAFT, BulkStatus.PREVIEWED) and foreseen is None
    context: dict[str, Any] = {
        "here": LISTS[BulkNoun(found.change.noun)],
        "list": reverse(LISTS[BulkNoun(found.change.noun)], args=[actor.organization.slug]),
        "filters": _filters(actor, found.change),
        "found": found,
        "change": found.change,
        "foreseen": foreseen,
        "error": error,
        "given": request.POST,
        "asking": asking,
        "at_work": found.change.status in (BulkStatus.RUNNING, BulkStatus.UNDOING),
    }
    if asking:
        context |= {
            "actions": bulk.actions_for(actor, found.change.noun),
            "statuses": PropertyStatus.choices,
            "projects": Project.objects.visible_to(actor).order_by("number")[:500],
            "agents": Agent.objects.visible_to(actor).filter(status="active").order_by("name")[:500],
            "rows": _rows(actor, found.change) if found.total <= TICKED else [],
        }
    return render(request, "crm/bulk_change.html", context, status=code)


def _rows(actor: Any, change: BulkChange) -> list[tuple[int, str]]:
    """What was chosen, to leave some out."""
    if change.noun == BulkNoun.UNIT:
        units = Property.objects.visible_to(actor).filter(pk__in=change.ids).order_by("-pk")
        return [(unit.pk, unit.label) for unit in units]
    contacts = Contact.objects.visible_to(actor).filter(pk__in=change.ids).order_by("-pk")
    return list(contacts.values_list("pk", "display_name"))


def _filters(actor: Actor, change: BulkChange) -> list[Chip]:
    """By what the rows were chosen, in the words of the list. One query when projects are named."""
    asked = QueryDict(mutable=True)
    for name, value in change.filters.items():
        asked.setlist(name, value if isinstance(value, list) else [str(value)])
    names = {"project": dict(Project.objects.visible_to(actor).values_list("pk", "name"))} if "project" in asked else {}
    narrowed = FILTERS[LISTS[BulkNoun(change.noun)]](
        asked, queryset=(Property if change.noun == BulkNoun.UNIT else Contact).objects.none()
    )
    searched = [Chip(_("Search"), str(asked["q"]), "")] if asked.get("q") else []
    return searched + chips(narrowed, asked, names)


def _found(request: HttpRequest, change_id: int) -> BulkChange:
    found: BulkChange | None = BulkChange.objects.visible_to(actor_of(request)).filter(pk=change_id).first()
    if found is None:
        raise NotFound(_("There is no such change here."))
    return found
