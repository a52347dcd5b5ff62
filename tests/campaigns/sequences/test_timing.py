"""When a step is due and when it may go out: wall clocks, changes of clocks, nights and days off. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from campaigns.models import SequenceStep
from campaigns.quiet import Quiet
from campaigns.sequences.conditions import Became, act_of, became
from campaigns.sequences.timing import due_at, may_go_at, plan


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "counted_from", "days", "minutes", "at_time", "due"),
    [
        ("Asia/Dubai", "2026-06-01T06:00", 3, 0, None, "2026-06-04T06:00"),
        ("Asia/Dubai", "2026-06-01T06:00", 0, 90, None, "2026-06-01T07:30"),
        # London goes to summer time on 29 March and back on 25 October: ten in the morning stays ten
        ("Europe/London", "2026-03-28T10:00", 1, 0, None, "2026-03-29T09:00"),
        ("Europe/London", "2026-10-24T09:00", 1, 0, None, "2026-10-25T10:00"),
        # 01:30 is left out that night: the same moment, 02:30 by the wall
        ("Europe/London", "2026-03-28T01:30", 1, 0, None, "2026-03-29T01:30"),
        ("Europe/London", "2026-03-28T12:00", 0, 0, time(1, 30), "2026-03-29T01:30"),
        # 01:30 comes twice: the first one
        ("Europe/London", "2026-10-24T12:00", 0, 0, time(1, 30), "2026-10-25T00:30"),
        ("Asia/Dubai", "2026-06-01T06:00", 0, 0, time(9), "2026-06-02T05:00"),
        ("Asia/Dubai", "2026-06-01T06:00", 0, 0, time(10), "2026-06-01T06:00"),
        ("Asia/Dubai", "2024-02-28T06:00", 1, 0, None, "2024-02-29T06:00"),
        ("Asia/Dubai", "2026-06-01T06:00", 365, 0, None, "2027-06-01T06:00"),
    ],
)
def test_a_delay_is_counted_by_the_persons_wall(zone, counted_from, days, minutes, at_time, due):
    step = SequenceStep(delay_days=days, delay_minutes=minutes, at_time=at_time)

    assert due_at(step, utc(counted_from), zone) == utc(due)


def test_quiet_hours_over_a_change_of_clocks_end_by_the_wall():
    quiet = Quiet(time(21), time(9))

    assert may_go_at(utc("2026-03-28T23:00"), quiet, "Europe/London") == utc("2026-03-29T08:00")
    assert may_go_at(utc("2026-10-24T23:00"), quiet, "Europe/London") == utc("2026-10-25T09:00")
    assert may_go_at(utc("2026-06-01T08:00"), quiet, "Europe/London") == utc("2026-06-01T08:00")


def test_a_plan_counts_each_delay_from_when_the_step_before_went_out():
    quiet = Quiet(time(21), time(9), frozenset({5, 6}), frozenset({date(2026, 6, 8)}))
    steps = [SequenceStep(delay_days=days) for days in (0, 1, 3)]

    planned = plan(steps, utc("2026-06-03T20:00"), quiet, "Asia/Dubai")  # Thursday, midnight in Dubai

    # Thursday at nine, Friday at nine, then Monday is a holiday: Tuesday
    assert [each.goes_at for each in planned] == [
        utc("2026-06-04T05:00"), utc("2026-06-05T05:00"), utc("2026-06-08T20:00").replace(hour=5, day=9),
    ]  # fmt: skip
    assert [each.waits for each in planned] == [True, False, True]


def test_exactly_one_thing_became_of_a_message():
    step = SequenceStep(if_read="skip", if_replied="stop")

    assert became("read", has_replied=True) is Became.REPLIED
    assert became("failed", has_replied=False) is Became.FAILED
    assert became("unknown", has_replied=False) is became("accepted", has_replied=False) is Became.UNSEEN
    assert [act_of(step, each) for each in (None, Became.READ, Became.REPLIED, Became.FAILED)] == [
        "continue", "skip", "stop", "stop",
    ]  # fmt: skip
