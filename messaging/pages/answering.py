"""Everything that is done in a thread. Every form works without script, and once however often it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.actors import Actor
from core.doors import page
from core.errors import DomainError, Invalid, NotFound
from core.roles import Capability
from messaging import live, media, presence, selectors, services
from messaging.models import Conversation, Message
from messaging.pages.shown import (
    acting,
    assignable,
    is_fetch,
    number,
    refused,
    snooze_times,
    thread_context,
    to_thread,
)

MOST_REPLIES = 8
MOST_AT_ONCE = 100


@require_http_methods(["GET", "POST"])
@page(Capability.CONVERSATIONS_READ)
def thread_messages(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """GET: the piece of the thread that the script asks for. POST: a text or a file, once for each client_request_id."""
    actor = acting(request)
    found = selectors.conversation(actor=actor, conversation_id=conversation_id)
    if request.method == "GET":
        if not is_fetch(request):
            return redirect("conversation", actor.organization.slug, found.pk)
        return render(request, "messaging/_messages_fragment.html", thread_context(request, found))
    try:
        sent = _send(request, actor, found)
    except DomainError as error:
        return refused(request, found, error, draft=request.POST.get("body", ""))
    if is_fetch(request):
        context = {**thread_context(request, found), "sent": sent}
        return render(request, "messaging/_messages_fragment.html", context, status=201)
    return to_thread(found, anchor=f"#message-{sent.pk}")


def _send(request: HttpRequest, actor: Actor, found: Conversation) -> Message:
    quoted_id = number(request.POST.get("quoted", ""))
    quoted = selectors.message(actor=actor, message_id=quoted_id) if quoted_id else None
    seen = number(request.POST.get("seen", ""))
    body = request.POST.get("body", "").replace("\r\n", "\n")
    request_id, at = request.POST.get("client_request_id", ""), timezone.now()
    file = request.FILES.get("file")
    if file is None:
        return services.send_text(
            actor=actor,
            conversation=found,
            body=body,
            client_request_id=request_id,
            quoted=quoted,
            seen_message_id=seen,
            at=at,
        )
    media.require_size("document", file.size or 0)  # before it is read into memory; the kind has its own limit
    return services.send_media(
        actor=actor,
        conversation=found,
        upload=services.Upload(content=file.read(), name=file.name or ""),
        client_request_id=request_id,
        caption=body,
        quoted=quoted,
        seen_message_id=seen,
        at=at,
    )


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def template_messages(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Send a template with its variables filled in; allowed when the window is closed."""
    actor = acting(request)
    found = selectors.conversation(actor=actor, conversation_id=conversation_id)
    usable = selectors.usable_templates(actor=actor, channel=found.channel)
    chosen = next((each for each in usable if str(each.pk) == request.POST.get("template")), None)
    prefix = "variable:"
    try:
        if chosen is None:
            raise NotFound(_("This template can no longer be sent; choose another."))
        services.send_template(
            actor=actor,
            conversation=found,
            template=chosen,
            parameters={
                name.removeprefix(prefix): str(value) for name, value in request.POST.items() if name.startswith(prefix)
            },
            client_request_id=request.POST.get("client_request_id", ""),
            at=timezone.now(),
        )
    except DomainError as error:
        return refused(request, found, error)
    return to_thread(found)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def reading(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """The member has the thread before his eyes: its messages are read, and the person sees blue ticks."""
    found = selectors.conversation(actor=acting(request), conversation_id=conversation_id)
    services.mark_read(actor=acting(request), conversation=found, at=timezone.now())
    return HttpResponse(status=204) if is_fetch(request) else to_thread(found)


@require_POST
@page(Capability.CONVERSATIONS_ASSIGN)
def assignment(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Hand a conversation to somebody, or to nobody."""
    actor = acting(request)
    found = selectors.conversation(actor=actor, conversation_id=conversation_id)
    wanted = number(request.POST.get("membership", ""))
    membership = assignable(actor).filter(pk=wanted).first() if wanted else None
    try:
        if wanted and membership is None:
            raise NotFound(_("There is no such member here."))
        services.assign_conversation(
            actor=actor,
            conversation=found,
            membership=membership,
            seen_assignee_id=number(request.POST.get("seen", "")),
            at=timezone.now(),
        )
    except DomainError as error:
        return refused(request, found, error)
    messages.success(
        request, _("%(name)s answers now.") % {"name": membership.user.name if membership else _("Nobody")}
    )
    still_mine = Conversation.objects.visible_to(actor).filter(pk=found.pk).exists()
    return to_thread(found) if still_mine else redirect("inbox", actor.organization.slug)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def closure(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """This talk is done, until the person writes again."""
    found = selectors.conversation(actor=acting(request), conversation_id=conversation_id)
    try:
        services.close_conversation(actor=acting(request), conversation=found, at=timezone.now())
    except DomainError as error:
        return refused(request, found, error)
    messages.success(request, _("Closed. It opens again when the person writes."))
    return redirect("inbox", found.organization.slug)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def reopening(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Take a closed conversation up again."""
    found = selectors.conversation(actor=acting(request), conversation_id=conversation_id)
    try:
        services.reopen_conversation(actor=acting(request), conversation=found, at=timezone.now())
    except DomainError as error:
        return refused(request, found, error)
    return to_thread(found)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def reaction(request: HttpRequest, conversation_id: int, message_id: int) -> HttpResponse:
    """React to a message; without an emoji the reaction is taken back."""
    target = selectors.message(actor=acting(request), message_id=message_id)
    request_id = request.POST.get("client_request_id", "")
    emoji = request.POST.get("emoji", "")
    found = _found(request, conversation_id)
    return _doing(request, found, services.send_reaction, message=target, emoji=emoji, client_request_id=request_id)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def notes(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Leave a note for colleagues; it never leaves the house."""
    body = request.POST.get("body", "").replace("\r\n", "\n")
    request_id = request.POST.get("client_request_id", "")
    found = _found(request, conversation_id)
    return _doing(request, found, services.write_note, body=body, client_request_id=request_id)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def settlement(request: HttpRequest, conversation_id: int, message_id: int) -> HttpResponse:
    """Nobody knew what became of it; now somebody has asked. "again" also sends it once more."""
    actor, found, at = acting(request), _found(request, conversation_id), timezone.now()
    message = selectors.message(actor=actor, message_id=message_id)
    verdict, request_id = request.POST.get("verdict", ""), request.POST.get("client_request_id", "")
    try:
        if verdict not in ("arrived", "again", "lost"):
            raise Invalid(_("Say whether it arrived."))
        with transaction.atomic():
            services.settle_unknown(actor=actor, message=message, has_arrived=verdict == "arrived", at=at)
            if verdict == "again":
                services.send_again(actor=actor, message=message, client_request_id=request_id, at=at)
    except DomainError as error:
        return refused(request, found, error)
    if request.POST.get("next") == "doubtful":
        return redirect("doubtful", actor.organization.slug)
    return _shown(request, found)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def copy(request: HttpRequest, conversation_id: int, message_id: int) -> HttpResponse:
    """Send what a failed message said once more."""
    actor, found = acting(request), _found(request, conversation_id)
    failed = selectors.message(actor=actor, message_id=message_id)
    request_id = request.POST.get("client_request_id", "")
    try:
        services.send_again(actor=actor, message=failed, client_request_id=request_id, at=timezone.now())
    except DomainError as error:
        return refused(request, found, error)
    return _shown(request, found)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def snooze(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Out of sight for a while; without a time it is back."""
    actor, found, at = acting(request), _found(request, conversation_id), timezone.now()
    until = snooze_times(actor, at).get(request.POST.get("until", ""))
    try:
        services.snooze_conversation(actor=actor, conversation=found, until=until, at=at)
    except DomainError as error:
        return refused(request, found, error)
    if until is None:
        return to_thread(found)
    messages.success(request, _("Put off. It comes back then, or when they write."))
    return redirect("inbox", actor.organization.slug)


@require_POST
@page(Capability.CONVERSATIONS_READ)
def being_here(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """The member looks at the thread, and perhaps writes: colleagues see it, and while one writes the person too."""
    actor, found = acting(request), _found(request, conversation_id)
    is_typing = request.POST.get("typing") == "1" and actor.can(Capability.CONVERSATIONS_REPLY)
    house, member = actor.organization.pk, actor.membership.pk if actor.membership else 0
    if request.POST.get("left"):
        presence.leave(organization_id=house, conversation_id=found.pk, membership_id=member)
        is_news = True
    else:
        is_news = presence.note(
            organization_id=house, conversation_id=found.pk, membership_id=member, is_typing=is_typing
        )
    if is_news:
        live.announce(organization_id=house, conversation_id=found.pk)
    if is_typing and request.POST.get("tell") == "1":
        services.show_typing(actor=actor, conversation=found, at=timezone.now())
    return HttpResponse(status=204)


@require_GET
@page(Capability.CONVERSATIONS_REPLY)
def replies_for(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Canned replies that fit what stands behind the slash, filled in for this person."""
    actor, found = acting(request), _found(request, conversation_id)
    fitting = selectors.canned_replies(actor=actor, search=request.GET.get("q", ""))[:MOST_REPLIES]
    shown = [
        {"shortcut": each.shortcut, "body": selectors.fill_in(each.body, actor=actor, contact=found.contact)}
        for each in fitting
    ]
    return JsonResponse({"replies": shown})


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def many(request: HttpRequest) -> HttpResponse:
    """Close or hand over those that were chosen, each by the service of its own page; says why some were not."""
    actor, at = acting(request), timezone.now()
    chosen = [int(each) for each in request.POST.getlist("conversation") if each.isdecimal()][:MOST_AT_ONCE]
    rows = list(Conversation.objects.visible_to(actor).filter(pk__in=chosen).order_by("pk"))
    wanted = number(request.POST.get("membership", ""))
    membership = assignable(actor).filter(pk=wanted).first() if wanted else None
    if wanted and membership is None:
        raise NotFound(_("There is no such member here."))
    done, reasons = 0, set()
    for row in rows:
        try:
            if request.POST.get("do") == "assign":
                services.assign_conversation(actor=actor, conversation=row, membership=membership, at=at)
            else:
                services.close_conversation(actor=actor, conversation=row, at=at)
            done += 1
        except DomainError as error:
            reasons.add(error.message)
    if done:
        said = ngettext("%(count)d conversation changed.", "%(count)d conversations changed.", done)
        messages.success(request, said % {"count": done})
    for reason in sorted(reasons):
        messages.warning(request, reason)
    box = request.POST.get("box", "")
    address = reverse("inbox", args=[actor.organization.slug])
    return HttpResponseRedirect(f"{address}?{urlencode({'box': box})}" if box else address)


def _found(request: HttpRequest, conversation_id: int) -> Conversation:
    return selectors.conversation(actor=acting(request), conversation_id=conversation_id)


def _doing(request: HttpRequest, found: Conversation, service: Callable[..., Message], **what: Any) -> HttpResponse:
    """Call the service; the thread as it is then, or why not."""
    try:
        made = service(actor=acting(request), conversation=found, at=timezone.now(), **what)
    except DomainError as error:
        return refused(request, found, error, draft=request.POST.get("body", ""))
    return _shown(request, found, made)


def _shown(request: HttpRequest, found: Conversation, made: Message | None = None) -> HttpResponse:
    if not is_fetch(request):
        return to_thread(found, anchor=f"#message-{made.pk}" if made else "")
    context = {**thread_context(request, found), "sent": made}
    return render(request, "messaging/_messages_fragment.html", context, status=201)
