"""What every template of ours may say: icons, initials, money, times and how long is left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unicodedata import bidirectional

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from core import audit
from core.accounts.devices import device
from core.models import AuditEntry
from core.money import format_money

register = template.Library()

register.filter("device", device)

HUES = 6
SQUARE_FEET = Decimal("10.7639")
CLOSING_SOON = timedelta(hours=2)
CLOSING_NOW = timedelta(minutes=30)


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """One drawing of static/icons.svg. It says nothing to a screen reader: the words stand beside it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        classes,
        static("icons.svg"),
        name,
    )


@register.filter
def said(text: str) -> str:
    """A fixed word or sentence of ours, such as a status, in the language of the page."""
    return _(str(text)) if text else ""


@register.filter
def invitation_state(state: str) -> str:
    """What became of an invitation, in a word."""
    return {"open": _("open"), "accepted": _("accepted"), "expired": _("expired"), "revoked": _("revoked")}[state]


@register.filter
def of(found: Mapping[Any, Any] | None, key: Any) -> Any:
    """What a table of the page has for this row, or nothing."""
    return (found or {}).get(key)


@register.filter
def initials(name: str) -> str:
    """Two letters for an avatar: of the first and the last word. A number gives none, so a mark stands in.

    One letter where letters join, as in Arabic: two of them side by side would read as a word.
    """
    words = [word for word in str(name).split() if word[:1].isalpha()]
    if not words:
        return "•"
    if bidirectional(words[0][0]) in ("R", "AL"):
        return words[0][0]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@register.filter
def hue(pk: int | None) -> int:
    """Which of the avatar colours this one has, always the same."""
    return (pk or 0) % HUES


@register.filter
def money(minor: int | None, currency: str) -> str:
    """Minor units as people write them, with the currency; a dash when there is no amount."""
    return "–" if minor is None else format_money(minor, currency)


@register.filter
def money_short(minor: int | None, currency: str) -> str:
    """As money, without decimals that say nothing: AED 1,350,000."""
    text = money(minor, currency)
    whole, _point, rest = text.rpartition(".")
    return whole if whole and not rest.strip("0") else text


@register.filter
def percent(basis_points: int | None) -> str:
    """Hundredths of a percent as people write them: 5000 is 50 %."""
    return "" if basis_points is None else f"{Decimal(basis_points).scaleb(-2).normalize():f} %"


@register.filter
def square_feet(square_metres: Decimal | None) -> str:
    """Square metres in the unit that the market speaks of, whole."""
    return "" if square_metres is None else f"{round(square_metres * SQUARE_FEET):,}"


@register.filter
def has_hidden(owner: Any) -> bool:
    """Whether a number of this owner is not shown whole."""
    return any(point.is_masked for point in owner.points)


@register.filter
def moment(at: datetime | None) -> str:
    """When it was, as short as a list can have it: 14:05 today, Yesterday, Tue, 3 Mar, 3 Mar 2025."""
    if at is None:
        return ""
    local, today = timezone.localtime(at), timezone.localdate()
    days = (today - local.date()).days
    if days == 0:
        return date_format(local, "H:i")
    if days == 1:
        return _("Yesterday")
    if 1 < days < 7:
        return date_format(local, "D")
    return date_format(local, "j M" if local.year == today.year else "j M Y")


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago it was, in the largest unit: 4 minutes ago."""
    if at is None:
        return ""
    if timezone.now() - at < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(at, depth=1)}


@register.filter
def day(on: datetime | date) -> str:
    """The heading of a day: Today, Yesterday, Tuesday 3 March."""
    local = timezone.localtime(on).date() if isinstance(on, datetime) else on
    days = (timezone.localdate() - local).days
    if days == 0:
        return _("Today")
    if days == 1:
        return _("Yesterday")
    return date_format(local, "l j F" if local.year == timezone.localdate().year else "j F Y")


@register.filter
def time_left(until: datetime | None) -> str:
    """How long the window stays open, in words that fit a badge."""
    left = _left(until)
    if left is None:
        return ""
    minutes = int(left.total_seconds() // 60)
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": max(minutes, 1)}
    return _("%(hours)d h %(minutes)02d") % {"hours": minutes // 60, "minutes": minutes % 60}


@register.filter
def time_left_tone(until: datetime | None) -> str:
    """The tone of the badge: calm, soon, nearly gone."""
    left = _left(until)
    if left is None:
        return ""
    return "bad" if left <= CLOSING_NOW else "warn" if left <= CLOSING_SOON else "good"


@register.filter
def is_past(day: date | None) -> bool:
    """Whether the day is over in the office's zone; nothing is not."""
    return day is not None and day < timezone.localdate()


@register.filter
def epoch(at: datetime | None) -> int:
    """Seconds since 1970, for the script that counts down."""
    return int(at.timestamp()) if at else 0


@register.filter
def changes(entry: AuditEntry) -> list[dict[str, Any]]:
    """The fields that an audit entry names, with what they were and what they became."""
    before, after = audit.shown(entry.before), audit.shown(entry.after)
    return [{"name": name, "before": before.get(name, ""), "after": after.get(name, "")} for name in before | after]


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """The present address's question with some answers changed; an empty answer is left out."""
    parameters = context["request"].GET.copy()
    for name, value in changes.items():
        if value in ("", None):
            parameters.pop(name, None)
        else:
            parameters[name] = str(value)
    return f"?{parameters.urlencode()}"


def _left(until: datetime | None) -> timedelta | None:
    if until is None:
        return None
    left = until - timezone.now()
    return left if left > timedelta() else None
