"""How the pages of campaigns say reasons and lengths of time."""

from __future__ import annotations

from django import template

from campaigns.models import SkipReason

register = template.Library()


@register.filter
def skip_words(reason: str) -> str:
    """A skip reason in plain words."""
    return str(SkipReason(reason).label)


@register.filter
def duration(seconds: int | None) -> str:
    """Seconds as people say them."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
