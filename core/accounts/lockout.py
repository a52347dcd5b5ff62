"""Guessing passwords is slow for everyone but the owner: wrong ones are counted, and then the door stays shut a while."""

from __future__ import annotations

import hashlib

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

MINUTES = 15
FAILURES_FROM_ONE_ADDRESS = 5
FAILURES_FROM_ANYWHERE = 25


def is_locked(email: str, address: str) -> bool:
    """Whether not even the right password is taken now: the same for addresses that nobody here has."""
    try:
        return any(cache.get(key, 0) >= limit for key, limit in _limits(email, address).items())
    except RedisError:
        # The lock-out protects passwords; it must not keep the whole office out while Redis is down.
        log.warning("sign_in_not_counted")
        return False


def count_failure(email: str, address: str) -> bool:
    """Note a wrong password; True when it was the one that locks."""
    try:
        locks = False
        for key, limit in _limits(email, address).items():
            cache.add(key, 0, MINUTES * 60)
            locks |= cache.incr(key) == limit
        return locks
    except (RedisError, ValueError):  # ValueError: it ran out between the two calls
        log.warning("sign_in_not_counted")
        return False


def forget(email: str, address: str) -> None:
    """The owner came in, or set a new password: what was counted of this e-mail is forgotten."""
    try:
        cache.delete_many(_limits(email, address))
    except RedisError:
        log.warning("sign_in_not_counted")


def _limits(email: str, address: str) -> dict[str, int]:
    return {_key(email, address): FAILURES_FROM_ONE_ADDRESS, _key(email): FAILURES_FROM_ANYWHERE}


def _key(*parts: str) -> str:
    return "sign-in:" + hashlib.sha256("|".join(parts).encode()).hexdigest()
