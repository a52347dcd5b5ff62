"""Writes what became of messages, many at a time, and acts on what the answers say beyond their recipients."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog
from django.utils import timezone

from campaigns.engine import effects, rows
from campaigns.engine.database import Database
from campaigns.engine.judging import Effect, Judgement, judge
from campaigns.engine.lanes import Lane
from campaigns.engine.rows import Outcome, Row
from campaigns.models import Campaign, PauseCause, Status
from messaging.gateway import Outcome as Answer

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 0.05
FLUSH_ROWS = 500
# So many answers in a row that leave us in doubt: rest; and then: stop, before more people are.
DOUBTS_TO_REST = 10
DOUBTS_TO_PAUSE = 50


class Flusher:
    """Answers come in by `add`; `on_pause` is told when one of them stops the whole campaign."""

    def __init__(self, database: Database, campaign: Campaign, on_pause: Callable[[], None]) -> None:
        self.note = ""
        self._database = database
        self._campaign = campaign
        self._on_pause = on_pause
        self._outcomes: deque[Outcome] = deque()
        self._pause: tuple[str, int | None, PauseCause] | None = None
        self._is_paused = False
        self._stopped: dict[int, tuple[Lane, str, int | None]] = {}
        self._opted_out: list[tuple[int, str]] = []
        self._suspects: list[int] = []
        self._doubts = 0
        self._full = asyncio.Event()
        self._is_closing = False
        self._is_writing = False
        self._loop = asyncio.get_running_loop()

    @property
    def is_busy(self) -> bool:
        return bool(self._outcomes or self._stopped) or self._is_writing

    def add(self, lane: Lane, row: Row, answer: Answer) -> None:
        """One answer: noted for the next write; what it says of the number counts at once."""
        judgement = judge(row, answer)
        self._outcomes.append(judgement.outcome)
        if judgement.effect is Effect.GOOD:
            self._doubts = 0
            lane.went_well(self._loop.time())
        elif judgement.effect is not Effect.NONE:
            self._heed(lane, row, judgement)
        if len(self._outcomes) >= FLUSH_ROWS:
            self._full.set()

    def give_back(self, queue: deque[Row]) -> None:
        """Rows that were marked as being sent and provably never written: they wait again, as if not touched."""
        while queue:
            self._outcomes.append(Outcome(queue.popleft(), Status.PENDING))

    async def run(self) -> None:
        """Write every few hundredths of a second until closed."""
        while not (self._is_closing and not self._outcomes):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), 0 if self._is_closing else FLUSH_SECONDS)
            self._full.clear()
            await self._flush()

    async def close(self, running: asyncio.Task[None]) -> None:
        """Write the rest. Rows that cannot be written stay as they are: in doubt once their lease is over."""
        self._is_closing = True
        self._full.set()
        await running

    def _heed(self, lane: Lane, row: Row, judgement: Judgement) -> None:
        now, effect = self._loop.time(), judgement.effect
        if effect is Effect.THROTTLED:
            if seconds := lane.hold(now):
                lane.slow_down()
                self.note = f"WhatsApp asks {lane.channel.name} to slow down; it rests for {seconds:.1f} s."
        elif effect is Effect.UNREACHABLE:
            lane.hold(now)
            self.note = f"WhatsApp cannot be reached ({judgement.reason}); tried again every few seconds."
        elif effect is Effect.IN_DOUBT:
            self._doubts += 1
            if self._doubts >= DOUBTS_TO_REST:
                lane.hold(now)
                self.note = "WhatsApp does not answer clearly; sending is slowed down."
            if self._doubts >= DOUBTS_TO_PAUSE:
                reason = f"WhatsApp left open what became of the last {self._doubts} messages, so nothing more is sent."
                self._pause_for(reason, None, PauseCause.DOUBTS)
        elif effect is Effect.STOP_CHANNEL:
            lane.is_stopped = True
            lane.wake.set()
            self._stopped.setdefault(lane.channel.pk, (lane, judgement.reason, judgement.code))
        elif effect is Effect.PAUSE:
            self._pause_for(judgement.reason, judgement.code, PauseCause.REFUSED)
        elif effect is Effect.OPT_OUT:
            self._opted_out.append((row.contact_id, row.recipient))
        elif effect is Effect.SUSPECT:
            self._suspects.append(row.message_id)

    def _pause_for(self, reason: str, code: int | None, cause: PauseCause) -> None:
        if self._pause is None:
            self._pause = (reason, code, cause)
            self._on_pause()

    async def _flush(self) -> None:
        batch = [self._outcomes.popleft() for _ in range(min(FLUSH_ROWS, len(self._outcomes)))]
        self._is_writing = True
        try:
            if batch:
                # One row can be here twice only across batches: its next try starts after this write.
                await self._database(rows.settle, self._campaign.organization_id, batch, timezone.now())
            await self._act(timezone.now())
        finally:
            self._is_writing = False

    async def _act(self, at: datetime) -> None:
        while self._stopped:
            _, (lane, reason, code) = self._stopped.popitem()
            await self._database(effects.stop_channel, lane.channel, reason, code, at)
        if self._pause is not None and not self._is_paused:
            reason, code, cause = self._pause
            self._is_paused = await self._database(effects.pause, self._campaign, reason, code, at, cause)
        if self._opted_out:
            people, self._opted_out = self._opted_out, []
            await self._database(effects.keep_opt_outs, self._campaign, people, at)
        if self._suspects:
            ids, self._suspects = self._suspects, []
            await self._database(effects.suspect, self._campaign, ids, at)
