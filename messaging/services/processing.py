"""Thinking about webhooks that were stored: in batches, statuses set-wise, and no event holds up another."""

from __future__ import annotations

import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from django.db import OperationalError, connection, transaction
from django.db.models import Q

from core import audit
from core.actors import Actor
from core.jobs import enqueue
from core.roles import Capability
from messaging import incoming
from messaging.contents import Json
from messaging.envelopes import is_about
from messaging.incoming import Change, StatusUpdate
from messaging.models import Channel, WebhookEvent
from messaging.models.intake import EventState
from messaging.services.changes import heed_talk
from messaging.services.heeding import TALK_FIELDS, heed_change
from messaging.services.inbound import take_message
from messaging.services.progress import apply_statuses

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

# A worker that died is missed after so long; one that works says so more often.
LEASE = timedelta(seconds=20)
RENEW_SECONDS = 5.0
MOST_ATTEMPTS = 5
# A poisoned event is tried again after 1, 4, 16, 64 minutes.
FIRST_RETRY = timedelta(minutes=1)
LOST_AFTER = timedelta(seconds=20)
MOST_EVENTS = 200
MOST_BYTES = 1024 * 1024
REPLAYED_AT_ONCE = 500

# The oldest that wait, at least one and no more than a megabyte in all: a body may hold a thousand messages.
CLAIM = """
    WITH waiting AS (
        SELECT id, octet_length(body) AS bytes
          FROM messaging_webhookevent
         WHERE organization_id = %(organization)s AND id > %(after)s AND state IN ('stored', 'processing', 'failed')
           AND (state = 'stored'
                OR (state = 'processing' AND lease_until < %(at)s)
                OR (state = 'failed' AND attempts < %(most_attempts)s AND lease_until < %(at)s))
         ORDER BY id LIMIT %(most_events)s
           FOR UPDATE SKIP LOCKED
    ), taken AS (
        SELECT id, sum(bytes) OVER (ORDER BY id) - bytes AS before FROM waiting
    )
    UPDATE messaging_webhookevent e
       SET state = 'processing', attempts = e.attempts + 1, lease_until = %(lease)s, updated_at = %(at)s
      FROM taken WHERE e.organization_id = %(organization)s AND e.id = taken.id AND taken.before < %(most_bytes)s
    RETURNING e.id
"""


