"""Folding statuses: any order, any duplicates, any number of batches give the same final state. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

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
    folded: dict[str, Progress] = {}
    for update in updates:
        if update.status not in KNOWN:
            continue
        step = _step(update)
        before = folded.get(update.provider_id)
        folded[update.provider_id] = step if before is None else _join(before, step)
    return folded


def _step(update: StatusUpdate) -> Progress:
    progress = Progress(
        provider_id=update.provider_id,
        message_id=message_of(update.callback_data),
        status=update.status,
        accepted_at=update.at,
        price_category=update.price_category,
        is_billable=update.is_billable,
    )
    if update.status == MessageStatus.FAILED:
        return replace(
            progress,
            failed_at=update.at,
            error_code=update.error_code,
            error_title=update.error_title,
            error_details=update.error_details,
        )
    reached = LADDER[: LADDER.index(MessageStatus(update.status)) + 1]
    times: dict[str, Any] = {f"{rung.value}_at": update.at for rung in reached}
    return replace(progress, **times)


def _join(one: Progress, other: Progress) -> Progress:
    failure = min(
        (each for each in (one, other) if each.failed_at is not None),
        key=lambda each: (each.failed_at, each.error_code or 0, each.error_details),
        default=one,
    )
    billable = [each.is_billable for each in (one, other) if each.is_billable is not None]
    return Progress(
        provider_id=one.provider_id,
        message_id=one.message_id or other.message_id,
        status=max(one.status, other.status, key=lambda status: STATUS_RANK[status]),
        accepted_at=_earliest(one.accepted_at, other.accepted_at),
        sent_at=_earliest(one.sent_at, other.sent_at),
        delivered_at=_earliest(one.delivered_at, other.delivered_at),
        read_at=_earliest(one.read_at, other.read_at),
        played_at=_earliest(one.played_at, other.played_at),
        failed_at=failure.failed_at,
        error_code=failure.error_code,
        error_title=failure.error_title,
        error_details=failure.error_details,
        price_category=max(one.price_category, other.price_category),
        is_billable=any(billable) if billable else None,
    )


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one is not None and other is not None else one or other
