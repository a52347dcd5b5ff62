"""When a campaign would be through, with its nights and days off and what a day allows. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from campaigns.quiet import Quiet

STEP = timedelta(minutes=15)
DAY = timedelta(days=1)
# Nobody plans further; who needs longer is told that it never ends.
HORIZON = timedelta(days=60)


def finish_of(
    *, messages: int, per_second: float, start: datetime, quiet: Quiet, time_zone: str, per_day: int | None
) -> datetime | None:
    """The moment at which the last message is out, in steps of a quarter of an hour; None beyond sixty days.

    Everybody is taken to live in `time_zone`; `per_day` is what 24 hours allow.
    """
    if per_second <= 0:
        return None
    moment, left, day, today = start, messages, start, 0
    while left > 0 and moment - start < HORIZON:
        if (over := quiet.until(moment, time_zone)) is not None:
            moment = over
        if moment - day >= DAY:
            day, today = moment, 0
        room = left if per_day is None else min(left, per_day - today)
        if room <= 0:
            moment = day + DAY
            continue
        sent = min(room, max(1, int(per_second * STEP.total_seconds())))
        left, today = left - sent, today + sent
        moment += (
            min(STEP, timedelta(seconds=sent / per_second))
            if per_second * STEP.total_seconds() >= 1
            else (timedelta(seconds=1 / per_second))
        )
    return None if left > 0 else moment
