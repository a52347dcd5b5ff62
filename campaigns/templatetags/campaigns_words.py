"""How the pages of campaigns say reasons and lengths of time."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.intervals import Interval
from campaigns.models import SkipReason
from campaigns.selectors.progress import SILENT_AFTER

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
        return _("%(count)d s") % {"count": seconds}
    if seconds < 5400:
        return _("%(count)d min") % {"count": round(seconds / 60)}
    return _("%(count)s h") % {"count": f"{seconds / 3600:.1f}"}


@register.filter
def beat(heartbeat_at: datetime | None) -> str:
    """The tone of an engine's sign of life: good while it is fresh."""
    is_fresh = heartbeat_at is not None and timezone.now() - heartbeat_at <= SILENT_AFTER
    return "good" if is_fresh else "bad"


@register.filter
def share_words(share: Interval | None) -> str:
    """A share with the range it lies in: 12.4 % (10.1 to 15.0)."""
    if share is None:
        return "–"
    values = {"at": f"{share.at:.1%}"[:-1], "low": f"{share.low:.1%}"[:-1], "high": f"{share.high:.1%}"[:-1]}
    return _("%(at)s %% (%(low)s to %(high)s)") % values


@register.filter
def hundredths(share: float) -> str:
    """A share as a style takes it, out of a hundred."""
    return f"{share * 100:.2f}"
