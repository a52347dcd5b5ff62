"""How fast a number may write: at all, and to one person. Generic cell rate (GCRA), one atomic step on Redis.

Both limits are asked together and used together: a message that the pair must wait for costs the number nothing.
Redis keeps the time, so that many workers share one clock. If Redis is away nobody is held back: WhatsApp itself
refuses what is too fast, and such a message is queued again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import redis
import redis.asyncio
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

# One message in 6 seconds to one person, of which 45 may be borrowed at once (whatsapp.md, "Limits").
PAIR_INTERVAL_SECONDS = 6.0
PAIR_BURST = 45
# Of a second's messages this share may go out at once; the rest follow evenly.
NUMBER_BURST_SHARE = 0.2
PATIENCE_SECONDS = 1.0

# KEYS: number, pair. ARGV, in microseconds: number interval, number tolerance, pair interval, pair tolerance, and how
# long the caller is willing to wait for a slot that is taken now. Answer: {1 or 0, wait}.
SCRIPT = """
local now = redis.call('TIME')
local t = now[1] * 1000000 + now[2]
local function slot(key, interval, tolerance)
  local tat = tonumber(redis.call('GET', key)) or t
  if tat < t then tat = t end
  return tat + interval, math.max(tat - tolerance - t, 0)
end
local number_next, number_wait = slot(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]))
local pair_next, pair_wait = slot(KEYS[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
local wait = math.max(number_wait, pair_wait)
if wait > tonumber(ARGV[5]) then return {0, wait} end
redis.call('SET', KEYS[1], string.format('%.0f', number_next), 'PX', math.ceil((number_next - t) / 1000) + 1000)
redis.call('SET', KEYS[2], string.format('%.0f', pair_next), 'PX', math.ceil((pair_next - t) / 1000) + 1000)
return {1, wait}
"""

# The number rests: its next slot is not before that time.
REST_SCRIPT = """
local now = redis.call('TIME')
local t = now[1] * 1000000 + now[2]
local tat = math.max(tonumber(redis.call('GET', KEYS[1])) or t, t + tonumber(ARGV[1]) + tonumber(ARGV[2]))
redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.ceil((tat - t) / 1000) + 1000)
return 1
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether a slot was taken, and the seconds to wait: before sending if it was, before asking again if not."""

    is_granted: bool
    wait: float


@dataclass(frozen=True, slots=True)
class Pace:
    """The limits of one number. `per_second` may be set lower than WhatsApp allows, never higher."""

    channel_id: int
    per_second: float

    def arguments(self, to: str, patience: float) -> tuple[list[str], list[int]]:
        """Keys and arguments of the script for one message to `to` (digits or a user id)."""
        keys = [f"majlis:pace:{{{self.channel_id}}}", f"majlis:pace:{{{self.channel_id}}}:{to}"]
        interval = 1_000_000 / self.per_second
        burst = max(1, round(self.per_second * NUMBER_BURST_SHARE))
        pair = PAIR_INTERVAL_SECONDS * 1_000_000
        return keys, [
            round(interval),
            round(interval * (burst - 1)),
            round(pair),
            round(pair * (PAIR_BURST - 1)),
            round(patience * 1_000_000),
        ]


def take_turn(pace: Pace, to: str, *, patience: float = 0.0) -> Turn:
    """Ask for a slot; one that comes free within `patience` seconds is taken at once, to be waited for."""
    keys, arguments = pace.arguments(to, patience)
    try:
        return _turn(_script(settings.REDIS_URL)(keys=keys, args=arguments))
    except (redis.RedisError, OSError):
        log.warning("pacing_away", channel_id=pace.channel_id)
        return Turn(is_granted=True, wait=0.0)


class AsyncPacer:
    """The same for campaigns: many messages of one number in one round trip."""

    def __init__(self) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            socket_connect_timeout=PATIENCE_SECONDS,
            socket_timeout=PATIENCE_SECONDS,
            retry=redis.asyncio.retry.Retry(NoBackoff(), 1),
        )
        self._script = self._redis.register_script(SCRIPT)

    async def take_turns(self, pace: Pace, recipients: Sequence[str], *, patience: float = 1.0) -> list[Turn]:
        """A slot for each recipient, in order. Granted turns say how long to wait before sending."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for to in recipients:
                    keys, arguments = pace.arguments(to, patience)
                    await self._script(keys=keys, args=arguments, client=pipe)
                return [_turn(answer) for answer in await pipe.execute()]
        except (redis.RedisError, OSError):
            log.warning("pacing_away", channel_id=pace.channel_id)
            return [Turn(is_granted=True, wait=index / pace.per_second) for index in range(len(recipients))]

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._redis.aclose()


def rest(pace: Pace, *, seconds: float) -> None:
    """After WhatsApp said "too fast" (130429): let the number be silent for so long."""
    keys, arguments = pace.arguments("", 0)
    try:
        _client(settings.REDIS_URL).eval(REST_SCRIPT, 1, keys[0], round(seconds * 1_000_000), arguments[1])
    except (redis.RedisError, OSError):
        log.warning("pacing_away", channel_id=pace.channel_id)


def _turn(answer: list[int]) -> Turn:
    return Turn(is_granted=bool(answer[0]), wait=int(answer[1]) / 1_000_000)


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=PATIENCE_SECONDS,
        socket_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


@cache
def _script(url: str) -> redis.commands.core.Script:
    return _client(url).register_script(SCRIPT)
