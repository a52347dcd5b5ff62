"""What stands in a bubble besides its text: an advertisement, an order, the answers of a form, a call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from messaging.calls import COMPLETED, MISSED, REJECTED, RINGING
from messaging.contents import FILE_LOST, mapping
from messaging.models.conversations import Direction
from messaging.selectors import ThreadMessage

register = template.Library()

# What messaging/contents.py calls a message without text: named here so that translators meet them.
LABELS = [
    gettext_noop("Call"),
    gettext_noop("Filled in a form"),
    gettext_noop("May be called"),
    gettext_noop("Does not want to be called"),
    gettext_noop("Notice from WhatsApp"),
    gettext_noop("Opened the chat for the first time"),
    gettext_noop("A file from before the number was connected"),
    gettext_noop("A file that WhatsApp could not take over"),
]


# How WhatsApp shows what stands between these marks; letters touch both of them.
MARKS = [
    (re.compile(r"```(.+?)```", re.S), "code"),
    (re.compile(r"(?<!\w)\*(?=\S)([^*\n]+?)(?<=\S)\*(?!\w)"), "strong"),
    (re.compile(r"(?<!\w)_(?=\S)([^_\n]+?)(?<=\S)_(?!\w)"), "em"),
    (re.compile(r"(?<!\w)~(?=\S)([^~\n]+?)(?<=\S)~(?!\w)"), "s"),
]
VARIABLE = re.compile(r"\{\{[^{}]*\}\}")


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What led a person here. `address` is empty unless it is a web address."""

    headline: str
    body: str
    address: str
    is_post: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One product of an order."""

    name: str
    quantity: str
    price: str


@register.filter
def advertisement(payload: Mapping[str, Any]) -> Advertisement | None:
    """The advertisement or post from which somebody wrote."""
    found = mapping(payload.get("referral"))
    if not found:
        return None
    address = str(found.get("source_url") or "")
    return Advertisement(
        headline=str(found.get("headline") or ""),
        body=str(found.get("body") or ""),
        address=address if urlsplit(address).scheme in ("http", "https") else "",
        is_post=found.get("source_type") == "post",
    )


@register.filter
def order_lines(payload: Mapping[str, Any]) -> list[Line]:
    """The products of an order."""
    items = mapping(payload.get("order")).get("product_items")
    return [
        Line(
            name=str(item.get("product_retailer_id") or _("Product")),
            quantity=str(item.get("quantity") or 1),
            price=" ".join(str(item[name]) for name in ("item_price", "currency") if item.get(name)),
        )
        for item in (items if isinstance(items, list) else [])
        if isinstance(item, dict)
    ]


@register.filter
def order_total(payload: Mapping[str, Any]) -> str:
    """What an order comes to; nothing when a price is missing or currencies differ."""
    items = [mapping(item) for item in mapping(payload.get("order")).get("product_items") or []]
    currencies = {str(item.get("currency") or "") for item in items}
    try:
        total = sum(
            (Decimal(str(item["item_price"])) * Decimal(str(item.get("quantity") or 1)) for item in items), Decimal()
        )
    except (KeyError, InvalidOperation):
        return ""
    return f"{total:,.2f} {currencies.pop()}" if len(currencies) == 1 and items else ""


@register.filter
def answers(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was filled into a form, question by question."""
    rows = payload.get("answers")
    found = [row for row in (rows if isinstance(rows, list) else []) if isinstance(row, list) and len(row) == 2]
    return [(str(name).replace("_", " "), str(value)) for name, value in found]


@register.filter
def description(payload: Mapping[str, Any]) -> str:
    """The small print of the row that somebody chose from a list."""
    reply = mapping(mapping(payload.get("interactive")).get("list_reply"))
    return str(reply.get("description") or "")


@register.filter
def is_lost_file(payload: Mapping[str, Any]) -> bool:
    """Whether WhatsApp could not take over what was sent."""
    rows = payload.get("errors")
    errors = [mapping(each) for each in (rows if isinstance(rows, list) else [])]
    return any(error.get("code") == FILE_LOST for error in errors)


@register.filter
def call_words(message: ThreadMessage) -> str:
    """What became of a call."""
    call = mapping(message.payload.get("call"))
    state, is_ours = call.get("state"), message.direction == Direction.OUTBOUND
    if state == COMPLETED:
        return _("Call, %(length)s") % {"length": _length(int(call.get("seconds") or 0))}
    if state == REJECTED:
        return _("Declined the call") if is_ours else _("Call declined")
    if state == MISSED:
        return _("Did not take the call") if is_ours else _("Missed call")
    return _("Calling") if state == RINGING and is_ours else _("Called")


def _length(seconds: int) -> str:
    if seconds < 60:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    minutes = round(seconds / 60)
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}


@register.filter
def as_on_phone(text: str) -> SafeString:
    """Bold, italic and the like as WhatsApp shows them; variables without an example stand out."""
    shown = str(escape(text))
    for mark, tag in MARKS:
        shown = mark.sub(rf"<{tag}>\1</{tag}>", shown)
    return mark_safe(VARIABLE.sub(r"<mark>\g<0></mark>", shown))  # noqa: S308  # escaped above; only our tags are added


@register.filter
def named(given: Mapping[str, Any], key: str) -> Any:
    """What stands under a key; "" when nothing does."""
    return given.get(key, "")
