"""When somebody is there: weeks with breaks, holidays and time zones, and how much of a wait counts. Pure.

A week is seven lists, Monday first, of spans such as ["09:00", "18:00"]; "24:00" ends with the day. Waiting is counted in
hours in which somebody is there: a question of Friday night is not two days old on Monday morning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

# Further than that nobody looks: an office that is closed for longer has no hours.
HORIZON = timedelta(days=60)
DAY = timedelta(days=1)
Span = tuple[timedelta, timedelta]


def read_week(value: Any) -> tuple[tuple[Span, ...], ...]:
    """A week as it is kept, as spans since local midnight; () for an empty one. Raises ValueError with a sentence."""
    if value in (None, [], ()):
        return ()
    if not isinstance(value, list | tuple) or len(value) != 7:
        raise ValueError("A week has seven days, Monday first, each with its spans.")
    return tuple(_read_day(day) for day in value)


def plain_week(start: time, end: time, days_off: list[int] | tuple[int, ...]) -> tuple[tuple[Span, ...], ...]:
    """The same hours every day but on days off (0 is Monday)."""
    span = (_read_time(start), _read_time(end))
    return tuple(() if day in days_off else (span,) for day in range(7))


@dataclass(frozen=True, slots=True)
class Schedule:
    """When somebody is there."""

    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    holidays: frozenset[date] = field(default_factory=frozenset)

    def is_open(self, at: datetime) -> bool:
        """Whether somebody is there."""
        return any(start <= at < end for start, end in self._around(at))

    def closed_since(self, at: datetime) -> datetime:
        """When the present closed time began: the same for all of it, so that it names this time. `at` when open."""
        if self.is_open(at):
            return at
        ends = [end for _, end in self._backwards(at) if end <= at]
        return max(ends[:3], default=datetime(1970, 1, 1, tzinfo=UTC))

    def opens_at(self, at: datetime) -> datetime | None:
        """When somebody is there again; `at` when somebody is, None when nobody will be."""
        if self.is_open(at):
            return at
        today = at.astimezone(self.zone).date()
        for offset in range(HORIZON.days):
            for start, _ in self._day(today + offset * DAY):
                if start > at:
                    return start
        return None

    def worked(self, since: datetime, until: datetime) -> timedelta:
        """How much of that time somebody was there."""
        total = timedelta()
        for start, end in self._backwards(until):
            if end <= since:
                break
            total += max(min(end, until) - max(start, since), timedelta())
        return total

    def back(self, at: datetime, amount: timedelta) -> datetime:
        """The time since which exactly so much was worked: who waits since then, or longer, has waited so long."""
        left = amount
        for start, end in self._backwards(at):
            length = min(end, at) - start
            if length >= left:
                return start + (length - left)
            left -= max(length, timedelta())
        return at - HORIZON

    def _around(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        today = at.astimezone(self.zone).date()
        yield from self._day(today - DAY)
        yield from self._day(today)

    def _backwards(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Spans that began before that time, the latest first."""
        today = at.astimezone(self.zone).date()
        for offset in range(HORIZON.days):
            for start, end in reversed(self._day(today - offset * DAY)):
                if start < at:
                    yield start, end

    def _day(self, on: date) -> list[tuple[datetime, datetime]]:
        if on in self.holidays or not self.week:
            return []
        return [(self._moment(on, start), self._moment(on, end)) for start, end in self.week[on.weekday()]]

    def _moment(self, on: date, since_midnight: timedelta) -> datetime:
        """By the clock on the wall, which summer time moves."""
        days, rest = divmod(since_midnight, DAY)
        wall = time(rest.seconds // 3600, rest.seconds // 60 % 60)
        return datetime.combine(on + days * DAY, wall, tzinfo=self.zone).astimezone(UTC)


def _read_day(day: Any) -> tuple[Span, ...]:
    if not isinstance(day, list | tuple):
        raise ValueError("A day is a list of spans, empty when nobody is there.")
    spans = []
    for span in day:
        if not isinstance(span, list | tuple) or len(span) != 2:
            raise ValueError('A span is two times, as ["09:00", "18:00"].')
        start, end = (_read_time(each) for each in span)
        if end <= start:
            raise ValueError("A span ends after it begins; for a night give two, until 24:00 and from 00:00.")
        spans.append((start, end))
    spans.sort()
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise ValueError("Spans of one day do not overlap.")
    return tuple(spans)


def _read_time(text: Any) -> timedelta:
    if text == "24:00":
        return DAY
    try:
        at = time.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"{text!r} is not a time; write it as 09:00.") from None
    return timedelta(hours=at.hour, minutes=at.minute)
