"""Signing in by e-mail and password, with a lock-out: guessing is slow for everyone but the owner."""

from __future__ import annotations

import hashlib
from typing import Any

import structlog
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

LOCKED_FOR_SECONDS = 15 * 60
FAILURES_FROM_ONE_ADDRESS = 5
FAILURES_FROM_ANYWHERE = 25


class SignInBackend(ModelBackend):
    """Django's own, counting failures per e-mail and address (5) and per e-mail (25) in a quarter of an hour.

    While locked, the right password is refused as well: PermissionDenied, which Django turns into a failed sign-in.
    """

    def authenticate(  # type: ignore[override]  # the stubs name one of two equal shapes
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> AbstractBaseUser | None:
        email = (username or "").strip().lower()
        address = request.META.get("REMOTE_ADDR", "") if request else ""
        limits = {_key(email, address): FAILURES_FROM_ONE_ADDRESS, _key(email): FAILURES_FROM_ANYWHERE}
        try:
            if any(cache.get(key, 0) >= limit for key, limit in limits.items()):
                log.warning("sign_in_locked")
                raise PermissionDenied
            user = super().authenticate(request, username=email, password=password, **kwargs)
            if user is None:
                for key in limits:
                    cache.add(key, 0, LOCKED_FOR_SECONDS)
                    cache.incr(key)
            else:
                cache.delete_many(limits)
        except RedisError:
            # The lock-out protects passwords; it must not keep the whole office out while Redis is down.
            log.warning("sign_in_not_counted")
            return super().authenticate(request, username=email, password=password, **kwargs)
        return user


def _key(*parts: str) -> str:
    return "sign-in:" + hashlib.sha256("|".join(parts).encode()).hexdigest()
