"""What the inbox and a thread show, put together once for every page that shows them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.actors import Actor
from core.errors import DomainError, Invalid
from core.middleware import status_of
from core.models import Membership
from core.roles import CAPABILITIES, Capability, Reach
from crm import panels
from messaging import live, presence, selectors, templates
from messaging.models import Channel, Conversation, MessageTemplate
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
    ("snoozed", gettext_lazy("Put off"), {"needs": "snoozed"}),
    ("closed", gettext_lazy("Closed"), {"status": ConversationStatus.CLOSED}),
]
REACTIONS = ("👍", "❤️", "😂", "🙏", "✅")


def list_context(request: HttpRequest) -> dict[str, Any]:
    """The list, as its address asks for it."""
    actor = acting(request)
    names = [name for name, _label, _filters in BOXES]
    box = request.GET.get("box", "all")
    box = box if box in names else "all"
    search = request.GET.get("q", "").strip()
    filters = dict(next(asked for name, _label, asked in BOXES if name == box))
    if search and box == "all":
        filters["status"] = "all"  # who searches does not care whether it was closed
    intent = request.GET.get("intent", "")
    intent = intent if intent in Intent.values else ""
    members = list(assignable(actor)) if actor.can(Capability.CONVERSATIONS_ASSIGN) else []
    channels = list(Channel.objects.visible_to(actor).live().order_by("name", "pk"))
    who = _one_of(request.GET.get("who", ""), members)
    channel = _one_of(request.GET.get("number", ""), channels)
    if who:
        filters.setdefault("assigned", who)
    further = request.GET.get("further", "")
    listing = selectors.inbox(actor=actor, search=search, before=further, intent=intent, channel=channel, **filters)
    narrowed = {"q": search, "intent": intent, "who": who, "number": channel}
    asked = {name: value for name, value in {"box": box if box != "all" else "", **narrowed}.items() if value}
    list_query = f"?{urlencode(asked)}" if asked else ""
    return {
        "here": "inbox",
        "box": box,
        "boxes": [(name, label) for name, label, _filters in BOXES],
        "search": search,
        "intent": intent,
        "intents": Intent.choices,
        "conversations": listing.rows,
        "may_close_many": actor.can(Capability.CONVERSATIONS_REPLY),
        "narrowed": urlencode({name: value for name, value in narrowed.items() if value}),
        "who": who,
        "channel": channel,
        "channels": channels if len(channels) > 1 else [],
        "bulk_members": members,
        "marks": panels.marks_of(actor, [row.contact_id for row in listing.rows]),
        "next_cursor": listing.next,
        "list_query": list_query,
        "list_address": reverse("inbox", args=[actor.organization.slug]) + list_query,
        "reactions": REACTIONS,
        "words": words(),
    }


def _one_of(asked: str, rows: Sequence[Any]) -> int | None:
    """The key of one of these rows, when that is what was asked for."""
    return next((row.pk for row in rows if str(row.pk) == asked), None)


def thread_page(request: HttpRequest, found: Conversation, *, status: int = 200, **more: Any) -> HttpResponse:
    """A thread beside the list."""
    context = {**list_context(request), **thread_context(request, found), **more}
    return render(request, "messaging/inbox.html", context, status=status)


def thread_context(request: HttpRequest, found: Conversation) -> dict[str, Any]:
    """A thread and what can be done in it."""
    actor = acting(request)
    before = number(request.GET.get("before", "")) if request.GET.get("before", "").isdecimal() else None
    shown = selectors.thread(actor=actor, conversation=found, before=before, at=timezone.now())
    may_reply = actor.can(Capability.CONVERSATIONS_REPLY)
    may_assign = actor.can(Capability.CONVERSATIONS_ASSIGN)
    composer = _composer(found, may_reply=may_reply, is_window_open=shown.is_window_open)
    if composer == "free" and request.GET.get("compose") == "template":
        composer = "template"
    present = presence.others(
        organization_id=actor.organization.pk,
        conversation_id=found.pk,
        membership_id=actor.membership.pk if actor.membership else None,
    )
    names = {each.membership_id: each.name for each in shown.readers}
    return {
        "conversation": found,
        "unread_from": shown.unread_from,
        "readers": shown.readers,
        "seen_by": shown.seen_by,
        "last_heard": next((each.id for each in reversed(shown.messages) if each.direction == "inbound"), None),
        "newest": shown.messages[-1].id if shown.messages and before is None else 0,
        "here_now": [(names[each], is_typing) for each, is_typing in present.items() if each in names],
        "snoozes": _snoozes(actor) if may_reply else [],
        "contact_marks": panels.marks_of(actor, [found.contact_id]).get(found.contact_id, []),
        "messages_shown": shown.messages,
        "older_cursor": shown.before,
        "composer": composer,
        "is_window_open": shown.is_window_open,
        "templates": _choices(actor, found) if composer == "template" else [],
        "quoting": _quoting(request, shown.messages),
        "new_request_id": uuid.uuid4(),
        "may_reply": may_reply and composer == "free",
        "may_act": may_reply,
        "may_assign": may_assign,
        "members": list(assignable(actor)) if may_assign else [],
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


def snooze_times(actor: Actor, at: datetime) -> dict[str, datetime]:
    """Until when a conversation can be put off with one press, by the house's clock."""
    morning = timezone.localtime(at, ZoneInfo(actor.organization.time_zone)).replace(
        hour=9, minute=0, second=0, microsecond=0
    )
    return {
        "hour": at + timedelta(hours=1),
        "tomorrow": morning + timedelta(days=1),
        "week": morning + timedelta(days=7 - morning.weekday()),
    }


