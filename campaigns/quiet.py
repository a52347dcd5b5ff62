"""When a person is not to be disturbed: at night and on days off, by the clock where that person lives. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from phonenumbers.timezone import time_zones_for_number

from core.models import Organization

DAY = timedelta(days=1)
# Nobody rests for longer; who has no working day at all in that time is written to when it is over.
HORIZON = timedelta(days=60)


@lru_cache(maxsize=10_000)
def zone_of(recipient: str) -> str:
    """The time zone that a number (digits of E.164, with or without a plus) belongs to; "" when it does not tell.

    It does not for a BSUID, nor for a country of several times whose numbers do not name the place: the caller takes
    the organisation's zone for those.
    """
    digits = recipient.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        return ""
    try:
        zones = time_zones_for_number(phonenumbers.parse(f"+{digits}"))
    except phonenumbers.NumberParseException:
        return ""
    known = [zone for zone in zones if zone in _known_zones()]
    # Europe/Guernsey, Europe/Jersey, Europe/London: one time, so it does not matter which.
    return known[-1] if known and len({_offsets(zone) for zone in known}) == 1 else ""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours from `start` until `end` by the clock on the wall (they may span midnight), and whole days."""

    start: time | None = None
    end: time | None = None
    days_off: frozenset[int] = frozenset()  # 0 is Monday
    holidays: frozenset[date] = frozenset()

    @classmethod
    def at_house(cls, house: Organization, start: time | None, end: time | None, *, on_days_off: bool) -> Quiet:
        """These hours; with `on_days_off` also the weekend and the public holidays of the organisation."""
        if not on_days_off:
            return cls(start, end)
        return cls(start, end, frozenset(house.weekend_days), frozenset(house.public_holidays))

    def until(self, at: datetime, time_zone: str) -> datetime | None:
        """When it is over for somebody in that zone; None when nobody is disturbed at `at`."""
        zone, moment = ZoneInfo(time_zone), at
        while moment - at < HORIZON and (over := self._over(moment.astimezone(zone), zone)) is not None:
            moment = over
        return None if moment == at else moment.astimezone(zone)

    def _over(self, local: datetime, zone: ZoneInfo) -> datetime | None:
        if local.weekday() in self.days_off or local.date() in self.holidays:
            return _next(local, time(0), zone)
        if self.start is None or self.end is None:
            return None
        now = local.time().replace(tzinfo=None, fold=0)
        is_quiet = self.start <= now < self.end if self.start < self.end else now >= self.start or now < self.end
        return _next(local, self.end, zone) if is_quiet else None


def quiet_until(*, at: datetime, time_zone: str, start: time | None, end: time | None) -> datetime | None:
    """When the quiet hours that `at` falls into are over; None outside them. They may span midnight."""
    return Quiet(start, end).until(at, time_zone)


def _next(local: datetime, wall: time, zone: ZoneInfo) -> datetime:
    """The next moment at which the clock on the wall shows that time. In autumn it may show it twice."""
    now, today = local.astimezone(UTC), local.date()
    shown = (
        datetime.combine(day, wall.replace(fold=fold), tzinfo=zone).astimezone(UTC)
        for day in (today, today + DAY)
        for fold in (0, 1)
    )
    return min(moment for moment in shown if moment > now)


@lru_cache(maxsize=1)
def _known_zones() -> set[str]:
    return available_timezones()


@lru_cache(maxsize=1000)
def _offsets(zone: str) -> tuple[timedelta | None, ...]:
    return tuple(ZoneInfo(zone).utcoffset(datetime(2026, month, 1)) for month in (1, 4, 7, 11))  # noqa: DTZ001 - wall time
