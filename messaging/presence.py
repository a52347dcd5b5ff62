"""Who has a conversation before their eyes now, and who writes: kept in Redis for half a minute, a hint and no more.

Nothing rests on it. When Redis is away nobody is shown, and nobody waits.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

STAYS_SECONDS = 40
PATIENCE_SECONDS = 0.3


def note(*, organization_id: int, conversation_id: int, membership_id: int, is_typing: bool) -> bool:
    """This member is here. True when that is news for others: somebody came, began or stopped to write."""
    key, now = _key(organization_id, conversation_id), int(time.time())
    try:
        pipe = _client(settings.REDIS_URL).pipeline()
        pipe.hget(key, str(membership_id))
        pipe.hset(key, str(membership_id), f"{now}:{int(is_typing)}")
        pipe.expire(key, STAYS_SECONDS)
        before = pipe.execute()[0]
    except (redis.RedisError, OSError):
        return False
    at, _, typed = (before or b"0:0").decode().partition(":")
    return now - int(at) > STAYS_SECONDS or typed != str(int(is_typing))


def leave(*, organization_id: int, conversation_id: int, membership_id: int) -> None:
    """This member looks at something else."""
    try:
        _client(settings.REDIS_URL).hdel(_key(organization_id, conversation_id), str(membership_id))
    except (redis.RedisError, OSError):
        return


def others(*, organization_id: int, conversation_id: int, membership_id: int | None) -> dict[int, bool]:
    """The other members who are here, each with whether they write."""
    rows: Any
    try:
        rows = _client(settings.REDIS_URL).hgetall(_key(organization_id, conversation_id))
    except (redis.RedisError, OSError):
        return {}
    now, found = int(time.time()), {}
    for name, value in rows.items():
        at, _, typed = value.decode().partition(":")
        if int(name) != membership_id and now - int(at) <= STAYS_SECONDS:
            found[int(name)] = typed == "1"
    return found


def _key(organization_id: int, conversation_id: int) -> str:
    return f"majlis:present:{organization_id}:{conversation_id}"


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_connect_timeout=PATIENCE_SECONDS, socket_timeout=PATIENCE_SECONDS, retry=Retry(NoBackoff(), 0)
    )
