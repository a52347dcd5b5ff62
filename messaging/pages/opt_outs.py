"""Who said stop: the list, and where an agent writes down that somebody said it to him."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.actors import Actor
from core.doors import page
from core.errors import DomainError, NotFound
from core.roles import Capability
from crm.models import Contact
from crm.pages import listed
from crm.selectors import masked
from messaging import services
from messaging.models import OptOut
from messaging.models.intake import OptOutScope, OptOutSource

PAGE = 50
LONGEST = 2_000


def listed_opt_outs(actor: Actor, asked: str) -> QuerySet[OptOut]:
    """What `opt-outs/?<asked>` shows to this actor, newest first."""
    query = QueryDict(asked[:LONGEST])
    rows: QuerySet[OptOut] = OptOut.objects.visible_to(actor).order_by("-pk")
    text = query.get("q", "").strip()[:200]
    if text:
        rows = rows.said_by(text, actor.organization.country)  # type: ignore[attr-defined]
    if query.get("scope") in OptOutScope.values:
        rows = rows.filter(scope=query["scope"])
    if query.get("source") in OptOutSource.values:
        rows = rows.filter(source=query["source"])
    return rows


listed.register("opt-outs", listed_opt_outs)


@require_GET
@page(Capability.CONVERSATIONS_READ)
def opt_outs(request: HttpRequest) -> HttpResponse:
    """Everybody who said stop whom this member may see, with how and when."""
    actor, before = _actor(request), request.GET.get("before", "")
    rows = listed_opt_outs(actor, request.GET.urlencode())
    if before.isdecimal() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.select_related("contact", "point")[: PAGE + 1])
    context = {
        "here": "opt-outs",
        "rows": [(each, masked(each.point.kind, each.point.value) if each.point else "") for each in found[:PAGE]],
        "next_cursor": found[PAGE - 1].pk if len(found) > PAGE else None,
        "search": request.GET.get("q", ""),
        "scope": request.GET.get("scope", ""),
        "source": request.GET.get("source", ""),
        "scopes": OptOutScope.choices,
        "sources": OptOutSource.choices,
    }
    return render(request, "messaging/opt_outs.html", context)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def opt_out(request: HttpRequest, contact_id: int) -> HttpResponse:
    """A person told the member to stop: kept at once, for everybody here."""
    actor, scope = _actor(request), request.POST.get("scope", "")
    contact = Contact.objects.visible_to(actor).filter(pk=contact_id).first()
    if contact is None:
        raise NotFound(_("There is no such contact here."))
    try:
        services.record_opt_out(
            actor=actor,
            contact=contact,
            scope=OptOutScope(scope) if scope in OptOutScope.values else OptOutScope.MARKETING,
            said=request.POST.get("said", "").strip(),
            at=timezone.now(),
        )
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Kept. Only they can undo it, by writing START."))
    return redirect("owner", actor.organization.slug, contact_id)


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
