"""Office hours: breaks, holidays, other zones, summer time, and how much of a wait counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.hours import Schedule, plain_week, read_week

DUBAI = ZoneInfo("Asia/Dubai")
# Monday to Friday nine to six, Saturday with a long break, Sunday nobody.
WEEK = [[["09:00", "18:00"]]] * 5 + [[["10:00", "13:00"], ["16:00", "20:00"]], []]
OFFICE = Schedule(DUBAI, read_week(WEEK), frozenset({date(2026, 12, 2)}))


def dubai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=DUBAI)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-26 09:00", True),  # a Thursday
        ("2026-11-26 17:59", True),
        ("2026-11-26 18:00", False),
        ("2026-11-28 14:00", False),  # Saturday, in the break
        ("2026-11-28 16:30", True),
        ("2026-11-29 12:00", False),  # Sunday
        ("2026-12-02 12:00", False),  # National Day
    ],
)
def test_when_somebody_is_there(at: str, is_open: bool) -> None:
    assert OFFICE.is_open(dubai(at)) is is_open


def test_one_closed_time_has_one_beginning() -> None:
    closed = dubai("2026-11-28 20:00")

    for at in ("2026-11-28 20:00", "2026-11-29 00:00", "2026-11-29 15:00", "2026-11-30 08:59"):
        assert OFFICE.closed_since(dubai(at)) == closed
    assert OFFICE.opens_at(dubai("2026-11-28 21:00")) == dubai("2026-11-30 09:00")
    assert OFFICE.opens_at(dubai("2026-12-01 19:00")) == dubai("2026-12-03 09:00")


def test_a_question_of_friday_night_is_not_two_days_old_on_monday() -> None:
    asked = dubai("2026-11-27 17:50")

    assert OFFICE.worked(asked, dubai("2026-11-27 23:00")) == timedelta(minutes=10)
    assert OFFICE.worked(asked, dubai("2026-11-28 12:00")) == timedelta(hours=2, minutes=10)
    assert OFFICE.worked(asked, dubai("2026-11-30 09:05")) == timedelta(hours=7, minutes=15)
    assert OFFICE.back(dubai("2026-11-30 09:05"), timedelta(minutes=15)) == dubai("2026-11-28 19:50")


def test_summer_time_moves_with_the_clock_on_the_wall() -> None:
    paris = Schedule(ZoneInfo("Europe/Paris"), plain_week(time(0), time(6), ()))

    night = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Paris, before the hour that is left out

    assert paris.worked(night, night + timedelta(days=1)) == timedelta(hours=5) + timedelta(hours=1)
    assert not paris.is_open(datetime(2026, 3, 29, 4, 0, tzinfo=UTC))


def test_without_hours_nobody_is_ever_there() -> None:
    never = Schedule(DUBAI, read_week([[]] * 7))
    at = dubai("2026-11-26 12:00")

    assert (never.is_open(at), never.opens_at(at), never.worked(at - timedelta(days=5), at)) == (
        False,
        None,
        timedelta(),
    )
    assert never.closed_since(at) == never.closed_since(at + timedelta(days=1))


@pytest.mark.parametrize(
    "week",
    [
        [[]] * 6,
        [[["18:00", "09:00"]]] + [[]] * 6,
        [[["09:00", "13:00"], ["12:00", "18:00"]]] + [[]] * 6,
        [[["9", "25:00"]]] + [[]] * 6,
        [["09:00", "18:00"]] + [[]] * 6,
        {"monday": []},
        [[["09:00"]]] + [[]] * 6,
    ],
)
def test_a_week_that_is_none_is_refused_with_a_sentence(week: object) -> None:
    with pytest.raises(ValueError, match=r"[A-Z'].*\."):
        read_week(week)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # other work on the machine
@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - zone is given
    minutes=st.integers(1, 3000),
)
def test_going_back_by_worked_time_and_counting_it_agree(at: datetime, minutes: int) -> None:
    amount = timedelta(minutes=minutes)

    since = OFFICE.back(at, amount)

    assert OFFICE.worked(since, at) == amount
