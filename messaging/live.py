"""Telling open inboxes that something changed, over Redis pub/sub: one channel an organisation.

Only a hint travels: nobody is told what was said, nor (see `token_of`) in which conversation of somebody else. The
browser fetches what changed through the ordinary pages, which show each member what that member may see.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from functools import cache

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

_silent_until = 0.0


def announce(*, organization_id: int, conversation_id: int) -> None:
    """Say, once the present transaction has committed, that a conversation changed. Never raises, never waits long."""
    announce_many(organization_id=organization_id, conversation_ids=[conversation_id])


def announce_many(*, organization_id: int, conversation_ids: Iterable[int]) -> None:
    """Say it of several conversations in one message: for work done in batches."""
    ids = ",".join(str(conversation_id) for conversation_id in sorted(set(conversation_ids)))
    if ids:
        transaction.on_commit(lambda: _publish(channel_of(organization_id), ids), robust=True)


def dismiss(*, organization_id: int, membership_id: int) -> None:
    """End the lines of a member who was suspended, once the transaction has committed. A negative number is a member."""
    transaction.on_commit(lambda: _publish(channel_of(organization_id), f"-{membership_id}"), robust=True)


def channel_of(organization_id: int) -> str:
    """The name of an organisation's pub/sub channel."""
    return f"majlis:live:{organization_id}"


def token_of(*, membership_id: int, conversation_id: int) -> str:
    """What stands for a conversation in one member's stream.

    It says nothing to who does not see the conversation already: its page carries the token, and so is recognised.
    """
    text = f"{membership_id}:{conversation_id}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), b"majlis.live:" + text, hashlib.sha256).hex()[:16]


async def changes(
    *,
    organization_id: int,
    membership_id: int = 0,
    heartbeat_seconds: float,
    gather_seconds: float,
    lifetime_seconds: float,
) -> AsyncIterator[frozenset[int]]:
    """The ids of conversations as they change, gathered for a moment; an empty set at the start and as a sign of life.

    Ends after the lifetime, so that whoever listens is let in anew, and at once when the member is dismissed. Raises redis.RedisError when Redis is not there.
    """
    client = redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=PATIENCE_SECONDS, retry=Retry(NoBackoff(), 0), decode_responses=True
    )
    listener = client.pubsub(ignore_subscribe_messages=True)
    try:
        await listener.subscribe(channel_of(organization_id))
        yield frozenset()
        end = time.monotonic() + lifetime_seconds
        while (left := end - time.monotonic()) > 0:
            first = await _next(listener, min(heartbeat_seconds, left))
            if first:
                await asyncio.sleep(gather_seconds)
                while more := await _next(listener, 0):
                    first |= more
            if -membership_id in first:
                return
            yield frozenset(each for each in first if each > 0)
    finally:
        with suppress(redis.RedisError, OSError):
            await listener.aclose()  # type: ignore[no-untyped-call]
            await client.aclose()


async def _next(listener: redis.asyncio.client.PubSub, seconds: float) -> frozenset[int]:
    """The ids of the next message, or none when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        left = max(deadline - time.monotonic(), 0)
        message = await listener.get_message(ignore_subscribe_messages=True, timeout=left)
        if message is not None:
            return frozenset(int(part) for part in message["data"].split(","))
        if time.monotonic() >= deadline:
            return frozenset()


def _publish(channel: str, ids: str) -> None:
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        _client(settings.REDIS_URL).publish(channel, ids)
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
