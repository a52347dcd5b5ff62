"""Quiet hours, in the organisation's own time. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(*, at: datetime, time_zone: str, start: time | None, end: time | None) -> datetime | None:
    """When the quiet hours that `at` falls into are over; None outside them. They may span midnight."""
    if start is None or end is None:
        return None
    local = at.astimezone(ZoneInfo(time_zone))
    now = local.time().replace(tzinfo=None)
    is_quiet = start <= now < end if start < end else now >= start or now < end
    if not is_quiet:
        return None
    over = local.replace(hour=end.hour, minute=end.minute, second=end.second, microsecond=0)
    return over if over > local else over + timedelta(days=1)
