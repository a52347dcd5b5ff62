"""Nobody is written to at night or on a day off, by the clock where they live, summer time and all."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from campaigns.quiet import HORIZON, Quiet, zone_of

NIGHT = Quiet(time(21), time(9))


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("971501234567", "Asia/Dubai"),
        ("+971501234567", "Asia/Dubai"),
        ("+966501234567", "Asia/Riyadh"),
        ("+919812345678", "Asia/Calcutta"),
        ("+447400123456", "Europe/London"),  # and Guernsey, Jersey, Man: the same time
        ("+12125550123", "America/New_York"),  # the area code tells
        ("+16045550123", "America/Vancouver"),
        ("+79161234567", ""),  # a Russian mobile number says nothing about eleven zones
        ("AE.1234567890abcdef", ""),  # a user id without a number
        ("", ""),
        ("12", ""),
        ("٩٧١٥٠", ""),
    ],
)
def test_a_number_tells_where_its_person_lives_or_nothing(number: str, zone: str) -> None:
    assert zone_of(number) == zone


@pytest.mark.parametrize(
    ("zone", "at", "until"),
    [
        ("Asia/Dubai", "2026-11-26T08:00+00:00", None),  # noon there
        ("America/Vancouver", "2026-11-26T08:00+00:00", "2026-11-26T17:00+00:00"),  # midnight there
        ("Asia/Dubai", "2026-11-26T17:00+00:00", "2026-11-27T05:00+00:00"),  # 21:00 is quiet already
        ("Asia/Dubai", "2026-11-26T05:00+00:00", None),  # 09:00 no more
        # Europe goes to summer time in the night of 29 March, and back in that of 25 October: nine is nine
        ("Europe/London", "2026-03-28T23:00+00:00", "2026-03-29T08:00+00:00"),
        ("Europe/London", "2026-10-24T23:00+00:00", "2026-10-25T09:00+00:00"),
    ],
)
def test_quiet_hours_are_those_of_the_persons_own_clock(zone: str, at: str, until: str | None) -> None:
    found = NIGHT.until(datetime.fromisoformat(at), zone)
    assert (found and found.astimezone(UTC)) == (until and datetime.fromisoformat(until))


def test_an_hour_that_summer_time_leaves_out_ends_the_night_after_it() -> None:
    """There is no 02:30 in Berlin on 29 March 2026."""
    found = Quiet(time(22), time(2, 30)).until(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "Europe/Berlin")
    assert found is not None
    assert found.isoformat() == "2026-03-29T03:30:00+02:00"


def test_an_hour_that_comes_twice_is_quiet_twice() -> None:
    """On 25 October 2026 it is 02:15 in Berlin twice; the night until 02:30 is over only after the clock's second one."""
    short = Quiet(time(22), time(2, 30))
    for hour, over in ((0, "2026-10-25T00:30:00+00:00"), (1, "2026-10-25T01:30:00+00:00")):
        found = short.until(datetime(2026, 10, 25, hour, 15, tzinfo=UTC), "Europe/Berlin")
        assert found is not None
        assert found.astimezone(UTC).isoformat() == over


def test_days_off_and_holidays_pass_as_a_whole_and_the_night_after_them_too() -> None:
    """Saturday and Sunday, then two holidays: from Friday night to Wednesday at nine."""
    quiet = Quiet(time(21), time(9), frozenset({5, 6}), frozenset({date(2026, 11, 30), date(2026, 12, 1)}))
    found = quiet.until(datetime(2026, 11, 27, 18, tzinfo=UTC), "Asia/Dubai")
    assert found is not None
    assert found.isoformat() == "2026-12-02T09:00:00+04:00"
    assert quiet.until(datetime(2026, 11, 27, 12, tzinfo=UTC), "Asia/Dubai") is None  # Friday afternoon


def test_days_off_without_quiet_hours_end_at_midnight() -> None:
    found = Quiet(days_off=frozenset({5, 6})).until(datetime(2026, 11, 28, 8, tzinfo=UTC), "Asia/Dubai")
    assert found is not None
    assert found.isoformat() == "2026-11-30T00:00:00+04:00"


def test_a_house_that_never_works_does_not_wait_for_ever() -> None:
    at = datetime(2026, 11, 26, 8, tzinfo=UTC)
    found = Quiet(days_off=frozenset(range(7))).until(at, "Asia/Dubai")
    assert found is not None
    assert HORIZON <= found - at < HORIZON * 1.1
