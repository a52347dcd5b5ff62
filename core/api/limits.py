"""How often one caller, and one organisation, may call the API: each call takes a place in both, in one step on Redis.

Generic cell rate: a whole minute's calls may come at once, then they come back evenly; there is no edge of a window at
which twice as many pass. A caller's share is smaller than the house's, so that no script keeps its colleagues out, and
no house another. If Redis is away nobody is held back.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core.actors import Actor

log = structlog.get_logger(__name__)

MINUTE = 60_000_000  # microseconds
PATIENCE_SECONDS = 0.5

# KEYS: caller, house. ARGV: calls a minute of each. Answer: microseconds to wait (0: this call was counted), and for
# each how much of its minute is used. A call that is refused uses nothing.
SCRIPT = """
local now = redis.call('TIME')
local t = now[1] * 1000000 + now[2]
local wait, next, used = 0, {}, {}
for i, key in ipairs(KEYS) do
  local tat = math.max(tonumber(redis.call('GET', key)) or t, t)
  next[i] = tat + 60000000 / tonumber(ARGV[i])
  used[i] = math.floor(tat - t)
  wait = math.max(wait, math.ceil(next[i] - t - 60000000))
end
if wait > 0 then return {wait, used[1], used[2]} end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', next[i]), 'PX', math.ceil((next[i] - t) / 1000) + 1000)
end
return {0, math.floor(next[1] - t), math.floor(next[2] - t)}
"""


class CallLimit(BaseThrottle):
    """The one throttle of the API. What is left goes out in headers (`headers_of`)."""

    wait_seconds: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the call, unless a limit is used up."""
        actor: Actor | None = getattr(request._request, "actor", None)
        if actor is None or actor.membership is None:
            return True
        limits = [settings.API_CALLS_PER_CALLER, settings.API_CALLS_PER_ORGANIZATION]
        caller = f"t{actor.token.pk}" if actor.token else f"m{actor.membership.pk}"
        house = f"majlis:calls:{{{actor.organization.pk}}}"
        try:
            wait, *used = _script(settings.REDIS_URL)(keys=[f"{house}:{caller}", house], args=limits)
        except (redis.RedisError, OSError):
            log.warning("call_limit_away", organization_id=actor.organization.pk)
            return True
        request._request.call_headers = headers_of(limits, used)  # type: ignore[attr-defined]
        self.wait_seconds = math.ceil(wait / 1_000_000) if wait else None
        return not wait

    def wait(self) -> float | None:
        return self.wait_seconds


def headers_of(limits: list[int], used: list[int]) -> dict[str, str]:
    """RateLimit-* of whichever limit is nearer: calls a minute, calls left now, seconds until all are back."""
    left = [limit - math.ceil(limit * part / MINUTE) for limit, part in zip(limits, used, strict=True)]
    nearer = min(range(len(limits)), key=lambda index: left[index])
    return {
        "RateLimit-Limit": str(limits[nearer]),
        "RateLimit-Remaining": str(max(left[nearer], 0)),
        "RateLimit-Reset": str(math.ceil(used[nearer] / 1_000_000)),
    }


@cache
def _script(url: str) -> Any:
    client = redis.Redis.from_url(
        url, socket_connect_timeout=PATIENCE_SECONDS, socket_timeout=PATIENCE_SECONDS, retry=Retry(NoBackoff(), 1)
    )
    return client.register_script(SCRIPT)
