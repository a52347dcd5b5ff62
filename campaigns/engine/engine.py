"""One slice of a running campaign: mark, send, settle, all at once and each in batches.

The producer commits rows as being sent; a driver for each number sends at the number's pace; the
flusher writes what became of them; the pulse keeps the lease and reads whether to go on. Ends after `seconds` at the
latest, with nothing in flight and nothing taken: a long campaign is many slices, so deploys and lost workers cost little.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from datetime import datetime

import structlog
from django.db import DatabaseError
from django.utils import timezone

from campaigns import live, services
from campaigns.engine import effects, guarding, plan, rows
from campaigns.engine.database import Database
from campaigns.engine.flushing import Flusher
from campaigns.engine.lanes import Lane
from campaigns.engine.producing import Producer
from campaigns.engine.rows import Row
from campaigns.engine.slots import TOLERANCE_SECONDS, Slots
from campaigns.engine.verdict import End, Verdict
from campaigns.models import PauseCause
from messaging.cloud_api import CloudClient
from messaging.gateway import Gateway

log = structlog.get_logger(__name__)

SLICE_SECONDS = 20.0
PULSE_SECONDS = 0.5
# When others wait for a worker, a slice is over after so long: a small campaign does not starve behind huge ones.
FAIR_SECONDS = 3.0
CHANNELS_EVERY_PULSES = 4
MOST_CONNECTIONS = 256


async def run_slice(organization_id: int, campaign_id: int, *, seconds: float = SLICE_SECONDS) -> Verdict:
    """Send for some seconds. Finds nothing to do when the campaign is not running or another engine sends it."""
    async with Database(organization_id) as database, Database(organization_id) as writing:
        taken = await database(rows.acquire, campaign_id)
        if taken is None:
            return Verdict.NOT_OURS
        token, spacing_left = taken
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
                engine.producer.rest(min(spacing_left, found.campaign.spacing_max_seconds or 0))
                return await engine.run(connections)
        finally:
            await slots.aclose()


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
        self.end: End | None = None
        self.flusher = Flusher(writing, found.campaign, lambda: self.stop(Verdict.STOPPED))
        self._loop = asyncio.get_running_loop()
        self.deadline = self._loop.time() + seconds
        self._fair_until = self._loop.time() + FAIR_SECONDS
        self.sending: set[asyncio.Task[None]] = set()
        self._next_at = 0.0
        self.quiet: dict[str, datetime] = {}
        self._moved = asyncio.Event()
        self.producer = Producer(self)

    async def run(self, connections: int) -> Verdict:
        """The whole slice."""
        self._room = asyncio.Semaphore(connections)
        await self.beat(0)  # it may be quiet hours, or over already
        drivers = [asyncio.create_task(self._drive(lane)) for lane in self.lanes]
        pulse = asyncio.create_task(self._keep_pulse())
        flushing = asyncio.create_task(self.flusher.run())
        try:
            await self.producer.run()
        finally:
            self.stop(Verdict.MORE)
            await asyncio.gather(*drivers, return_exceptions=True)
            for lane in self.lanes:  # what the producer still brought when the drivers had gone
                self.flusher.give_back(lane.queue)
            await asyncio.gather(*self.sending, return_exceptions=True)
            await self.flusher.close(flushing)
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)
        return await self._finish()

    def stop(self, verdict: Verdict, note: str = "", wakes_at: datetime | None = None) -> None:
        """End the slice as soon as what is on its way has arrived. The first reason counts."""
        if self.end is None:
            self.end = End(verdict, note, wakes_at)
            self._moved.set()
            for lane in self.lanes:
                lane.wake.set()

    @property
    def campaign_rate(self) -> float:
        """Messages a second of the whole campaign now."""
        able = sum(lane.channel.messages_per_second for lane in self.lanes if not lane.is_stopped)
        return float(min(self.plan.campaign.messages_per_second or able, able))

    @property
    def is_on_its_way(self) -> bool:
        """Whether anything was marked as being sent of which nothing is written yet."""
        return bool(self.sending or self.flusher.is_busy or any(lane.queue for lane in self.lanes))

    async def pause(self, reason: str, cause: PauseCause) -> None:
        """Stop the whole campaign, for a reason that no single answer gave."""
        if await self.database(effects.pause, self.plan.campaign, reason, None, timezone.now(), cause):
            self.stop(Verdict.STOPPED)
        else:
            await self.nap(0.25)  # somebody holds it at this moment

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
            self.sending.add(task)
            task.add_done_callback(self.sending.discard)
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
            if self._loop.time() > self._fair_until and await self.slots.others_wait():
                self.deadline = self._loop.time()
            await self.beat(beats)

    async def beat(self, beats: int) -> None:
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
        self.quiet = self.plan.quiet_zones(now)
        if self.end is not None:
            return
        if len(self.quiet) == len(self.plan.zones):
            self.wait_for_morning("")
        elif beats % CHANNELS_EVERY_PULSES == CHANNELS_EVERY_PULSES - 1:
            able = {each.pk for each in await self.database(plan.able_channels, self.plan.campaign)}
            for lane in self.lanes:
                if lane.channel.pk not in able:
                    lane.is_stopped = True
                    lane.wake.set()
        elif beats % CHANNELS_EVERY_PULSES == 1:
            campaign = self.plan.campaign
            reason = await self.database(guarding.failing, campaign, self.producer.watermark, self.plan.since)
            if reason:
                await self.pause(reason, PauseCause.FAILURES)

    def wait_for_morning(self, who: str) -> None:
        until = min(self.quiet.values())
        self.stop(Verdict.WAITING, f"Quiet hours until {until:%H:%M}, {until.tzinfo}. {who}".strip(), until)

    def _tell(self) -> None:
        """Let open pages look: twice a second, however many messages go out meanwhile."""
        campaign = self.plan.campaign
        live.announce(organization_id=campaign.organization_id, campaign_ids=[campaign.pk])

    async def _finish(self) -> Verdict:
        end = self.end or End(Verdict.MORE)
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

    async def nap(self, seconds: float) -> None:
        """The producer waits until something moved."""
        self._moved.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), seconds)
