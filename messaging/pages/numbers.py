"""The WhatsApp numbers of a house, for those who lead it: how each is, and what to do."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from core.actors import Actor
from core.doors import page
from core.errors import DomainError
from core.roles import Capability
from crm.pages import listed
from messaging import selectors, services
from messaging.models import Channel

LONGEST = 2_000
MOST = 200
STATES = [
    ("connected", gettext_lazy("Connected")),
    ("trouble", gettext_lazy("Needs somebody")),
    ("blocked", gettext_lazy("Blocked")),
]
WHOSE = [("house", gettext_lazy("Of the office")), ("agents", gettext_lazy("Of agents"))]


def listed_numbers(actor: Actor, asked: str) -> QuerySet[Channel]:
    """What `whatsapp/numbers/?<asked>` shows to this actor."""
    query = QueryDict(asked[:LONGEST])
    return selectors.filtered_numbers(
        actor=actor,
        search=query.get("q", "").strip()[:100],
        state=query.get("state", ""),
        whose=query.get("whose", ""),
    )


listed.register("whatsapp-numbers", listed_numbers)


@require_GET
@page(Capability.CHANNELS_READ)
def numbers(request: HttpRequest) -> HttpResponse:
    """Every number that this member may know of; those that need somebody stand out."""
    actor = _actor(request)
    channels = list(listed_numbers(actor, request.GET.urlencode())[:MOST])
    context = {
        "here": "whatsapp",
        "tab": "numbers",
        "rows": selectors.number_cards(actor=actor, channels=channels, at=timezone.now()),
        "search": request.GET.get("q", ""),
        "state": request.GET.get("state", ""),
        "whose": request.GET.get("whose", ""),
        "states": STATES,
        "whose_choices": WHOSE,
    }
    return render(request, "messaging/numbers.html", context)


@require_GET
@page(Capability.CHANNELS_READ)
def number(request: HttpRequest, channel_id: int) -> HttpResponse:
    """One number: what the last check found, its limits, and everything that WhatsApp told of it."""
    actor, before = _actor(request), request.GET.get("before", "")
    row = selectors.number_card(actor=actor, channel_id=channel_id, at=timezone.now())
    cursor = int(before) if before.isdecimal() and len(before) < 19 else None
    events, next_cursor = selectors.history(actor=actor, channel=row.channel, before=cursor)
    context = {
        "here": "whatsapp",
        "tab": "numbers",
        "row": row,
        "events": events,
        "next_cursor": next_cursor,
        "same_app": selectors.same_app(actor=actor, channel=row.channel),
        "webhook_address": request.build_absolute_uri(f"/webhooks/whatsapp/{actor.organization.slug}/"),
    }
    return render(request, "messaging/number.html", context)


@require_POST
@page(Capability.CHANNELS_CHECK)
def number_check(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Ask WhatsApp now."""
    actor = _actor(request)
    row = selectors.number_card(actor=actor, channel_id=channel_id, at=timezone.now())
    trouble = services.check_channel(actor=actor, channel=row.channel, at=timezone.now())
    if trouble:
        messages.warning(request, trouble)
    else:
        messages.success(request, _("WhatsApp says that this number works."))
    return redirect("whatsapp-number", actor.organization.slug, channel_id)


@require_POST
@page(Capability.CHANNELS_CHECK)
def number_appeal(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Somebody asked WhatsApp to lift the block, or heard that it will not."""
    actor, at = _actor(request), timezone.now()
    row = selectors.number_card(actor=actor, channel_id=channel_id, at=at)
    try:
        if request.POST.get("outcome") == "refused":
            services.close_appeal(actor=actor, channel=row.channel, at=at)
            messages.success(request, _("Kept: this number is blocked for good."))
        else:
            services.appeal_block(actor=actor, channel=row.channel, reason=request.POST.get("note", ""), at=at)
            messages.success(request, _("Kept. A check that finds the number well ends it by itself."))
    except DomainError as refusal:
        messages.error(request, refusal.message)
    return redirect("whatsapp-number", actor.organization.slug, channel_id)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def number_request(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Ask somebody whom we know by a WhatsApp user id only for the number: one tap of theirs gives it."""
    actor = _actor(request)
    found = selectors.conversation(actor=actor, conversation_id=conversation_id)
    asked = {
        "type": "request_contact_info",
        "body": {"text": _("May we have your phone number, so that we can call you?")},
        "action": {},
    }
    try:
        services.send_interactive(
            actor=actor,
            conversation=found,
            interactive=asked,
            client_request_id=request.POST.get("client_request_id", "") or uuid.uuid4().hex,
            at=timezone.now(),
        )
    except DomainError as refusal:
        messages.error(request, refusal.message)
    return redirect("conversation", actor.organization.slug, conversation_id)


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
