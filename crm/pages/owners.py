"""One owner, or any contact: who it is, whether we may write, how to reach them, what they own."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from core.doors import page
from core.errors import DomainError, NotFound
from core.middleware import status_of
from core.roles import Capability
from crm import panels, selectors, services
from crm.models import Contact, ContactPoint
from crm.pages.asking import actor_of, to_survivor
from crm.pages.forms import ContactForm


@require_GET
@page(Capability.CRM_READ)
def owner(request: HttpRequest, contact_id: int) -> HttpResponse:
    """One contact. A merged one leads to the one that stayed."""
    try:
        return _shown(request, contact_id)
    except NotFound:
        onward = to_survivor(request, Contact.objects.all(), contact_id, "owner")
        if onward is None:
            raise
        return onward


@require_POST
@page(Capability.CRM_WRITE)
def change(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Name, language, tags, who looks after them."""
    actor, found = actor_of(request), _found(request, contact_id)
    form = ContactForm(actor, found, request.POST)
    if not form.is_valid():
        return _shown(request, contact_id, form, 422)
    try:
        services.update_contact(actor=actor, contact=found, **form.changes())
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return _shown(request, contact_id, form, status_of(refusal))
    messages.success(request, _("Saved.") if form.changes() else _("Nothing was different."))
    if not Contact.objects.visible_to(actor).filter(pk=contact_id).exists():
        return redirect("units", actor.organization.slug)  # given to a colleague: no longer one's own
    return redirect("owner", actor.organization.slug, contact_id)


@require_POST
@page(Capability.NUMBERS_ASK)
def disclosure(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Show the numbers of a contact: with a reason, counted, and kept with the name of who asked."""
    actor, found = actor_of(request), _found(request, contact_id)
    reason = request.POST.get("reason", "")
    try:
        points = services.disclose_owner_number(actor=actor, contact=found, reason=reason, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        shown = ngettext(
            "%(count)d number or address is shown.", "%(count)d numbers and addresses are shown.", len(points)
        )
        messages.success(request, shown % {"count": len(points)})
    return redirect("owner", actor.organization.slug, contact_id)


@require_POST
@page(Capability.CRM_WRITE)
def bad_contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Nobody is to write first, or they may again: both with a reason."""
    found, is_bad = _found(request, contact_id), request.POST.get("is_bad") == "1"
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.error(request, _("Say why, in a few words."))
    else:
        services.mark_bad_contact(actor=actor_of(request), contact=found, reason=reason, is_bad=is_bad)
        messages.success(
            request, _("Campaigns leave this contact out now.") if is_bad else _("Campaigns may write again.")
        )
    return redirect("owner", actor_of(request).organization.slug, contact_id)


@require_POST
@page(Capability.CRM_WRITE)
def do_not_contact(request: HttpRequest, point_id: int) -> HttpResponse:
    """They do not want to be reached at one number, or have changed their mind."""
    actor = actor_of(request)
    point: ContactPoint | None = ContactPoint.objects.visible_to(actor).filter(pk=point_id).first()
    if point is None:
        raise NotFound(_("There is no such number or address here."))
    reason, wanted = request.POST.get("reason", "").strip(), request.POST.get("lift") != "1"
    if not reason:
        messages.error(request, _("Say why, in a few words."))
    else:
        try:
            service = services.mark_do_not_contact if wanted else services.lift_do_not_contact
            service(actor=actor, point=point, reason=reason)
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("Nobody writes there any more.") if wanted else _("It may be used again."))
    return redirect("owner", actor.organization.slug, point.contact_id)


def _shown(request: HttpRequest, contact_id: int, form: ContactForm | None = None, code: int = 200) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    services.open_contact(actor=actor, contact=_found(request, contact_id), at=now)
    found = selectors.contact_page(actor=actor, contact_id=contact_id, at=now)
    context: dict[str, Any] = {
        "here": "owners",
        "found": found,
        "contact": found.contact,
        "form": form or (ContactForm(actor, found.contact) if actor.can(Capability.CRM_WRITE) else None),
        "stopped": [point for point in found.points if point.status == "do_not_contact"],
        "usable": [point for point in found.points if point.status in ("valid", "unverified")],
        "timeline": selectors.steps(selectors.contact_history(actor=actor, contact_id=contact_id).rows),
        "marks": panels.marks_of(actor, [contact_id]).get(contact_id, []),
        "panels": panels.filled(panels.CONTACT, actor, found.contact),
    }
    return render(request, "crm/owner.html", context, status=code)


def _found(request: HttpRequest, contact_id: int) -> Contact:
    found: Contact | None = Contact.objects.visible_to(actor_of(request)).filter(pk=contact_id).first()
    if found is None:
        raise NotFound(_("There is no such contact here."))
    return found
