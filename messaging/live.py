"""Telling open inboxes that something changed, over a short log in Redis: one stream an organisation.

Only a hint travels: nobody is told what was said, nor (see `token_of`) in which conversation of somebody else. The
browser fetches what changed through the ordinary pages, which show each member what that member may see.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
import redis.asyncio
import structlog
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 0.5
# After Redis did not answer nobody tries again for this long: a change must never wait for a hint.
REST_SECONDS = 5.0
# Whoever was away for less catches up from the log; everybody else looks at everything.
MOST_KEPT, KEPT_SECONDS = 2000, 3600
PLACE = re.compile(r"\d{1,15}-\d{1,9}")

_silent_until = 0.0


def announce(*, organization_id: int, conversation_id: int) -> None:
    """Say, once the present transaction has committed, that a conversation changed. Never raises, never waits long."""
    announce_many(organization_id=organization_id, conversation_ids=[conversation_id])


def announce_many(*, organization_id: int, conversation_ids: Iterable[int]) -> None:
    """Say it of several conversations in one message: for work done in batches."""
    announce_rows(organization_id=organization_id, ids=conversation_ids)


def announce_rows(*, organization_id: int, ids: Iterable[int], topic: str = "") -> None:
    """Say it of rows of another kind, on the log of its `topic`: who listens to the inbox is not woken by them."""
    said = ",".join(str(each) for each in sorted(set(ids)))
    if said:
        transaction.on_commit(lambda: _publish(channel_of(organization_id, topic), said), robust=True)


def dismiss(*, organization_id: int, membership_id: int, topic: str = "") -> None:
    """End the lines of a member who was suspended, once the transaction has committed. A negative number is a member."""
    transaction.on_commit(lambda: _publish(channel_of(organization_id, topic), f"-{membership_id}"), robust=True)


def channel_of(organization_id: int, topic: str = "") -> str:
    """The name of an organisation's log; conversations are the one without a topic."""
    return f"majlis:live:{organization_id}" + (f":{topic}" if topic else "")


def token_of(*, membership_id: int, conversation_id: int) -> str:
    """What stands for a conversation in one member's stream.

    It says nothing to who does not see the conversation already: its page carries the token, and so is recognised.
    """
    text = f"{membership_id}:{conversation_id}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), b"majlis.live:" + text, hashlib.sha256).hex()[:16]


@dataclass(frozen=True, slots=True)
class Heard:
    """What changed, and the place in the log after it. `is_gap`: what came before is not known; look at everything."""

    place: str
    ids: frozenset[int]
    is_gap: bool = False


async def changes(
    *,
    organization_id: int,
    membership_id: int = 0,
    after: str = "",
    heartbeat_seconds: float,
    gather_seconds: float,
    lifetime_seconds: float,
    topic: str = "",
) -> AsyncIterator[Heard]:
    """The ids of conversations (or of a topic's rows) as they change, gathered for a moment; none as a sign of life.

    The first says where the line begins: after the place `after` that somebody has heard up to, with all that was
    missed since, or with `is_gap` when the log no longer reaches so far back. Ends after the lifetime, so that whoever
    listens is let in anew, and at once when the member is dismissed. Raises redis.RedisError when Redis is not there.
    """
    client = redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=PATIENCE_SECONDS, retry=Retry(NoBackoff(), 0), decode_responses=True
    )
    key = channel_of(organization_id, topic)
    try:
        first = await _resumed(client, key, after)
        yield first
        place, end = first.place, time.monotonic() + lifetime_seconds
        while (left := end - time.monotonic()) > 0:
            place, ids = await _next(client, key, place, min(heartbeat_seconds, left))
            if ids:
                await asyncio.sleep(gather_seconds)
                place, more = await _next(client, key, place, 0)
                ids |= more
            if -membership_id in ids:
                return
            yield Heard(place, frozenset(each for each in ids if each > 0))
    finally:
        with suppress(redis.RedisError, OSError):
            await client.aclose()


async def _resumed(client: Any, key: str, after: str) -> Heard:
    """What was missed since, if the log still has all of it."""
    oldest = await client.xrange(key, count=1)
    if PLACE.fullmatch(after) and oldest and _order(oldest[0][0]) <= _order(after):
        missed = await client.xrange(key, min=f"({after}")
        ids = _all(missed)
        # Whoever was dismissed meanwhile has been let in again: that news is old.
        return Heard(missed[-1][0] if missed else after, frozenset(each for each in ids if each > 0))
    newest = await client.xrevrange(key, count=1)
    return Heard(newest[0][0] if newest else "0-0", frozenset(), is_gap=True)


async def _next(client: Any, key: str, place: str, seconds: float) -> tuple[str, frozenset[int]]:
    """The entries after that place, or none when there are none in time."""
    block = max(int(seconds * 1000), 1) if seconds else None
    answer = await client.xread({key: place}, count=MOST_KEPT, block=block)
    entries = answer[0][1] if answer else []
    return (entries[-1][0] if entries else place), _all(entries)


def _all(entries: Iterable[tuple[str, Mapping[str, str]]]) -> frozenset[int]:
    return frozenset(int(part) for _, entry in entries for part in entry["ids"].split(","))


def _order(place: str) -> tuple[int, int]:
    at, _, number = place.partition("-")
    return int(at), int(number)


def _publish(channel: str, ids: str) -> None:
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        pipe = _client(settings.REDIS_URL).pipeline(transaction=False)
        pipe.xadd(channel, {"ids": ids}, maxlen=MOST_KEPT, approximate=True)
        pipe.expire(channel, KEPT_SECONDS)
        pipe.execute()
    except (redis.RedisError, OSError):
        _silent_until = time.monotonic() + REST_SECONDS
        log.warning("live_hint_lost", channel=channel)


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=PATIENCE_SECONDS,
        socket_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
