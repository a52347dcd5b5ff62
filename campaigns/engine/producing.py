"""What a slice sends next: rows that wait, shared out among the numbers, and marked as being sent, a batch at a time.

Holds back for the numbers' allowance, the canary, random spacing and the night; says why when nothing is left to do now.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from campaigns.engine import allowance, effects, guarding, rows
from campaigns.engine.lanes import Lane
from campaigns.engine.rows import Row
from campaigns.engine.verdict import Verdict
from campaigns.models import PauseCause
from messaging.models import Channel

if TYPE_CHECKING:
    from campaigns.engine.engine import Engine

AHEAD_SECONDS = 0.25
LARGEST_BATCH = 500
MOST_WAITING = 1000
LONGEST_NAP = 5.0
ALLOWANCE_SECONDS = 5.0
SMALLEST_ALLOWANCE = 100


class Producer:
    """Feeds the lanes of one engine. `watermark`: the last row that was looked at."""

    def __init__(self, engine: Engine) -> None:
        self.watermark = 0
        self._engine = engine
        self._ask = engine.database
        self._campaign = engine.plan.campaign
        self._waiting: deque[Row] = deque()
        self._turn = 0
        self._spaced_at = 0.0
        self._canary: int | None = None
        self._loop = asyncio.get_running_loop()

    def rest(self, seconds: float) -> None:
        """Random spacing: nothing goes out for so long."""
        self._spaced_at = self._loop.time() + seconds

    async def run(self) -> None:
        """Until the slice ends."""
        self._canary = await self._ask(guarding.canary_left, self._campaign)
        while self._engine.end is None:
            able = [lane for lane in self._engine.lanes if not lane.is_stopped]
            if not able:
                await self._without_numbers()
            elif self._loop.time() > self._engine.deadline:
                self._engine.stop(Verdict.MORE)
            elif self._canary == 0:
                await self._look_at_canary()
            elif (left := self._spaced_at - self._loop.time()) > 0:
                await self._keep_apart(left)
            elif granted := [lane for lane in able if lane.allowance > 0]:
                await self._one_batch(granted)
            else:
                await self._ask_for_allowance(able)

    async def _one_batch(self, able: list[Lane]) -> None:
        size = max(
            1, min(LARGEST_BATCH, int(self._engine.campaign_rate * AHEAD_SECONDS), self._canary or LARGEST_BATCH)
        )
        if self._campaign.spacing_max_seconds is not None:
            size = 1
        if sum(len(lane.queue) for lane in able) >= size or all(lane.hold_until > self._loop.time() for lane in able):
            await self._engine.nap(0.05)
            return
        if not self._waiting:
            count = min(MOST_WAITING, max(size, int(self._engine.campaign_rate * 2)), self._canary or MOST_WAITING)
            quiet = list(self._engine.quiet)
            found = await self._ask(rows.waiting, self._campaign.pk, self._engine.token, self.watermark, count, quiet)
            self._waiting.extend(found)
            if not found and self.watermark:
                self.watermark = 0  # round again, for what was put off
                return
            if not found:
                await self._nothing_waits()
                return
            self.watermark = found[-1].id
        batch = self._share_out(able, size)
        if not batch:
            return
        sent = await self._submit(able[0].channel, batch)
        for lane in able:
            lane.put([row for row in sent if row.channel_id == lane.channel.pk])
        if self._canary is not None:
            self._canary -= len(sent)
        if self._campaign.spacing_max_seconds is not None and sent:
            seconds = random.uniform(self._campaign.spacing_min_seconds or 0, self._campaign.spacing_max_seconds)  # noqa: S311
            self.rest(seconds)
            await self._ask(guarding.note_spacing, self._campaign.pk, self._engine.token, seconds)

    async def _submit(self, channel: Channel, batch: list[Row]) -> list[Row]:
        """The rows that may be sent; of two messages each by itself."""
        plan, sent = self._engine.plan, []
        for variant, (template, letter) in plan.letters.items():
            if some := [row for row in batch if row.variant == variant]:
                sent += await self._ask(
                    rows.submit,
                    self._campaign,
                    plan.caps,
                    template,
                    letter,
                    channel,
                    self._engine.token,
                    some,
                    timezone.now(),
                )
        return sent

    def _share_out(self, able: list[Lane], size: int) -> list[Row]:
        """The next rows, each with the number whose turn it is, as far as the numbers' allowances go."""
        batch: list[Row] = []
        while self._waiting and len(batch) < size and able:
            lane = able[self._turn % len(able)]
            self._turn += 1
            row = self._waiting.popleft()
            if row.time_zone in self._engine.quiet:
                continue  # night came meanwhile: it waits on
            row.channel_id = lane.channel.pk
            lane.allowance -= 1
            batch.append(row)
            able = [each for each in able if each.allowance > 0]
        return batch

    async def _keep_apart(self, seconds: float) -> None:
        """Wait for the next turn; a long wait gives the worker back."""
        if self._engine.is_on_its_way or seconds <= LONGEST_NAP:
            await self._engine.nap(min(seconds, 0.25))
            return
        at = timezone.now() + timedelta(seconds=seconds)
        self._engine.stop(
            Verdict.WAITING, f"Messages are kept apart; the next one goes out after {at:%H:%M:%S} UTC.", at
        )

    async def _ask_for_allowance(self, able: list[Lane]) -> None:
        """More of what the numbers may send today. When there is none, the rest waits, and it is said until when."""
        wanted = max(SMALLEST_ALLOWANCE, int(self._engine.campaign_rate * ALLOWANCE_SECONDS))
        channels = [lane.channel for lane in able]
        grant = await self._ask(allowance.reserve, self._campaign, self._engine.token, channels, wanted)
        for lane in able:
            lane.allowance = grant.left.get(lane.channel.pk, 0)
        if grant.left:
            return
        if self._engine.is_on_its_way:  # what is refused gives its place back
            await self._engine.nap(0.05)
        elif not (await self._ask(rows.outlook, self._campaign.pk, [])).open_rows:
            await self._nothing_waits()
        else:
            self._engine.stop(Verdict.WAITING, grant.reason, grant.frees_at)

    async def _look_at_canary(self) -> None:
        """The first ones are out: once it is known what became of them, the campaign waits for somebody to look."""
        if self._engine.is_on_its_way:
            await self._engine.nap(0.05)
            return
        campaign = self._campaign
        self._canary = await self._ask(guarding.canary_left, campaign)
        if self._canary:
            return
        left = await self._ask(rows.outlook, campaign.pk, [])
        if not left.open_rows:
            self._canary = None
            return
        reason = f"The first {campaign.canary_size:,} are out. Look at what became of them, then let it go on."
        await self._engine.pause(reason, PauseCause.CANARY)

    async def _nothing_waits(self) -> None:
        """Done, or what is left must wait: until it is due, or until it is known what became of it."""
        if self._engine.is_on_its_way:
            await self._engine.nap(0.05)
            return
        await self._engine.beat(0)  # who lost the lease finds nothing either, and has no say in what is left
        if self._engine.end is not None:
            return
        left = await self._ask(rows.outlook, self._campaign.pk, list(self._engine.quiet))
        now = timezone.now()
        if not left.open_rows:
            self._engine.stop(Verdict.DONE)
        elif left.next_at is None and left.quiet_rows and self._engine.quiet:
            self._engine.wait_for_morning(f"{left.quiet_rows:,} are asleep where they live.")
        elif left.next_at is None:
            note = "Some messages of a lost worker are in doubt; their lease has to run out first."
            self._engine.stop(Verdict.WAITING, note, now + timedelta(seconds=15))
        elif (left.next_at - now).total_seconds() > min(LONGEST_NAP, self._engine.deadline - self._loop.time()):
            note = f"{left.open_rows} wait to be tried again, the first at {left.next_at:%H:%M:%S} UTC."
            self._engine.stop(Verdict.WAITING, note, left.next_at)
        else:
            await self._engine.nap(min(max((left.next_at - now).total_seconds(), 0.05), 0.25))

    async def _without_numbers(self) -> None:
        """Every number is stopped: the campaign waits for a person, who reads what is wrong with them."""
        while self._engine.flusher.is_busy or self._engine.sending:
            await self._engine.nap(0.05)
        await self._ask(effects.pause_without_numbers, self._campaign, timezone.now())
        self._engine.stop(Verdict.STOPPED)
