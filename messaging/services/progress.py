"""What WhatsApp says became of our messages: one UPDATE for a whole batch, whatever its order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import connection, transaction

from core import events
from core.actors import Actor
from core.roles import Capability
from messaging import live
from messaging.error_codes import Treatment, explain
from messaging.events import MessagesProgressed
from messaging.incoming import StatusUpdate
from messaging.models import Channel, Message, ParkedStatus
from messaging.models.conversations import STATUS_RANK
from messaging.models.intake import OptOutScope, OptOutSource
from messaging.services.channel_state import block_channel, limit_to_answers, suspect_numbers
from messaging.services.consent import record_stop
from messaging.statuses import KNOWN, Progress, fold

BATCH = 1000
# Meta sends a webhook again for seven days; nothing can match after that.
PARKED_FOR = timedelta(days=8)

# What is known of each message moves on, and a person who has read what was sent leaves the same receipt as a member: one
# row for each message and reader. Answers with the conversations.
ADVANCE = """
WITH moved AS (
    UPDATE messaging_message AS m SET
        provider_id = CASE WHEN m.provider_id = '' THEN u.provider_id ELSE m.provider_id END,
        status = CASE WHEN u.rank > (%(ranks)s::jsonb ->> m.status)::int THEN u.status ELSE m.status END,
        accepted_at = LEAST(m.accepted_at, u.accepted_at),
        sent_at = LEAST(m.sent_at, u.sent_at),
        delivered_at = LEAST(m.delivered_at, u.delivered_at),
        read_at = LEAST(m.read_at, u.read_at),
        played_at = LEAST(m.played_at, u.played_at),
        failed_at = LEAST(m.failed_at, u.failed_at),
        error_code = CASE WHEN {newer} THEN u.error_code ELSE m.error_code END,
        error_title = CASE WHEN {newer} THEN u.error_title ELSE m.error_title END,
        error_details = CASE WHEN {newer} THEN u.error_details ELSE m.error_details END,
        price_category = GREATEST(m.price_category, u.price_category),
        is_billable = GREATEST(m.is_billable, u.is_billable),
        lease_until = NULL,
        updated_at = %(at)s
    FROM unnest(
        %(ids)s::bigint[], %(provider_ids)s::text[], %(statuses)s::text[], %(rank)s::int[],
        %(accepted_at)s::timestamptz[], %(sent_at)s::timestamptz[], %(delivered_at)s::timestamptz[],
        %(read_at)s::timestamptz[], %(played_at)s::timestamptz[], %(failed_at)s::timestamptz[],
        %(error_code)s::int[], %(error_title)s::text[], %(error_details)s::text[],
        %(price_category)s::text[], %(is_billable)s::boolean[]
    ) AS u(id, provider_id, status, rank, accepted_at, sent_at, delivered_at, read_at, played_at, failed_at,
           error_code, error_title, error_details, price_category, is_billable)
    WHERE m.id = u.id AND m.organization_id = %(organization)s
    RETURNING m.id, m.conversation_id, m.read_at, u.read_at IS NOT NULL AS is_read_now
), receipts AS (
    INSERT INTO messaging_messageread (organization_id, message_id, participant_id, at, created_at, updated_at)
    SELECT p.organization_id, m.id, p.id, m.read_at, %(at)s, %(at)s
      FROM moved m
      JOIN messaging_participant p
        ON p.organization_id = %(organization)s AND p.conversation_id = m.conversation_id AND p.contact_id IS NOT NULL
     WHERE m.is_read_now
    ON CONFLICT DO NOTHING
)
SELECT DISTINCT conversation_id FROM moved
""".replace(
    "{newer}",
    "u.failed_at IS NOT NULL AND (m.failed_at IS NULL OR (u.failed_at, COALESCE(u.error_code, 0), u.error_details)"
    " < (m.failed_at, COALESCE(m.error_code, 0), m.error_details))",
)

# In the order of their ids, so that batches never wait in a ring.
LOCK = """
SELECT id, provider_id FROM messaging_message
 WHERE organization_id = %(organization)s AND channel_id = %(channel)s AND direction = 'outbound'
   AND (provider_id <> '' AND provider_id = ANY(%(provider_ids)s) {or_by_message})
 ORDER BY id FOR UPDATE
"""


@transaction.atomic
def apply_statuses(*, actor: Actor, channel: Channel, updates: Sequence[StatusUpdate], at: datetime) -> int:
    """Fold a batch of statuses into the messages of one number; returns how many messages were known.

    What nobody here knows yet is parked, and matched by `match_parked`. Statements do not grow with the batch.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    progress = fold(updates)
    matched = _locked(channel, progress.values())
    unknown = progress.keys() - {each.provider_id for each in matched.values()}
    if unknown:
        _park(channel, [each for each in updates if each.provider_id in unknown], at)
    if matched:
        _advance(actor, channel, matched, at)
    return len(matched)


