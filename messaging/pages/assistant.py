"""A member's own phones and the assistant: connecting one, taking it off, what can be asked, what was asked lately."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.actors import Actor
from core.doors import page
from core.errors import DomainError, NotFound
from core.roles import Capability
from messaging.models import AssistantLine, AssistantTurn, MemberNumber
from messaging.services import assistant as services

SHOWN = 20


@require_http_methods(["GET", "POST"])
@page(Capability.CRM_READ)
def assistant(request: HttpRequest) -> HttpResponse:
    """POST shows a code once, on the page that answers: it is kept nowhere but as a digest."""
    actor, code = _actor(request), ""
    if request.method == "POST":
        try:
            code = services.ask_code(actor=actor, at=timezone.now())
        except DomainError as refusal:
            messages.error(request, refusal.message)
    line = AssistantLine.objects.visible_to(actor).select_related("channel").order_by("pk").first()
    turns = AssistantTurn.objects.visible_to(actor).filter(membership=actor.membership).select_related("message")
    context: dict[str, Any] = {
        "here": "profile",
        "line": line,
        "code": f"LINK {code[:4]} {code[4:]}" if code else "",
        "minutes": services.CODE_LIVES.seconds // 60,
        "numbers": MemberNumber.objects.verified().filter(organization=actor.organization, membership=actor.membership),
        "turns": turns.order_by("-pk")[:SHOWN],
    }
    if line is not None:
        digits = "".join(filter(str.isdigit, line.channel.display_number))
        context["chat"] = f"https://wa.me/{digits}" + (f"?text={quote(context['code'])}" if code else "")
    return render(request, "messaging/assistant.html", context)


@require_POST
@page(Capability.CRM_READ)
def forgetting(request: HttpRequest, number_id: int) -> HttpResponse:
    """A phone is answered no more."""
    actor = _actor(request)
    number = MemberNumber.objects.visible_to(actor).filter(pk=number_id).first()
    if number is None:
        raise NotFound(_("There is no such phone here."))
    services.forget_number(actor=actor, number=number, at=timezone.now())
    messages.success(request, _("This phone is not answered any more."))
    return redirect("assistant", actor.organization.slug)


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
