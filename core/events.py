"""How a low app wakes a higher one without knowing it.

An event is a frozen dataclass of ids, published inside the transaction that made it true. Handlers are named in
config/wiring.py, run at once and in that same transaction: if one fails, so does the change. Slow work is a job.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

EventT = TypeVar("EventT")

_handlers: dict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)


def subscribe(event_type: type[EventT], handler: Callable[[EventT], None]) -> None:
    """Call `handler` for every event of that type. Subscribing the same handler again changes nothing."""
    if handler not in _handlers[event_type]:
        _handlers[event_type].append(handler)


def publish(event: object) -> None:
    """Tell every subscriber, in the order of the wiring."""
    for handler in _handlers[type(event)]:
        handler(event)


def subscribers(event_type: type[Any]) -> tuple[Callable[[Any], None], ...]:
    """Who hears events of that type (for the page that documents the wiring, and its test)."""
    return tuple(_handlers[event_type])


@dataclass(frozen=True, slots=True)
class MemberSuspended:
    """A member may no longer enter: what is open for him ends."""

    organization_id: int
    membership_id: int


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    """Some sessions of a member ended, or all: what is open calls again, and is let in or not."""

    organization_id: int
    membership_id: int
