"""Folding statuses: any order, any duplicates, any number of batches give the same final state. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from messaging.incoming import StatusUpdate
from messaging.models.conversations import STATUS_RANK, MessageStatus

# Reaching one of these implies having reached those before it: a `delivered` is not sent while the chat is open.
LADDER = (
    MessageStatus.ACCEPTED,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.READ,
    MessageStatus.PLAYED,
)
KNOWN = frozenset({*LADDER, MessageStatus.FAILED})
RUNGS: dict[str, int] = {status: place for place, status in enumerate(LADDER)}
CALLBACK = re.compile(r"m(\d{1,18})\.(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Progress:
    """What all the statuses of one message say together."""

    provider_id: str
    message_id: int | None
    status: str
    accepted_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    played_at: datetime | None = None
    failed_at: datetime | None = None
    error_code: int | None = None
    error_title: str = ""
    error_details: str = ""
    price_category: str = ""
    is_billable: bool | None = None


def callback_data(message_id: int, attempt: int) -> str:
    """What rides along with every message of ours and comes back in its statuses."""
    return f"m{message_id}.{attempt}"


def message_of(callback: str) -> int | None:
    """The message that callback data names, or None when it is not ours."""
    found = CALLBACK.fullmatch(callback)
    return int(found[1]) if found else None


def fold(updates: Iterable[StatusUpdate]) -> dict[str, Progress]:
    """One Progress for each message; statuses that we do not know (`warning`, `deleted`, ...) change nothing."""
    drafts: dict[str, _Draft] = {}
    for update in updates:
        if update.status not in KNOWN:
            continue
        draft = drafts.get(update.provider_id)
        if draft is None:
            draft = drafts[update.provider_id] = _Draft(update)
        draft.add(update)
    return {provider_id: draft.finished(provider_id) for provider_id, draft in drafts.items()}


class _Draft:
    """What is known of one message so far. Adding is cheap, and its order does not matter."""

    __slots__ = ("failure", "is_billable", "message_id", "price_category", "status", "times")

    def __init__(self, first: StatusUpdate) -> None:
        self.message_id: int | None = None
        self.status = first.status
        self.times: list[datetime | None] = [None] * len(LADDER)  # at which each rung was told of, at the earliest
        self.failure: StatusUpdate | None = None
        self.price_category = ""
        self.is_billable: bool | None = None

    def add(self, update: StatusUpdate) -> None:
        if STATUS_RANK[update.status] > STATUS_RANK[self.status]:
            self.status = update.status
        rung = RUNGS.get(update.status, 0)  # a failure says that it was accepted once
        known = self.times[rung]
        if known is None or update.at < known:
            self.times[rung] = update.at
        if update.status == MessageStatus.FAILED and (
            self.failure is None or _order_of_failure(update) < _order_of_failure(self.failure)
        ):
            self.failure = update
        if update.callback_data and self.message_id is None:
            self.message_id = message_of(update.callback_data)
        if update.price_category > self.price_category:
            self.price_category = update.price_category
        if update.is_billable is not None:
            self.is_billable = self.is_billable or update.is_billable

    def finished(self, provider_id: str) -> Progress:
        """A rung was reached no later than every higher one."""
        accepted, sent, delivered, read, played = reversed(list(accumulate(reversed(self.times), _earliest)))
        failure = self.failure
        return Progress(
            provider_id=provider_id,
            message_id=self.message_id,
            status=self.status,
            accepted_at=accepted,
            sent_at=sent,
            delivered_at=delivered,
            read_at=read,
            played_at=played,
            failed_at=failure.at if failure else None,
            error_code=failure.error_code if failure else None,
            error_title=failure.error_title if failure else "",
            error_details=failure.error_details if failure else "",
            price_category=self.price_category,
            is_billable=self.is_billable,
        )


def _order_of_failure(update: StatusUpdate) -> tuple[datetime, int, str]:
    return update.at, update.error_code or 0, update.error_details


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one is not None and other is not None else one or other
