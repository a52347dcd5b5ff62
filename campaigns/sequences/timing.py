"""When a step is due for a person, and when it may go out. Pure: the clock, the zone and the holidays are arguments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.models import Sequence, SequenceStep
from campaigns.quiet import Quiet
from core.models import Organization


def quiet_of(sequence: Sequence, house: Organization) -> Quiet:
    """When nothing of this sequence goes out."""
    return Quiet.at_house(house, sequence.quiet_from, sequence.quiet_until, on_days_off=sequence.working_days_only)


def due_at(step: SequenceStep, counted_from: datetime, time_zone: str) -> datetime:
    """When the step is due, in UTC: days by the person's wall clock, minutes by any clock, then the time of day.

    "3 days" after 10:00 is 10:00, also when the clocks change in between; a time that a change of clocks leaves out is
    the same moment an hour later by the wall.
    """
    zone = ZoneInfo(time_zone)
    local = counted_from.astimezone(zone)
    wall = (local + timedelta(days=step.delay_days)) if step.delay_days else local  # same zone: by the wall
    moment = wall.astimezone(UTC) + timedelta(minutes=step.delay_minutes)
    if step.at_time is None:
        return moment
    day = moment.astimezone(zone).date()
    shown = (
        datetime.combine(day + timedelta(days=ahead), step.at_time, tzinfo=zone).astimezone(UTC) for ahead in range(3)
    )
    return next(found for found in shown if found >= moment)


def may_go_at(moment: datetime, quiet: Quiet, time_zone: str) -> datetime:
    """The first time at or after `moment` outside quiet hours and days of rest, in UTC."""
    over = quiet.until(moment, time_zone)
    return moment if over is None else over.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Planned:
    """One step of a simulation."""

    step: SequenceStep
    due_at: datetime
    goes_at: datetime

    @property
    def waits(self) -> bool:
        """Whether quiet hours or days of rest put it off."""
        return self.goes_at > self.due_at


def plan(steps: Iterable[SequenceStep], counted_from: datetime, quiet: Quiet, time_zone: str) -> list[Planned]:
    """What somebody gets and when, if they never answer and nothing is in the way. Steps come in their order."""
    planned: list[Planned] = []
    for step in steps:
        due = due_at(step, counted_from, time_zone)
        goes = may_go_at(due, quiet, time_zone)
        planned.append(Planned(step, due, goes))
        counted_from = goes
    return planned
