"""Calls as webhooks tell them: they ring, are answered or not, and end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from messaging.contents import Json, mapping
from messaging.incoming import Sender, clean, moment, sender_of

RINGING, COMPLETED, MISSED, REJECTED = "ringing", "completed", "missed", "rejected"
# A call only moves on: what is told late changes nothing that was later.
RANK = {RINGING: 0, "accepted": 1, REJECTED: 2, MISSED: 2, COMPLETED: 3}


@dataclass(frozen=True, slots=True)
class Call:
    """How far one call is. `sender` is the person, whoever of the two called; `seconds` how long both spoke."""

    provider_id: str
    sender: Sender
    is_ours: bool
    state: str
    seconds: int
    at: datetime


def read_calls(value: Json, *, received_at: datetime) -> list[Call]:
    """Every call of a change that names a call and a person."""
    found = []
    for raw in value.get("calls") or []:
        if not isinstance(raw, dict) or not raw.get("id"):
            continue
        is_ours = raw.get("direction") == "BUSINESS_INITIATED"
        person = {"from": raw.get("to"), "from_user_id": raw.get("to_user_id")} if is_ours else raw
        try:
            sender = sender_of(value, person)
        except ValueError:
            continue
        seconds = _seconds(raw.get("duration"))
        told = raw.get("start_time") or raw.get("timestamp")
        found.append(
            Call(clean(str(raw["id"]))[:200], sender, is_ours, _state(raw, seconds), seconds, moment(told, received_at))
        )
    return found


def read_call_states(value: Json) -> list[tuple[str, str]]:
    """What became of our own calls so far: id, and ringing, accepted or rejected."""
    rows = [mapping(each) for each in value.get("statuses") or []]
    states = [(clean(str(row.get("id") or "")), str(row.get("status") or "").lower()) for row in rows]
    return [(call, state) for call, state in states if call and state in RANK]


def _state(raw: Json, seconds: int) -> str:
    if raw.get("event") != "terminate":
        return RINGING
    return COMPLETED if str(raw.get("status")).upper() == "COMPLETED" and seconds else MISSED


def _seconds(value: Any) -> int:
    try:
        return max(0, int(str(value)))
    except ValueError:
        return 0