def process_webhooks(*, actor: Actor, at: datetime, after: int = 0) -> int:
    """Take a batch of what waits (events above the id `after`) and work through it. The last id taken; 0 when none was.

    What fails is noted on its event and tried again later, by itself; everything else is done. Doing it again changes
    nothing that was right. Raises OperationalError when the database went away: the lease runs out, and another takes it.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    ids = _claim(actor, at, after)
    if not ids:
        return 0
    batch = _Batch(actor, list(WebhookEvent.objects.for_organization(actor.organization).filter(pk__in=ids)), at)
    batch.work()
    batch.settle()
    return max(ids)


def replay_webhooks(*, actor: Actor, events: Iterable[int], at: datetime) -> int:
    """Process stored bodies again, whatever became of them the first time. Returns how many will be."""
    actor.require(Capability.CHANNELS_MANAGE)
    wanted = sorted(set(events))
    return sum(
        _replay(actor, wanted[start : start + REPLAYED_AT_ONCE], at)
        for start in range(0, len(wanted), REPLAYED_AT_ONCE)
    )


def sweep_webhooks(*, actor: Actor, at: datetime) -> bool:
    """Wake a worker for what lost its nudge, what a dead worker held, and what failed and may be tried again."""
    actor.require(Capability.CHANNELS_MANAGE)
    waiting = WebhookEvent.objects.for_organization(actor.organization).filter(
        Q(state=EventState.STORED, received_at__lt=at - LOST_AFTER)
        | Q(state=EventState.PROCESSING, lease_until__lt=at)
        | Q(state=EventState.FAILED, attempts__lt=MOST_ATTEMPTS, lease_until__lt=at)
    )
    found: bool = waiting.exists()
    if found:
        enqueue("messaging.process_webhooks", organization_id=actor.organization.pk)
    return found


def _replay(actor: Actor, wanted: list[int], at: datetime) -> int:
    with transaction.atomic():
        rows = list(
            WebhookEvent.objects.for_organization(actor.organization)
            .filter(pk__in=wanted)
            .exclude(state=EventState.PROCESSING, lease_until__gt=at)
            .defer("body")
            .select_for_update()
            .order_by("pk")
        )
        WebhookEvent.objects.filter(pk__in=[row.pk for row in rows]).update(
            state=EventState.STORED, attempts=0, lease_until=None, error="", updated_at=at
        )
        for row in rows:
            audit.record(actor=actor, action="messaging.webhook_replayed", target=row, at=at)
        if rows:
            enqueue("messaging.process_webhooks", organization_id=actor.organization.pk)
    return len(rows)


def _claim(actor: Actor, at: datetime, after: int) -> list[int]:
    """Take what nobody holds: one statement, committed before the work."""
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM,
            {
                "organization": actor.organization.pk,
                "after": after,
                "at": at,
                "lease": at + LEASE,
                "most_attempts": MOST_ATTEMPTS,
                "most_events": MOST_EVENTS,
                "most_bytes": MOST_BYTES,
            },
        )
        return [event_id for (event_id,) in cursor.fetchall()]


class _Batch:
    """Some events in one worker's hands, and what went wrong with each."""

    def __init__(self, actor: Actor, events: Sequence[WebhookEvent], at: datetime) -> None:
        self.actor = actor
        self.events = sorted(events, key=lambda event: event.pk)
        self.at = at
        self.errors: dict[int, list[str]] = defaultdict(list)
        self.channels = list(Channel.objects.for_organization(actor.organization).live().order_by("pk"))
        self.by_number = {channel.phone_number_id: channel for channel in self.channels}
        self._renewed = time.monotonic()

    def work(self) -> None:
        """Statuses first, all of a number together: they are many and quick. Then every message by itself."""
        ours = [(event, change) for event in self.events for change in self._changes(event)]
        self._apply_statuses(ours)
        for event, change in ours:
            channel = self.by_number.get(change.phone_number_id)
            told = {"actor": self.actor, "change": change, "at": event.received_at}
            if channel is None or change.field not in TALK_FIELDS:
                for trouble in self._try(event, heed_change, channels=self.channels, **told) or []:
                    self.errors[event.pk].append(trouble)
                continue
            self._try(event, heed_talk, channel=channel, **told)
            for raw in incoming.messages(change.value):
                self._try(event, _take, self.actor, channel, change, raw, event.received_at)
                self._keep()

    def settle(self) -> None:
        """Write down what became of each event: one statement for all that went well."""
        mine = WebhookEvent.objects.for_organization(self.actor.organization)
        mine.filter(pk__in=[event.pk for event in self.events if event.pk not in self.errors]).update(
            state=EventState.DONE, processed_at=self.at, lease_until=None, error="", updated_at=self.at
        )
        for event in self.events:
            if event.pk in self.errors:
                again = self.at + FIRST_RETRY * 4 ** min(event.attempts - 1, 6)
                mine.filter(pk=event.pk).update(
                    state=EventState.FAILED,
                    error="\n\n".join(self.errors[event.pk])[:20_000],
                    lease_until=again,
                    updated_at=self.at,
                )
                log.error(
                    "webhook_failed",
                    event_id=event.pk,
                    organization_id=self.actor.organization.pk,
                    attempts=event.attempts,
                )

    def _changes(self, event: WebhookEvent) -> Iterator[Change]:
        """What of the body is about a number or an account of this house."""
        accounts = {channel.waba_id for channel in self.channels}
        for change in self._try(event, incoming.parse, bytes(event.body)) or []:
            if is_about(change, self.by_number.keys(), accounts):
                yield change
            else:
                log.warning("webhook_change_of_another", organization_id=self.actor.organization.pk, field=change.field)

    def _apply_statuses(self, ours: Sequence[tuple[WebhookEvent, Change]]) -> None:
        by_number: dict[str, dict[int, list[StatusUpdate]]] = defaultdict(lambda: defaultdict(list))
        for event, change in ours:
            if change.phone_number_id in self.by_number and change.field in TALK_FIELDS:
                read = self._try(event, incoming.read_statuses, change.value, received_at=event.received_at)
                by_number[change.phone_number_id][event.pk] += read or []
        for number, by_event in by_number.items():
            together = [update for updates in by_event.values() for update in updates]
            if not together:
                continue
            try:
                self._apply(number, together)
            except Exception:
                _insist_on_database()
                # One of them is poisoned: each event by itself shows which.
                for event in self.events:
                    if by_event.get(event.pk):
                        self._try(event, self._apply, number, by_event[event.pk])
            self._keep()

    def _apply(self, number: str, updates: Sequence[StatusUpdate]) -> None:
        apply_statuses(actor=self.actor, channel=self.by_number[number], updates=updates, at=self.at)

    def _try(self, event: WebhookEvent, do: Callable[..., Result], *args: Any, **kwargs: Any) -> Result | None:
        """Do one thing; what it raises is noted on its event and keeps nothing else from being done."""
        try:
            return do(*args, **kwargs)
        except Exception:
            trouble = traceback.format_exc(limit=8)
            _insist_on_database()
            self.errors[event.pk].append(trouble)
            return None

    def _keep(self) -> None:
        """Say that this worker still lives, from time to time."""
        if time.monotonic() - self._renewed < RENEW_SECONDS:
            return
        self._renewed = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE messaging_webhookevent SET lease_until = clock_timestamp() + %s::interval"
                " WHERE organization_id = %s AND id = ANY(%s) AND state = 'processing'",
                [f"{LEASE.total_seconds()} seconds", self.actor.organization.pk, [event.pk for event in self.events]],
            )


def _take(actor: Actor, channel: Channel, change: Change, raw: Json, at: datetime) -> None:
    """Each message in a transaction of its own."""
    said = incoming.read_message(change.value, raw, received_at=at)
    take_message(actor=actor, channel=channel, said=said, at=at)


def _insist_on_database() -> None:
    """Raise when it is the database that went away, and not the event that is wrong: then nothing can be noted either."""
    if not connection.in_atomic_block and not connection.is_usable():
        raise OperationalError("The database connection was lost.")