def _snoozes(actor: Actor) -> list[tuple[str, Any, datetime]]:
    labels = {"hour": _("For an hour"), "tomorrow": _("Until tomorrow morning"), "week": _("Until Monday")}
    return [(name, labels[name], until) for name, until in snooze_times(actor, timezone.now()).items()]


def _choices(actor: Actor, found: Conversation) -> list[dict[str, Any]]:
    """The templates of this number, each with its fields filled in as far as we can guess, and a preview."""
    known = selectors.known_values(actor=actor, conversation=found)
    return [
        {
            "template": each,
            "title": each.name.replace("_", " ").capitalize(),
            "variables": [
                (variable, selectors.guess(variable, known)) for variable in templates.variables(each.components)
            ],
            "parts": _preview_parts(each, known),
            "request_id": uuid.uuid4(),
        }
        for each in selectors.usable_templates(actor=actor, channel=found.channel)
    ]


def _preview_parts(template: MessageTemplate, known: dict[str, str]) -> list[dict[str, str]]:
    """The text of a template, cut where its variables stand."""
    guesses = {each.key: selectors.guess(each, known) for each in templates.variables(template.components)}
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
            if is_variable:
                key = prefix + piece
                parts.append({"text": f"{{{{{piece}}}}}", "key": key, "value": guesses.get(key, "")})
            else:
                parts.append({"text": piece})
    return parts


def _quoting(request: HttpRequest, shown: list[ThreadMessage]) -> ThreadMessage | None:
    wanted = request.GET.get("quote") or request.POST.get("quoted")
    return next((message for message in shown if str(message.id) == wanted), None)


def assignable(actor: Actor) -> Any:
    """Who may be offered a conversation; the service has the last word."""
    roles = [role for role, capabilities in CAPABILITIES.items() if Capability.CONVERSATIONS_REPLY in capabilities]
    members = Membership.objects.active().filter(organization=actor.organization, role__in=roles)
    if actor.reach is not Reach.ORGANIZATION:
        members = members.filter(pk__in=actor.membership_ids)
    return members.select_related("user").order_by("user__name")


def refused(request: HttpRequest, found: Conversation, error: DomainError, *, draft: str = "") -> HttpResponse:
    """Say why, where it happened, and lose nothing that was typed."""
    status = status_of(error)
    if is_fetch(request):
        return JsonResponse({"code": error.code, "message": error.message, **dict(error.details)}, status=status)
    return thread_page(request, found, status=status, problem=error, draft=draft)


def to_thread(found: Conversation, *, anchor: str = "") -> HttpResponse:
    """Back to the thread, where it was."""
    return HttpResponseRedirect(reverse("conversation", args=[found.organization.slug, found.pk]) + anchor)


def words() -> dict[str, str]:
    """What the script has to say."""
    return {
        "offline": _("No connection. It is kept here and sent when the connection is back."),
        "broken": _("Something broke on our side. Try again in a minute."),
        "gone": _("The original message is not here any more."),
        "answered": _("A colleague has answered meanwhile. Read it before you send yours."),
        "nothing": _("No reply under this word."),
    }


def number(text: str) -> int | None:
    """A number from a form, or None when nothing was chosen. Raises Invalid."""
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise Invalid(_("That is not a number of ours."), value=text[:40])
    return int(text)


def is_fetch(request: HttpRequest) -> bool:
    """Whether the script asks, which wants a piece of the page and not the way to another."""
    return request.headers.get("X-Requested-With") == "fetch"


def acting(request: HttpRequest) -> Actor:
    """Who asks: every page has somebody."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
