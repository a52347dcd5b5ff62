"""One number's part of a campaign: what waits to be sent from it, and how fast it may."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from campaigns.engine.rows import Row
from messaging.cloud_api import credentials_of
from messaging.gateway import Credentials
from messaging.models import Channel
from messaging.pacing import Pace

SHORTEST_HOLD = 0.25
LONGEST_HOLD = 5.0
LEAST_FACTOR = 0.1


class Lane:
    """Rows in the order of their slots. WhatsApp's "too fast" makes it rest and slow down; success speeds it up."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.credentials: Credentials = credentials_of(channel)
        self.queue: deque[Row] = deque()
        self.wake = asyncio.Event()
        self.is_stopped = False
        self.hold_until = 0.0
        self.allowance = 0
        self._factor = 1.0
        self._strikes = 0
        self._raised_at = 0.0

    def pace(self) -> Pace:
        """What the number may send a second now, all its senders together."""
        return Pace(self.channel.pk, max(self.channel.messages_per_second * self._factor, 0.1))

    def put(self, rows: list[Row]) -> None:
        self.queue.extend(rows)
        self.wake.set()

    def hold(self, now: float) -> float:
        """Too much at once, or nobody answers: rest, twice as long each time in a row. Returns the seconds."""
        if now < self.hold_until:
            return 0.0  # the answers of what was on its way already say nothing new
        seconds = min(SHORTEST_HOLD * 2**self._strikes, LONGEST_HOLD) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        self._strikes += 1
        self.hold_until = now + seconds
        return float(seconds)

    def slow_down(self) -> None:
        self._factor = max(self._factor * 0.7, LEAST_FACTOR)

    def went_well(self, now: float) -> None:
        """Back to full speed within some seconds."""
        self._strikes = 0
        if self._factor < 1.0 and now - self._raised_at > 0.5:
            self._raised_at = now
            self._factor = min(1.0, self._factor + 0.1)
