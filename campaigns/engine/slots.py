"""When the next messages of a number may go: slots taken in bites, from the pace that all senders of it share.

messaging/pacing.py keeps one time per number on Redis (GCRA). A campaign takes many slots in one step, each one
interval after the other, so what all its senders send together never runs ahead of the number's limit. Each person
gets one message, so the limit per person is left to WhatsApp's own refusal.
"""

from __future__ import annotations

import asyncio

import redis.asyncio
import structlog
from django.conf import settings
from redis.backoff import NoBackoff

from messaging.pacing import PATIENCE_SECONDS, Pace

log = structlog.get_logger(__name__)

# Where the broker keeps the nudges of campaigns that no worker has taken up (CELERY_TASK_ROUTES).
QUEUE = "campaigns"
# What a short stall may catch up with: at 80 a second, four messages.
TOLERANCE_SECONDS = 0.05
# How far ahead slots are taken. Longer would keep others waiting for what a paused campaign does not use.
AHEAD_SECONDS = 0.25

# ARGV, in microseconds: interval, tolerance, how far ahead; and how many are wanted. Answer: {taken, wait for the first}.
TAKE = """
local now = redis.call('TIME')
local t = now[1] * 1000000 + now[2]
local interval, tolerance, ahead = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tat = math.max(tonumber(redis.call('GET', KEYS[1])) or t, t)
local wait = tat - tolerance - t
if wait > ahead then return {0, wait - ahead} end
local taken = math.min(tonumber(ARGV[4]), math.floor((ahead - wait) / interval) + 1)
local next = tat + taken * interval
redis.call('SET', KEYS[1], string.format('%.0f', next), 'PX', math.ceil((next - t) / 1000) + 1000)
return {taken, wait}
"""


class Slots:
    """The shared paces of all numbers, over one connection to Redis."""

    def __init__(self) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            socket_connect_timeout=PATIENCE_SECONDS,
            socket_timeout=PATIENCE_SECONDS,
            retry=redis.asyncio.retry.Retry(NoBackoff(), 1),
        )
        self._take = self._redis.register_script(TAKE)
        self._alone: dict[int, float] = {}

    async def take(self, pace: Pace, wanted: int) -> list[float]:
        """Up to `wanted` moments of the event loop's clock at which to send. May wait, and answer with none."""
        interval = 1 / pace.per_second
        keys, _ = pace.arguments("", 0)
        arguments = [round(each * 1_000_000) for each in (interval, TOLERANCE_SECONDS, AHEAD_SECONDS)]
        try:
            taken, wait = await self._take(keys=keys[:1], args=[*arguments, wanted])
        except (redis.RedisError, OSError):
            return await self._take_alone(pace, wanted)
        now = asyncio.get_running_loop().time()
        if not taken:
            await asyncio.sleep(min(int(wait) / 1_000_000, AHEAD_SECONDS) + 0.001)
            return []
        first = now + int(wait) / 1_000_000
        return [first + number * interval for number in range(int(taken))]

    async def _take_alone(self, pace: Pace, wanted: int) -> list[float]:
        """Redis is away: keep the pace by ourselves. Another sender of the number may do so too; WhatsApp refuses then."""
        if pace.channel_id not in self._alone:
            log.warning("pacing_away", channel_id=pace.channel_id)
        now = asyncio.get_running_loop().time()
        first = max(self._alone.get(pace.channel_id, now), now)
        if first - now > AHEAD_SECONDS:
            await asyncio.sleep(AHEAD_SECONDS)
            return []
        interval = 1 / pace.per_second
        count = max(1, min(wanted, int(AHEAD_SECONDS / interval)))
        self._alone[pace.channel_id] = first + count * interval
        return [first + number * interval for number in range(count)]

    async def others_wait(self) -> bool:
        """Whether another campaign, of whichever organisation, waits for a worker. False when nobody can say."""
        try:
            return bool(await self._redis.llen(QUEUE))
        except (redis.RedisError, OSError):
            return False

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._redis.aclose()
