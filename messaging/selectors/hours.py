"""Whose hours count for which number, and since when somebody must have waited to be overdue. One query each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from core.actors import Actor
from core.models import Organization
from core.roles import Capability
from messaging.hours import Schedule, plain_week, read_week
from messaging.models import OfficeHours


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody is there, and what is said meanwhile ("" for nothing)."""

    schedule: Schedule
    away_text: str = ""
    away_text_arabic: str = ""


def all_hours(*, actor: Actor) -> dict[int | None, Hours]:
    """Every channel that has hours of its own, and under None those of all others. One query."""
    actor.require(Capability.CONVERSATIONS_READ)
    house = actor.organization
    rows = OfficeHours.objects.for_organization(house)
    return {None: Hours(_schedule(house, [], "")), **{row.channel_id: _hours(house, row) for row in rows}}


def hours_of(*, actor: Actor, channel_id: int) -> Hours:
    """The hours of one number. One query."""
    found = all_hours(actor=actor)
    return found.get(channel_id, found[None])


def overdue(rows: QuerySet[Any], known: Mapping[int | None, Hours], at: datetime, patience: timedelta) -> QuerySet[Any]:
    """Open talk that has waited for so long, in hours in which somebody is there."""
    return rows.filter(late(known, at, patience), status__in=["open", "pending"])


def late(known: Mapping[int | None, Hours], at: datetime, patience: timedelta) -> Q:
    """The question of `overdue`, for those who count."""
    own = [channel_id for channel_id in known if channel_id is not None]
    condition = Q(waiting_since__lte=known[None].schedule.back(at, patience)) & ~Q(channel__in=own)
    for channel_id in own:
        condition |= Q(channel=channel_id, waiting_since__lte=known[channel_id].schedule.back(at, patience))
    return condition


def _hours(house: Organization, row: OfficeHours) -> Hours:
    schedule = _schedule(house, row.week, row.time_zone)
    return Hours(schedule, row.away_text, row.away_text_arabic) if row.says_away else Hours(schedule)


def _schedule(house: Organization, week: Any, time_zone: str) -> Schedule:
    return Schedule(
        zone=ZoneInfo(time_zone or house.time_zone),
        week=read_week(week) or plain_week(house.business_hours_start, house.business_hours_end, house.weekend_days),
        holidays=frozenset(house.public_holidays),
    )
