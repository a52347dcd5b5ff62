"""How a message is shown: its gist in one line, its receipt, and what it carries."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from core.templatetags.majlis import icon
from messaging import shapes
from messaging.models.conversations import Direction, MessageStatus
from messaging.models.meanings import Intent
from messaging.selectors import PATIENCE, Glimpse, ThreadMessage

register = template.Library()

LONGEST_GIST = 140

# The drawing, the words for who cannot see it, and a class for the colour.
RECEIPTS = {
    MessageStatus.QUEUED: ("clock", gettext_lazy("Waiting to be sent"), ""),
    MessageStatus.SENDING: ("clock", gettext_lazy("Being sent"), ""),
    MessageStatus.ACCEPTED: ("check", gettext_lazy("Taken by WhatsApp"), ""),
    MessageStatus.SENT: ("check", gettext_lazy("Sent"), ""),
    MessageStatus.DELIVERED: ("checks", gettext_lazy("Delivered"), ""),
    MessageStatus.READ: ("checks", gettext_lazy("Read"), "is-read"),
    MessageStatus.PLAYED: ("checks", gettext_lazy("Played"), "is-read"),
    MessageStatus.FAILED: ("alert", gettext_lazy("Not sent"), "is-failed"),
    MessageStatus.UNKNOWN: ("info", gettext_lazy("Not known whether it arrived"), "is-failed"),
}


# What somebody wants, as short as a list can have it; what needs nobody's eye, or has a mark of its own, has no words.
MEANINGS = {
    Intent.COMPLAINT: gettext_lazy("Complaint"),
    Intent.NOT_INTERESTED: gettext_lazy("Not interested"),
    Intent.VIEWING: gettext_lazy("Viewing"),
    Intent.PRICE: gettext_lazy("Price"),
    Intent.SELL: gettext_lazy("Sell or let"),
    Intent.TAKEN: gettext_lazy("Sold or rented"),
    Intent.AVAILABILITY: gettext_lazy("Availability"),
    Intent.CALLBACK: gettext_lazy("Call back"),
    Intent.ENQUIRY: gettext_lazy("Enquiry"),
}


@register.filter
def meaning(intent: str) -> str:
    """What they want, in a word or two."""
    return str(MEANINGS.get(Intent(intent), "")) if intent in Intent.values else ""


# What messaging/selectors.py calls a message without text: named here so that translators meet them.
LABELS = [
    gettext_noop("Picture"),
    gettext_noop("Video"),
    gettext_noop("Voice or audio"),
    gettext_noop("Document"),
    gettext_noop("Sticker"),
    gettext_noop("Location"),
    gettext_noop("Contact card"),
    gettext_noop("Reaction"),
    gettext_noop("Note"),
]


@register.filter
def gist(message: ThreadMessage) -> str:
    """What a message says, in one line: for quoting it."""
    said = " ".join(message.body.split()) or message.media_name or (_(message.label) if message.label else "")
    return said if len(said) <= LONGEST_GIST else said[: LONGEST_GIST - 1] + "…"


@register.simple_tag(takes_context=True)
def sender(context: Mapping[str, Any], message: ThreadMessage | Glimpse) -> str:
    """Whose message it is."""
    if message.direction == Direction.INBOUND:
        return str(context["conversation"].contact.display_name)
    return getattr(message, "author_name", "") or str(context["organization"].name)


@register.simple_tag
def receipt(status: str) -> SafeString:
    """How far an outgoing message got: a drawing, and words for who cannot see it."""
    drawing, words, classes = RECEIPTS.get(MessageStatus(status), RECEIPTS[MessageStatus.QUEUED])
    return format_html(
        '<span class="receipt {}" title="{}" data-status="{}">{}<span class="visually-hidden">{}</span></span>',
        classes,
        words,
        status,
        icon(drawing),
        words,
    )


@register.filter
def waited(waiting: timedelta | None) -> str:
    """How long somebody has waited, in hours in which somebody is there; nothing below a minute."""
    minutes = int(waiting.total_seconds() // 60) if waiting else 0
    if minutes < 1:
        return ""
    if minutes < 60:
        return _("waits %(minutes)d min") % {"minutes": minutes}
    return _("waits %(hours)d h %(minutes)02d") % {"hours": minutes // 60, "minutes": minutes % 60}


@register.filter
def waited_tone(waiting: timedelta) -> str:
    """Overdue after PATIENCE, and badly so after an hour."""
    return "bad" if waiting >= timedelta(hours=1) else "warn" if waiting >= PATIENCE else ""


@register.filter
def highlight(text: str, search: str) -> SafeString:
    """The text with what was searched for marked; both are only ever text."""
    words = search.strip()
    if not words:
        return format_html("{}", text)
    pieces = re.split(f"({re.escape(words)})", text, flags=re.IGNORECASE)
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", each) if n % 2 else each,) for n, each in enumerate(pieces))
    )


@register.simple_tag
def new_request() -> str:
    """A number for one press: however often the form comes, it makes one message."""
    return str(uuid.uuid4())


@register.filter
def pressable(payload: Mapping[str, Any]) -> list[str]:
    """What the person can press on an interactive message of ours."""
    made = payload.get("interactive")
    return shapes.choices(made) if isinstance(made, dict) and isinstance(made.get("action"), dict) else []


@register.filter
def place(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where a shared location is."""
    found = payload.get("location", payload)
    return found if isinstance(found, dict) else {}


@register.filter
def cards(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The people on shared contact cards, with their numbers."""
    people = payload.get("contacts", [])
    return [
        {
            "name": (person.get("name") or {}).get("formatted_name") or _("Contact card"),
            "phones": [phone.get("phone") or phone.get("wa_id") or "" for phone in person.get("phones") or []],
        }
        for person in (people if isinstance(people, list) else [])
        if isinstance(person, dict)
    ]