@transaction.atomic
def match_parked(*, actor: Actor, channel: Channel, at: datetime, provider_ids: Iterable[str] | None = None) -> int:
    """Settle statuses that came before we had saved the message they are about. Returns how many messages it was.

    Call it after saving provider ids; with none given (the sweeper) everything parked for the number is tried.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    rows = ParkedStatus.objects.for_organization(actor.organization).filter(channel=channel)
    if provider_ids is not None:
        rows = rows.filter(provider_id__in=list(provider_ids))
    parked = list(rows.select_for_update(skip_locked=True).order_by("id")[: 10 * BATCH])
    if not parked:
        return 0
    progress = fold(_unparked(row) for row in parked)
    matched = _locked(channel, progress.values())
    known = {each.provider_id for each in matched.values()}
    done = [row.pk for row in parked if row.provider_id in known or row.received_at < at - PARKED_FOR]
    ParkedStatus.objects.filter(pk__in=done).delete()
    if matched:
        _advance(actor, channel, matched, at)
    return len(matched)


def _locked(channel: Channel, progress: Iterable[Progress]) -> dict[int, Progress]:
    """The messages that these are about, locked."""
    by_provider = {each.provider_id: each for each in progress}
    by_message = {each.message_id: each for each in by_provider.values() if each.message_id is not None}
    or_by_message = "OR provider_id = '' AND id = ANY(%(ids)s)" if by_message else ""
    with connection.cursor() as cursor:
        cursor.execute(
            LOCK.format(or_by_message=or_by_message),
            {
                "organization": channel.organization_id,
                "channel": channel.pk,
                "provider_ids": list(by_provider),
                "ids": list(by_message),
            },
        )
        rows = cursor.fetchall()
    return {pk: by_provider[provider_id] if provider_id else by_message[pk] for pk, provider_id in rows}


def _advance(actor: Actor, channel: Channel, matched: dict[int, Progress], at: datetime) -> None:
    ids = sorted(matched)
    rows = [matched[message_id] for message_id in ids]
    names = (
        "accepted_at", "sent_at", "delivered_at", "read_at", "played_at", "failed_at",
        "error_code", "error_title", "error_details", "price_category", "is_billable",
    )  # fmt: skip
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    with connection.cursor() as cursor:
        cursor.execute(
            ADVANCE,
            {
                **columns,
                "ids": ids,
                "provider_ids": [row.provider_id for row in rows],
                "statuses": [row.status for row in rows],
                "rank": [STATUS_RANK[row.status] for row in rows],
                "ranks": json.dumps(STATUS_RANK),
                "organization": actor.organization.pk,
                "at": at,
            },
        )
        conversations = {conversation_id for (conversation_id,) in cursor.fetchall()}
    failures = {message_id: row for message_id, row in matched.items() if row.failed_at is not None}
    if failures:
        _learn(actor, channel, failures, at)
    live.announce_many(organization_id=actor.organization.pk, conversation_ids=conversations)
    events.publish(MessagesProgressed(actor.organization.pk, tuple(ids)))


def _learn(actor: Actor, channel: Channel, failures: dict[int, Progress], at: datetime) -> None:
    """What a failure says beyond its own message: about the person, the number or the channel."""
    by_treatment: dict[Treatment, list[int]] = {}
    for message_id, row in failures.items():
        by_treatment.setdefault(explain(row.error_code).treatment, []).append(message_id)
    for treatment, stop in ((Treatment.STOP_CHANNEL, block_channel), (Treatment.STOP_BILLABLE, limit_to_answers)):
        if found := by_treatment.get(treatment):
            stop(actor=actor, channel=channel, reason=explain(failures[found[0]].error_code).meaning, at=at)
    if Treatment.OPT_OUT in by_treatment:
        messages = Message.objects.filter(organization=actor.organization, pk__in=by_treatment[Treatment.OPT_OUT])
        for message in messages.select_related("conversation__contact"):
            record_stop(
                actor=actor,
                contact=message.conversation.contact,
                address=message.recipient,
                scope=OptOutScope.MARKETING,
                source=OptOutSource.BUTTON,
                said="stopped marketing in WhatsApp",
                at=at,
            )
    if Treatment.SUSPECT_NUMBER in by_treatment:
        suspect_numbers(actor=actor, message_ids=by_treatment[Treatment.SUSPECT_NUMBER], at=at)


def _park(channel: Channel, updates: Sequence[StatusUpdate], at: datetime) -> None:
    """Each status once, however often it is told: what is parked already stays as it is."""
    known = ParkedStatus.objects.filter(
        organization=channel.organization_id, channel=channel, provider_id__in={each.provider_id for each in updates}
    )
    parked = {_unparked(row) for row in known}
    ParkedStatus.objects.bulk_create(
        [
            ParkedStatus(
                organization_id=channel.organization_id,
                channel=channel,
                provider_id=each.provider_id,
                callback_data=each.callback_data,
                status={**asdict(each), "at": each.at.isoformat()},
                received_at=at,
            )
            for each in dict.fromkeys(updates)
            if each.status in KNOWN and each not in parked
        ],
        batch_size=BATCH,
    )


def _unparked(row: ParkedStatus) -> StatusUpdate:
    return StatusUpdate(**{**row.status, "at": datetime.fromisoformat(row.status["at"])})
