"""Today and the inbox: what agents live in. Everything here works without script; with it, it is live."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.actors import Actor
from core.doors import page
from core.errors import DomainError, Invalid, NotFound
from core.middleware import status_of
from core.models import Membership
from core.roles import CAPABILITIES, Capability, Reach
from crm import panels
from crm.models import Contact
from messaging import live, media, selectors, services, templates
from messaging.errors import MediaNotFound
from messaging.models import Channel, Conversation, Message, MessageTemplate
from messaging.models.conversations import ConversationStatus
from messaging.models.meanings import Intent, Sentiment
from messaging.selectors import OPEN, ThreadMessage

# Each view of the inbox: its name in the address, its label, and what it asks of the selector.
BOXES: list[tuple[str, Any, dict[str, Any]]] = [
    ("all", gettext_lazy("All"), {}),
    ("mine", gettext_lazy("Mine"), {"assigned": "me"}),
    ("unread", gettext_lazy("Unread"), {"unread": True}),
    ("unanswered", gettext_lazy("Unanswered"), {"needs": "unanswered"}),
    ("closing", gettext_lazy("Closing soon"), {"needs": "closing"}),
    ("unassigned", gettext_lazy("Unassigned"), {"assigned": "none"}),
    ("unhappy", gettext_lazy("Unhappy"), {"sentiment": Sentiment.NEGATIVE}),
    ("closed", gettext_lazy("Closed"), {"status": ConversationStatus.CLOSED}),
]
TODAY_ROWS = 6


@require_GET
@page(None)
def today(request: HttpRequest) -> HttpResponse:
    """What needs me now."""
    actor = _actor(request)
    context: dict[str, Any] = {"here": "today", "first_name": actor.user.name.split()[0] if actor.user else ""}
    if actor.can(Capability.CONVERSATIONS_READ):
        at = timezone.now()
        context |= {
            "counts": selectors.inbox_counts(actor=actor, at=at),
            "unanswered": selectors.inbox(actor=actor, needs="unanswered", limit=TODAY_ROWS, at=at).rows,
            "closing": selectors.inbox(actor=actor, needs="closing", limit=TODAY_ROWS, at=at).rows,
        }
    return render(request, "messaging/today.html", context)


@require_GET
@page(Capability.CONVERSATIONS_READ)
def inbox(request: HttpRequest) -> HttpResponse:
    """The list; on a desk with an empty place beside it."""
    return render(request, "messaging/inbox.html", _list_context(request))


@require_GET
@page(Capability.CONVERSATIONS_READ)
def conversation(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """One thread, beside the list."""
    found = selectors.conversation(actor=_actor(request), conversation_id=conversation_id)
    return _thread_page(request, found)


@require_http_methods(["GET", "POST"])
@page(Capability.CONVERSATIONS_READ)
def thread_messages(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """GET: the piece of the thread that the script asks for. POST: a text or a file, once for each client_request_id."""
    actor = _actor(request)
    found = selectors.conversation(actor=actor, conversation_id=conversation_id)
    if request.method == "GET":
        if not _is_fetch(request):
            return redirect("conversation", actor.organization.slug, found.pk)
        return render(request, "messaging/_messages_fragment.html", _thread_context(request, found))
    try:
        sent = _send(request, actor, found)
    except DomainError as error:
        return _refused(request, found, error, draft=request.POST.get("body", ""))
    if _is_fetch(request):
        context = {**_thread_context(request, found), "sent": sent}
        return render(request, "messaging/_messages_fragment.html", context, status=201)
    return _to_thread(found, anchor=f"#message-{sent.pk}")


def _send(request: HttpRequest, actor: Actor, found: Conversation) -> Message:
    number = _number(request.POST.get("quoted", ""))
    quoted = selectors.message(actor=actor, message_id=number) if number else None
    body = request.POST.get("body", "").replace("\r\n", "\n")
    request_id, at = request.POST.get("client_request_id", ""), timezone.now()
    file = request.FILES.get("file")
    if file is None:
        return services.send_text(
            actor=actor, conversation=found, body=body, client_request_id=request_id, quoted=quoted, at=at
        )
    media.require_size("document", file.size or 0)  # before it is read into memory; the kind has its own limit
    return services.send_media(
        actor=actor,
        conversation=found,
        upload=services.Upload(content=file.read(), name=file.name or ""),
        client_request_id=request_id,
        caption=body,
        quoted=quoted,
        at=at,
    )


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def template_messages(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Send a template with its variables filled in; allowed when the window is closed."""
    actor = _actor(request)
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
        return _refused(request, found, error)
    return _to_thread(found)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def reading(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """The member has the thread before his eyes: its messages are read, and the person sees blue ticks."""
    found = selectors.conversation(actor=_actor(request), conversation_id=conversation_id)
    services.mark_read(actor=_actor(request), conversation=found, at=timezone.now())
    return HttpResponse(status=204) if _is_fetch(request) else _to_thread(found)


@require_POST
@page(Capability.CONVERSATIONS_ASSIGN)
def assignment(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Hand a conversation to somebody, or to nobody."""
    actor = _actor(request)
    found = selectors.conversation(actor=actor, conversation_id=conversation_id)
    number = _number(request.POST.get("membership", ""))
    membership = _assignable(actor).filter(pk=number).first() if number else None
    try:
        if number and membership is None:
            raise NotFound(_("There is no such member here."))
        services.assign_conversation(
            actor=actor,
            conversation=found,
            membership=membership,
            seen_assignee_id=_number(request.POST.get("seen", "")),
            at=timezone.now(),
        )
    except DomainError as error:
        return _refused(request, found, error)
    messages.success(
        request, _("%(name)s answers now.") % {"name": membership.user.name if membership else _("Nobody")}
    )
    still_mine = Conversation.objects.visible_to(actor).filter(pk=found.pk).exists()
    return _to_thread(found) if still_mine else redirect("inbox", actor.organization.slug)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def closure(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """This talk is done, until the person writes again."""
    found = selectors.conversation(actor=_actor(request), conversation_id=conversation_id)
    try:
        services.close_conversation(actor=_actor(request), conversation=found, at=timezone.now())
    except DomainError as error:
        return _refused(request, found, error)
    messages.success(request, _("Closed. It opens again when the person writes."))
    return redirect("inbox", found.organization.slug)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def reopening(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Take a closed conversation up again."""
    found = selectors.conversation(actor=_actor(request), conversation_id=conversation_id)
    try:
        services.reopen_conversation(actor=_actor(request), conversation=found, at=timezone.now())
    except DomainError as error:
        return _refused(request, found, error)
    return _to_thread(found)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def start(request: HttpRequest) -> HttpResponse:
    """Open the conversation with a contact: the one there is, or a new one from the first number that can send."""
    actor = _actor(request)
    contact = Contact.objects.visible_to(actor).filter(pk=_number(request.POST.get("contact", ""))).first()
    channels = Channel.objects.visible_to(actor).able_to_send().order_by("-owner", "pk")
    own = channels.filter(owner=actor.membership).first()
    channel = own or channels.filter(owner__isnull=True).first()
    if contact is None:
        raise NotFound(_("There is no such contact here."))
    if channel is None:
        raise Invalid(_("No WhatsApp number is connected. Ask an admin to connect one."))
    found = services.start_conversation(actor=actor, channel=channel, contact=contact, at=timezone.now())
    return _to_thread(found)


@require_GET
@page(Capability.CONVERSATIONS_READ)
def media_of_message(request: HttpRequest, message_id: int) -> HttpResponse:
    """To the signed address of a message's file, made anew each time, as it lives five minutes."""
    actor = _actor(request)
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
    actor, ticket = _actor(request), media.ticket_of(token)
    if actor.membership is None or ticket.membership_id != actor.membership.pk:
        raise MediaNotFound(_("This address was made for somebody else."))
    return media.response(selectors.message(actor=actor, message_id=ticket.message_id), request)


def _list_context(request: HttpRequest) -> dict[str, Any]:
    actor = _actor(request)
    names = [name for name, _label, _filters in BOXES]
    box = request.GET.get("box", "all")
    box = box if box in names else "all"
    search = request.GET.get("q", "").strip()
    filters = dict(next(asked for name, _label, asked in BOXES if name == box))
    if search and box == "all":
        filters["status"] = "all"  # who searches does not care whether it was closed
    intent = request.GET.get("intent", "")
    intent = intent if intent in Intent.values else ""
    further = request.GET.get("further", "")
    listing = selectors.inbox(actor=actor, search=search, before=further, intent=intent, **filters)
    chosen = (("box", box if box != "all" else ""), ("q", search), ("intent", intent))
    asked = {name: value for name, value in chosen if value}
    list_query = f"?{urlencode(asked)}" if asked else ""
    return {
        "here": "inbox",
        "box": box,
        "boxes": [(name, label) for name, label, _filters in BOXES],
        "search": search,
        "intent": intent,
        "intents": Intent.choices,
        "conversations": listing.rows,
        "marks": panels.marks_of(actor, [row.contact_id for row in listing.rows]),
        "next_cursor": listing.next,
        "list_query": list_query,
        "list_address": reverse("inbox", args=[actor.organization.slug]) + list_query,
        "words": _words(),
    }


def _thread_page(request: HttpRequest, found: Conversation, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {**_list_context(request), **_thread_context(request, found), **more}
    return render(request, "messaging/inbox.html", context, status=status)


def _thread_context(request: HttpRequest, found: Conversation) -> dict[str, Any]:
    actor = _actor(request)
    before = _number(request.GET.get("before", "")) if request.GET.get("before", "").isdecimal() else None
    shown = selectors.thread(actor=actor, conversation=found, before=before, at=timezone.now())
    may_reply = actor.can(Capability.CONVERSATIONS_REPLY)
    may_assign = actor.can(Capability.CONVERSATIONS_ASSIGN)
    composer = _composer(found, may_reply=may_reply, is_window_open=shown.is_window_open)
    return {
        "conversation": found,
        "contact_marks": panels.marks_of(actor, [found.contact_id]).get(found.contact_id, []),
        "messages_shown": shown.messages,
        "older_cursor": shown.before,
        "composer": composer,
        "templates": _choices(actor, found) if composer == "template" else [],
        "quoting": _quoting(request, shown.messages),
        "new_request_id": uuid.uuid4(),
        "may_reply": may_reply and composer == "free",
        "may_act": may_reply,
        "may_assign": may_assign,
        "members": list(_assignable(actor)) if may_assign else [],
        "live_token": live.token_of(membership_id=actor.membership.pk, conversation_id=found.pk)
        if actor.membership
        else "",
    }


def _composer(found: Conversation, *, may_reply: bool, is_window_open: bool) -> str:
    """Which way of answering there is: free, template, closed, or none."""
    if not may_reply:
        return "none"
    if found.status not in OPEN:
        return "closed"
    return "free" if is_window_open else "template"


def _choices(actor: Actor, found: Conversation) -> list[dict[str, Any]]:
    """The templates of this number, each with its fields and a preview that fills itself in."""
    return [
        {
            "template": each,
            "title": each.name.replace("_", " ").capitalize(),
            "variables": templates.variables(each.components),
            "parts": _preview_parts(each),
            "request_id": uuid.uuid4(),
        }
        for each in selectors.usable_templates(actor=actor, channel=found.channel)
    ]


def _preview_parts(template: MessageTemplate) -> list[dict[str, str]]:
    """The text of a template, cut where its variables stand."""
    parts: list[dict[str, str]] = []
    for component in template.components:
        kind = str(component.get("type", "")).upper()
        text = str(component.get("text", ""))
        if kind not in ("HEADER", "BODY", "FOOTER") or not text:
            continue
        prefix = "header." if kind == "HEADER" else ""
        if parts:
            parts.append({"text": "\n"})
        # split() with one group: text, name, text, name, ...
        for index, piece in enumerate(templates.PLACEHOLDER.split(text)):
            is_variable = index % 2 == 1
            parts.append({"text": f"{{{{{piece}}}}}", "key": prefix + piece} if is_variable else {"text": piece})
    return parts


def _quoting(request: HttpRequest, shown: list[ThreadMessage]) -> ThreadMessage | None:
    wanted = request.GET.get("quote") or request.POST.get("quoted")
    return next((message for message in shown if str(message.id) == wanted), None)


def _assignable(actor: Actor) -> Any:
    """Who may be offered a conversation; the service has the last word."""
    roles = [role for role, capabilities in CAPABILITIES.items() if Capability.CONVERSATIONS_REPLY in capabilities]
    members = Membership.objects.active().filter(organization=actor.organization, role__in=roles)
    if actor.reach is not Reach.ORGANIZATION:
        members = members.filter(pk__in=actor.membership_ids)
    return members.select_related("user").order_by("user__name")


def _refused(request: HttpRequest, found: Conversation, error: DomainError, *, draft: str = "") -> HttpResponse:
    """Say why, where it happened, and lose nothing that was typed."""
    status = status_of(error)
    if _is_fetch(request):
        return JsonResponse({"code": error.code, "message": error.message}, status=status)
    return _thread_page(request, found, status=status, problem=error, draft=draft)


def _to_thread(found: Conversation, *, anchor: str = "") -> HttpResponse:
    return HttpResponseRedirect(reverse("conversation", args=[found.organization.slug, found.pk]) + anchor)


def _words() -> dict[str, str]:
    """What the script has to say."""
    return {
        "offline": _("No connection. It is kept here and sent when the connection is back."),
        "broken": _("Something broke on our side. Try again in a minute."),
        "gone": _("The original message is not here any more."),
    }


def _number(text: str) -> int | None:
    """A number from a form, or None when nothing was chosen. Raises Invalid."""
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise Invalid(_("That is not a number of ours."), value=text[:40])
    return int(text)


def _is_fetch(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
