"""One slice of a running campaign: claim, submit, send, settle, all at once and each in batches.

The producer claims rows and commits them as being sent; a driver for each number sends at the number's pace; the
flusher writes what became of them; the pulse keeps the lease and reads whether to go on. Ends after `seconds` at the
latest, with nothing in flight and nothing taken: a long campaign is many slices, so deploys and lost workers cost little.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from django.db import DatabaseError
from django.utils import timezone

from campaigns import live, services
from campaigns.engine import effects, plan, rows
from campaigns.engine.database import Database
from campaigns.engine.flushing import Flusher
from campaigns.engine.lanes import Lane
from campaigns.engine.rows import Row
from campaigns.engine.slots import TOLERANCE_SECONDS, Slots
from messaging.cloud_api import CloudClient
from messaging.gateway import Gateway

log = structlog.get_logger(__name__)

SLICE_SECONDS = 20.0
PULSE_SECONDS = 0.5
CHANNELS_EVERY_PULSES = 4
AHEAD_SECONDS = 0.25
LARGEST_BATCH = 250
MOST_CLAIMED = 500
MOST_CONNECTIONS = 256
LONGEST_NAP = 5.0


class Verdict(StrEnum):
    """Why a slice ended."""

    NOT_OURS = "not_ours"  # not running, or another engine has it
    MORE = "more"
    WAITING = "waiting"  # nothing can go out before a certain time
    STOPPED = "stopped"  # paused, cancelled
    FENCED = "fenced"
    ENDED = "ended"
    DONE = "done"


async def run_slice(organization_id: int, campaign_id: int, *, seconds: float = SLICE_SECONDS) -> Verdict:
    """Send for some seconds. Finds nothing to do when the campaign is not running or another engine sends it."""
    async with Database(organization_id) as database, Database(organization_id) as writing:
        token = await database(rows.acquire, campaign_id)
        if token is None:
            return Verdict.NOT_OURS
        found = await database(plan.load, campaign_id)
        channels = await database(plan.able_channels, found.campaign) if found else []
        if found is None:
            await database(rows.release, campaign_id, token, "", None)
            return Verdict.NOT_OURS
        slots = Slots()
        try:
            pace = services.pace_of(found.campaign, channels)
            connections = max(16, min(MOST_CONNECTIONS, pace // 2))
            async with CloudClient(connections=connections) as client:
                lanes = [Lane(channel) for channel in channels]
                engine = Engine(database, writing, found, token, client, slots, lanes, seconds)
                return await engine.run(connections)
        finally:
            await slots.aclose()


@dataclass(slots=True)
class _End:
    verdict: Verdict
    note: str = ""
    wakes_at: datetime | None = None


class Engine:
    """The state of one slice. Everything here runs in one event loop, so nothing needs a lock."""

    def __init__(
        self,
        database: Database,
        writing: Database,
        found: plan.Plan,
        token: int,
        client: Gateway,
        slots: Slots,
        lanes: list[Lane],
        seconds: float,
    ) -> None:
        self.database = database
        self.plan = found
        self.token = token
        self.client = client
        self.slots = slots
        self.lanes = lanes
        self.end: _End | None = None
        self.flusher = Flusher(writing, found.campaign, lambda: self.stop(Verdict.STOPPED))
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + seconds
        self._sending: set[asyncio.Task[None]] = set()
        self._claimed: deque[Row] = deque()
        self._watermark = 0
        self._turn = 0
        self._next_at = 0.0
        self._moved = asyncio.Event()

    async def run(self, connections: int) -> Verdict:
        """The whole slice."""
        self._room = asyncio.Semaphore(connections)
        await self._beat(0)  # it may be quiet hours, or over already
        drivers = [asyncio.create_task(self._drive(lane)) for lane in self.lanes]
        pulse = asyncio.create_task(self._keep_pulse())
        flushing = asyncio.create_task(self.flusher.run())
        try:
            await self._produce()
        finally:
            self.stop(Verdict.MORE)
            await asyncio.gather(*drivers, return_exceptions=True)
            for lane in self.lanes:  # what the producer still brought when the drivers had gone
                self.flusher.give_back(lane.queue)
            await asyncio.gather(*self._sending, return_exceptions=True)
            await self.flusher.close(flushing)
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)
        return await self._finish()

    def stop(self, verdict: Verdict, note: str = "", wakes_at: datetime | None = None) -> None:
        """End the slice as soon as what is on its way has arrived. The first reason counts."""
        if self.end is None:
            self.end = _End(verdict, note, wakes_at)
            self._moved.set()
            for lane in self.lanes:
                lane.wake.set()

    @property
    def campaign_rate(self) -> float:
        """Messages a second of the whole campaign now."""
        able = sum(lane.channel.messages_per_second for lane in self.lanes if not lane.is_stopped)
        return float(min(self.plan.campaign.messages_per_second or able, able))

    async def _produce(self) -> None:
        while self.end is None:
            able = [lane for lane in self.lanes if not lane.is_stopped]
            if not able:
                await self._without_numbers()
            elif self._loop.time() > self._deadline:
                self.stop(Verdict.MORE)
            else:
                await self._one_batch(able)

    async def _one_batch(self, able: list[Lane]) -> None:
        size = max(1, min(LARGEST_BATCH, int(self.campaign_rate * AHEAD_SECONDS)))
        if sum(len(lane.queue) for lane in able) >= size or all(lane.hold_until > self._loop.time() for lane in able):
            await self._nap(0.05)
            return
        if not self._claimed:
            count = min(MOST_CLAIMED, max(size, int(self.campaign_rate * 2)))
            found = await self.database(rows.claim, self.plan.campaign.pk, self.token, self._watermark, count)
            self._claimed.extend(found)
            if not found and self._watermark:
                self._watermark = 0  # round again, for what was put off
                return
            if not found:
                await self._nothing_to_claim()
                return
            self._watermark = found[-1].id
        batch = [self._claimed.popleft() for _ in range(min(size, len(self._claimed)))]
        for row in batch:
            row.channel_id = able[self._turn % len(able)].channel.pk
            self._turn += 1
        plan = self.plan
        sent = await self.database(
            rows.submit,
            plan.organization,
            plan.template,
            plan.letter,
            able[0].channel,
            self.token,
            batch,
            timezone.now(),
        )
        for lane in able:
            lane.put([row for row in sent if row.channel_id == lane.channel.pk])

    async def _nothing_to_claim(self) -> None:
        """Done, or what is left must wait: until it is due, or until it is known what became of it."""
        if self._sending or self.flusher.is_busy or any(lane.queue for lane in self.lanes):
            await self._nap(0.05)
            return
        await self._beat(0)  # who lost the lease finds nothing either, and has no say in what is left
        if self.end is not None:
            return
        left = await self.database(rows.outlook, self.plan.campaign.pk)
        now = timezone.now()
        if not left.open_rows:
            self.stop(Verdict.DONE)
        elif left.next_at is None:
            note = "Some messages of a lost worker are in doubt; their lease has to run out first."
            self.stop(Verdict.WAITING, note, now + timedelta(seconds=15))
        elif (left.next_at - now).total_seconds() > min(LONGEST_NAP, self._deadline - self._loop.time()):
            note = f"{left.open_rows} wait to be tried again, the first at {left.next_at:%H:%M:%S} UTC."
            self.stop(Verdict.WAITING, note, left.next_at)
        else:
            await self._nap(min(max((left.next_at - now).total_seconds(), 0.05), 0.25))

    async def _drive(self, lane: Lane) -> None:
        """Send what waits for one number, slot by slot."""
        while True:
            if not lane.queue:
                if self.end is not None:
                    return
                lane.wake.clear()
                await lane.wake.wait()
            elif self.end is not None or lane.is_stopped:
                self.flusher.give_back(lane.queue)
            elif (rest := lane.hold_until - self._loop.time()) > 0:
                await asyncio.sleep(min(rest, 0.25))
            else:
                await self._send_in(lane, await self.slots.take(lane.pace(), len(lane.queue)))

    async def _send_in(self, lane: Lane, slots: list[float]) -> None:
        for due in slots:
            wait = max(due, self._own_turn()) - self._loop.time()
            if wait > 0.001:
                await asyncio.sleep(wait)
            await self._room.acquire()
            if self.end is not None or lane.is_stopped or lane.hold_until > self._loop.time() or not lane.queue:
                self._room.release()
                return
            row = lane.queue.popleft()
            task = self._loop.create_task(self._send(lane, row))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        self._moved.set()

    def _own_turn(self) -> float:
        """When the campaign's own pace lets the next message go; at once when it has none."""
        pace = self.plan.campaign.messages_per_second
        if pace is None:
            return 0.0
        turn = max(self._next_at, self._loop.time() - TOLERANCE_SECONDS)
        self._next_at = turn + 1 / pace
        return turn

    async def _send(self, lane: Lane, row: Row) -> None:
        try:
            answer = await self.client.send_message(lane.credentials, self.plan.payload(row))
            self.flusher.add(lane, row, answer)
        finally:
            self._room.release()

    async def _keep_pulse(self) -> None:
        """The pulse for as long as the slice lasts; without a database nothing more is started."""
        try:
            await self._pulse()
        except DatabaseError:
            log.exception("campaign_pulse_lost", campaign_id=self.plan.campaign.pk)
            self.stop(Verdict.MORE)

    async def _pulse(self) -> None:
        for beats in itertools.count(1):
            await asyncio.sleep(PULSE_SECONDS)
            await self._beat(beats)

    async def _beat(self, beats: int) -> None:
        """Show that we live, and read what people decided meanwhile."""
        now = timezone.now()
        seen = await self.database(rows.pulse, self.plan.campaign.pk, self.token, self.flusher.note)
        await self.database(self._tell)
        if seen is None:
            self.stop(Verdict.FENCED)
        elif seen.status != "running":
            self.stop(Verdict.STOPPED)
        elif seen.ends_at is not None and seen.ends_at <= now:
            self.stop(Verdict.ENDED)
        elif (until := self.plan.quiet_until(now)) is not None:
            self.stop(Verdict.WAITING, f"Quiet hours until {until:%H:%M}, {self.plan.organization.time_zone}.", until)
        elif beats % CHANNELS_EVERY_PULSES == CHANNELS_EVERY_PULSES - 1:
            able = {each.pk for each in await self.database(plan.able_channels, self.plan.campaign)}
            for lane in self.lanes:
                if lane.channel.pk not in able:
                    lane.is_stopped = True
                    lane.wake.set()

    def _tell(self) -> None:
        """Let open pages look: twice a second, however many messages go out meanwhile."""
        campaign = self.plan.campaign
        live.announce(organization_id=campaign.organization_id, campaign_ids=[campaign.pk])

    async def _without_numbers(self) -> None:
        """Every number is stopped: the campaign waits for a person, who reads what is wrong with them."""
        while self.flusher.is_busy or self._sending:
            await self._nap(0.05)
        await self.database(effects.pause_without_numbers, self.plan.campaign, timezone.now())
        self.stop(Verdict.STOPPED)

    async def _finish(self) -> Verdict:
        end = self.end or _End(Verdict.MORE)
        campaign = self.plan.campaign
        await self.database(rows.release, campaign.pk, self.token, end.note, end.wakes_at)
        await self.database(self._tell)
        if end.verdict is Verdict.STOPPED:
            await self.database(
                lambda: services.skip_what_came_back(
                    organization_id=campaign.organization_id, campaign_id=campaign.pk, at=timezone.now()
                )
            )
        elif end.verdict is Verdict.ENDED:
            await self.database(lambda: services.end_campaign(campaign=campaign, at=timezone.now()))
        elif end.verdict is Verdict.DONE:
            await self.database(lambda: services.complete_campaign(campaign=campaign, at=timezone.now()))
        log.info("campaign_slice", campaign_id=campaign.pk, verdict=end.verdict.value, token=self.token)
        return end.verdict

    async def _nap(self, seconds: float) -> None:
        """The producer waits until something moved."""
        self._moved.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), seconds)
