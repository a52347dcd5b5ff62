"""Today and the inbox: what agents live in. Everything here works without script; with it, it is live."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core.doors import page
from core.errors import Invalid, NotFound
from core.roles import Capability
from crm import panels
from crm.models import Contact
from messaging import media, selectors, services
from messaging.errors import MediaNotFound
from messaging.models import Channel
from messaging.pages.shown import acting, list_context, number, thread_page, to_thread

TODAY_ROWS = 6


@require_GET
@page(None)
def today(request: HttpRequest) -> HttpResponse:
    """What needs me now."""
    actor = acting(request)
    context: dict[str, Any] = {"here": "today", "first_name": actor.user.name.split()[0] if actor.user else ""}
    if actor.can(Capability.CONVERSATIONS_READ):
        at = timezone.now()
        context |= {
            "counts": selectors.inbox_counts(actor=actor, at=at),
            "unanswered": selectors.inbox(actor=actor, needs="unanswered", limit=TODAY_ROWS, at=at).rows,
            "closing": selectors.inbox(actor=actor, needs="closing", limit=TODAY_ROWS, at=at).rows,
        }
    context["panels"] = panels.filled(panels.TODAY, actor, None)
    return render(request, "messaging/today.html", context)


@require_GET
@page(Capability.CONVERSATIONS_READ)
def inbox(request: HttpRequest) -> HttpResponse:
    """The list; on a desk with an empty place beside it."""
    return render(request, "messaging/inbox.html", list_context(request))


@require_GET
@page(Capability.CONVERSATIONS_READ)
def conversation(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """One thread, beside the list."""
    found = selectors.conversation(actor=acting(request), conversation_id=conversation_id)
    return thread_page(request, found)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def start(request: HttpRequest) -> HttpResponse:
    """Open the conversation with a contact: the one there is, or a new one from the first number that can send."""
    actor = acting(request)
    contact = Contact.objects.visible_to(actor).filter(pk=number(request.POST.get("contact", ""))).first()
    channels = Channel.objects.visible_to(actor).able_to_send().order_by("-owner", "pk")
    own = channels.filter(owner=actor.membership).first()
    channel = own or channels.filter(owner__isnull=True).first()
    if contact is None:
        raise NotFound(_("There is no such contact here."))
    if channel is None:
        raise Invalid(_("No WhatsApp number is connected. Ask an admin to connect one."))
    found = services.start_conversation(actor=actor, channel=channel, contact=contact, at=timezone.now())
    return to_thread(found)


@require_GET
@page(Capability.CONVERSATIONS_READ)
def media_of_message(request: HttpRequest, message_id: int) -> HttpResponse:
    """To the signed address of a message's file, made anew each time, as it lives five minutes."""
    actor = acting(request)
    found = selectors.message(actor=actor, message_id=message_id)
    if not found.media_file or actor.membership is None:
        raise MediaNotFound(_("The file of this message is not here."))
    address = media.address_of(
        organization_slug=actor.organization.slug, message_id=found.pk, membership_id=actor.membership.pk
    )
    return HttpResponseRedirect(address)


@require_GET
@page(Capability.CONVERSATIONS_READ)
def media_file(request: HttpRequest, token: str) -> HttpResponseBase:
    """The file itself: a signed address opens only for the member it was made for, and is checked again."""
    actor, ticket = acting(request), media.ticket_of(token)
    if actor.membership is None or ticket.membership_id != actor.membership.pk:
        raise MediaNotFound(_("This address was made for somebody else."))
    return media.response(selectors.message(actor=actor, message_id=ticket.message_id), request)
