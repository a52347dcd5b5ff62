"""What the engine asks of the database: each function is one short transaction over many rows.

Every change of a row that an engine holds names the engine's token, so one that lost its lease changes nothing. Leases
run by the database's clock, which all machines share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, transaction

from campaigns.audience.suppression import Cap
from campaigns.engine.capping import enough_meanwhile
from campaigns.models import Campaign, Status
from campaigns.models.recipients import RANK
from campaigns.rendering import Letter
from core.arrays import as_records, id_array
from messaging import bulk
from messaging.models import Channel, MessageTemplate
from messaging.models.conversations import MessageStatus
from messaging.pacing import PAIR_INTERVAL_SECONDS

ENGINE_LEASE = "10 seconds"
# Longer than a call to WhatsApp may take (15 s), whatever was waited for before it.
ROW_LEASE = "60 seconds"


@dataclass(slots=True)
class Row:
    """One recipient that this engine holds."""

    id: int
    contact_id: int
    recipient: str
    variables: dict[str, str]
    deferrals: int
    time_zone: str = ""
    variant: str = ""
    channel_id: int = 0
    message_id: int = 0
    components: bytes = b""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the engine learns each time it shows that it lives."""

    status: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether anything is left. `next_at`: when the first row that was put off may be tried, if somebody is awake."""

    open_rows: int
    in_flight: int
    quiet_rows: int
    next_at: datetime | None


@dataclass(slots=True)
class Outcome:
    """What to write about one recipient, and about the message it has."""

    row: Row
    status: Status
    provider_id: str = ""
    error_code: int | None = None
    error: str = ""
    details: str = ""
    wait_seconds: float | None = None  # by the database's clock: an engine's own may be wrong
    is_deferral: bool = False
    settled: MessageStatus | None = field(init=False)

    def __post_init__(self) -> None:
        self.settled = MESSAGE_STATUS.get(self.status)


MESSAGE_STATUS = {
    Status.ACCEPTED: MessageStatus.ACCEPTED,
    Status.UNKNOWN: MessageStatus.UNKNOWN,
    Status.FAILED: MessageStatus.FAILED,
}


def acquire(campaign_id: int) -> tuple[int, float] | None:
    """Become the campaign's one engine: a token higher than all before, or None while another one lives.

    With it, for how many seconds random spacing still wants silence. What the engines before were sending keeps its lease.
    """
    with connection.cursor() as cursor:
        cursor.execute(ACQUIRE, {"campaign": campaign_id})
        found = cursor.fetchone()
        return (found[0], max(float(found[1]), 0.0)) if found else None


def pulse(campaign_id: int, token: int, note: str) -> Pulse | None:
    """Keep the lease; None when it was lost to another engine."""
    with connection.cursor() as cursor:
        cursor.execute(PULSE, {"campaign": campaign_id, "token": token, "note": note[:300]})
        found = cursor.fetchone()
        return Pulse(*found) if found else None


def release(campaign_id: int, token: int, note: str, wakes_at: datetime | None) -> None:
    """Give back the lease."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, {"campaign": campaign_id, "token": token, "note": note[:300], "wakes": wakes_at})


def waiting(campaign_id: int, token: int, after_id: int, count: int, quiet: Sequence[str]) -> list[Row]:
    """The next rows behind the watermark, only looked at; nothing when this engine has no say any more.

    `quiet`: time zones where nobody is disturbed now.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            NEXT, {"campaign": campaign_id, "token": token, "after": after_id, "count": count, "quiet": list(quiet)}
        )
        return [Row(a, b, c, orjson.loads(values), *rest) for a, b, c, values, *rest in cursor.fetchall()]


@transaction.atomic
def submit(
    campaign: Campaign,
    caps: Sequence[Cap],
    template: MessageTemplate,
    letter: Letter,
    channel: Channel,
    token: int,
    rows: Sequence[Row],
    at: datetime,
) -> list[Row]:
    """Make the messages of these rows and mark them as being sent: committed before the first byte.

    Who said stop or got enough since the start is skipped; whom somebody wrote to from this number a moment ago waits; whoever no longer
    waits is left alone, and everybody when this engine has no say any more. Returns what to send.
    """
    with connection.cursor() as cursor:
        given: dict[str, Any] = {
            "ids": id_array(row.id for row in rows),
            "channels": id_array(row.channel_id for row in rows),
            "campaign": campaign.pk,
            "token": token,
        }
        cursor.execute(STILL_WAITING, {**given, "pair": PAIR_INTERVAL_SECONDS})
        found = cursor.fetchall()
        held = {row_id: is_too_soon for row_id, is_too_soon, _ in found}
        if too_soon := [row_id for row_id, is_too_soon in held.items() if is_too_soon]:
            cursor.execute(PUT_OFF, {"ids": too_soon, "pair": PAIR_INTERVAL_SECONDS})
        rows = [row for row in rows if held.get(row.id) is False]
        if not rows:
            return []
        people = [(row.contact_id, row.recipient) for row in rows]
        refused = bulk.refused_meanwhile(
            organization=campaign.organization, channel=channel, people=people, category=template.category
        )
        refused = enough_meanwhile(campaign, caps, people) | refused
        if refused:
            stopped = [row.id for row in rows if row.contact_id in refused]
            reasons = [refused[row.contact_id] for row in rows if row.contact_id in refused]
            cursor.execute(SKIP, {"ids": stopped, "reasons": reasons})
            rows = [row for row in rows if row.contact_id not in refused]
        if not rows:
            return []
        lease_until = found[0][2]
        made = bulk.create_messages(
            organization_id=campaign.organization_id,
            template=template,
            rows=[_outgoing(row, letter) for row in rows],
            lease_until=lease_until,
            at=at,
        )
        for row in rows:
            row.message_id = made.get(request_id(row), 0)
        # A row whose message exists already was sent under another token: it is settled by that one, never again here.
        rows = [row for row in rows if row.message_id]
        parameters = {
            "ids": id_array(row.id for row in rows),
            "messages": id_array(row.message_id for row in rows),
            "channels": id_array(row.channel_id for row in rows),
            "lease": lease_until,
            "token": token,
        }
        cursor.execute(SUBMIT, parameters)
    return rows


def _outgoing(row: Row, letter: Letter) -> bulk.Outgoing:
    row.components = letter.components(row.variables)
    return bulk.Outgoing(
        request_id=request_id(row),
        channel_id=row.channel_id,
        contact_id=row.contact_id,
        recipient=row.recipient,
        body=letter.text(row.variables),
        components=row.components,
    )


def request_id(row: Row) -> str:
    """The database refuses a second message of the same recipient, whatever goes wrong above it."""
    return f"campaign:{row.id}"


@transaction.atomic
def settle(organization_id: int, outcomes: Sequence[Outcome], at: datetime) -> None:
    """Write outcomes of a batch: the recipients and their messages together.

    Without waiting for the disk: what a crash of PostgreSQL could take with it stands as being sent, so it would be in
    doubt and never go out again.
    """
    # Messages before recipients, and by id, as the webhooks do it: so nobody waits in a ring.
    bulk.lock(organization_id=organization_id, message_ids=[outcome.row.message_id for outcome in outcomes])
    final = [outcome for outcome in outcomes if outcome.settled is not None]
    bulk.settle(
        organization_id=organization_id,
        rows=[
            bulk.Settled(
                outcome.row.message_id,
                outcome.settled,
                outcome.provider_id,
                outcome.error_code,
                outcome.error,
                outcome.details,
            )
            for outcome in final
            if outcome.settled is not None
        ],
        at=at,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            SETTLE,
            {
                "at": at,
                "rows": as_records(
                    {
                        "id": outcome.row.id,
                        "message": outcome.row.message_id,
                        "status": outcome.status.value,
                        "rank": RANK[outcome.status],
                        "code": outcome.error_code,
                        "error": outcome.error[:300],
                        "wait": outcome.wait_seconds,
                        "deferrals": int(outcome.is_deferral),
                    }
                    for outcome in outcomes
                ),
            },
        )
    back = [outcome.row.message_id for outcome in outcomes if outcome.settled is None]
    bulk.discard(organization_id=organization_id, message_ids=back)


def outlook(campaign_id: int, quiet: Sequence[str]) -> Outlook:
    """What is left, and when it can go on, quiet hours aside."""
    with connection.cursor() as cursor:
        cursor.execute(OUTLOOK, {"campaign": campaign_id, "quiet": list(quiet)})
        return Outlook(*cursor.fetchone())


def _rank(column: str) -> str:
    whens = " ".join(f"WHEN '{status}' THEN {rank}" for status, rank in RANK.items())
    return f"(CASE {column} {whens} END)"


HERE = "organization_id = NULLIF(current_setting('majlis.organization', true), '')::bigint"

ACQUIRE = f"""
    UPDATE campaigns_campaignengine
       SET token = token + 1, lease_until = clock_timestamp() + interval '{ENGINE_LEASE}',
           heartbeat_at = clock_timestamp(), wakes_at = NULL, reserved = '{{}}', updated_at = now()
     WHERE {HERE} AND campaign_id = %(campaign)s
       AND (lease_until IS NULL OR lease_until < clock_timestamp())
    RETURNING token, COALESCE(EXTRACT(epoch FROM next_at - clock_timestamp()), 0)
"""  # noqa: S608 - only our own constants are pasted in

RELEASE = f"""
    UPDATE campaigns_campaignengine
       SET lease_until = NULL, reserved = '{{}}', note = %(note)s, wakes_at = %(wakes)s, updated_at = now()
     WHERE {HERE} AND campaign_id = %(campaign)s AND token = %(token)s
"""  # noqa: S608 - only our own constants are pasted in

PULSE = f"""
    UPDATE campaigns_campaignengine e
       SET lease_until = clock_timestamp() + interval '{ENGINE_LEASE}', heartbeat_at = clock_timestamp(),
           note = %(note)s, updated_at = now()
      FROM campaigns_campaign c
     WHERE e.{HERE} AND e.campaign_id = %(campaign)s AND e.token = %(token)s
       AND c.organization_id = e.organization_id AND c.id = e.campaign_id
    RETURNING c.status, c.ends_at
"""  # noqa: S608 - only our own constants are pasted in

# Whether this engine still sends a campaign that still runs: asked again in the transaction that marks rows.
OURS = f"""
    EXISTS (SELECT 1 FROM campaigns_campaignengine e
              JOIN campaigns_campaign c ON c.organization_id = e.organization_id AND c.id = e.campaign_id
             WHERE e.{HERE} AND e.campaign_id = %(campaign)s AND e.token = %(token)s AND c.status = 'running')
"""  # noqa: S608 - only our own constants are pasted in

# The watermark keeps this off the dead versions of rows that were sent already.
NEXT = f"""
    SELECT id, contact_id, recipient, variables, deferrals, time_zone, variant FROM campaigns_campaignmessage
     WHERE {HERE} AND campaign_id = %(campaign)s AND status = 'pending' AND id > %(after)s
       AND (not_before IS NULL OR not_before <= clock_timestamp()) AND time_zone <> ALL(%(quiet)s::text[]) AND {OURS}
     ORDER BY id LIMIT %(count)s
"""  # noqa: S608 - only our own constants are pasted in

# Who still waits, held until they are marked; whom a cancel holds is left to it. With whether that pair of numbers has just
# talked: WhatsApp wants some seconds between two messages to one person.
STILL_WAITING = f"""
    SELECT m.id, EXISTS (
               SELECT 1 FROM messaging_conversation t
                 JOIN messaging_message s ON s.organization_id = t.organization_id AND s.conversation_id = t.id
                  AND s.direction = 'outbound' AND s.at > clock_timestamp() - %(pair)s * interval '1 second'
                WHERE t.organization_id = m.organization_id AND t.channel_id = r.channel AND t.contact_id = m.contact_id
                  AND t.deleted_at IS NULL AND t.status IN ('open', 'pending')
                  AND t.last_message_at > clock_timestamp() - %(pair)s * interval '1 second'),
           clock_timestamp() + interval '{ROW_LEASE}'
      FROM campaigns_campaignmessage m
      JOIN unnest(%(ids)s::bigint[], %(channels)s::bigint[]) AS r(id, channel) ON r.id = m.id
     WHERE m.{HERE} AND m.id = ANY(%(ids)s::bigint[]) AND m.status = 'pending' AND {OURS}
       FOR UPDATE OF m SKIP LOCKED
"""  # noqa: S608 - only our own constants are pasted in

PUT_OFF = f"""
    UPDATE campaigns_campaignmessage
       SET not_before = clock_timestamp() + %(pair)s * interval '1 second', updated_at = now()
     WHERE {HERE} AND id = ANY(%(ids)s)
"""  # noqa: S608 - only our own constants are pasted in

SKIP = f"""
    UPDATE campaigns_campaignmessage m
       SET status = 'skipped', skip_reason = r.reason, updated_at = now()
      FROM unnest(%(ids)s::bigint[], %(reasons)s::text[]) AS r(id, reason)
     WHERE m.{HERE} AND m.id = ANY(%(ids)s) AND m.id = r.id
"""  # noqa: S608 - only our own constants are pasted in

SUBMIT = f"""
    UPDATE campaigns_campaignmessage m
       SET status = 'submitting', claimed_by = %(token)s, message_id = r.message, channel_id = r.channel,
           attempts = attempts + 1, not_before = NULL, lease_until = %(lease)s, updated_at = now()
      FROM unnest(%(ids)s::bigint[], %(messages)s::bigint[], %(channels)s::bigint[]) AS r(id, message, channel)
     WHERE m.{HERE} AND m.id = ANY(%(ids)s::bigint[]) AND m.id = r.id
"""  # noqa: S608 - only our own constants are pasted in

# The message names the try: an outcome that comes late, from an engine that was given up, still finds its own row, and
# no other. A status that a webhook brought first is never lowered.
SETTLE = f"""
    WITH r AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
                   AS r(id bigint, message bigint, status text, rank int, code int, error text, wait float8, deferrals int)
    )
    UPDATE campaigns_campaignmessage m
       SET status = CASE WHEN r.rank > 0 AND r.rank < {_rank("m.status")} THEN m.status ELSE r.status END,
           message_id = CASE WHEN r.rank = 0 THEN NULL ELSE m.message_id END,
           accepted_at = CASE WHEN r.status = 'accepted' THEN COALESCE(m.accepted_at, %(at)s) ELSE m.accepted_at END,
           error_code = CASE WHEN r.rank > 0 AND r.rank < {_rank("m.status")} THEN m.error_code ELSE r.code END,
           error = CASE WHEN r.rank > 0 AND r.rank < {_rank("m.status")} THEN m.error ELSE r.error END,
           not_before = clock_timestamp() + r.wait * interval '1 second',
           attempts = m.attempts - CASE WHEN r.rank = 0 THEN 1 ELSE 0 END,
           deferrals = m.deferrals + r.deferrals,
           claimed_by = NULL, lease_until = NULL, updated_at = %(at)s
      FROM r
     WHERE (SELECT set_config('synchronous_commit', 'off', true)) = 'off'
       AND m.{HERE} AND m.id = ANY(ARRAY(SELECT id FROM r)) AND m.id = r.id AND m.message_id = r.message
       AND (r.rank > 0 OR m.status IN ('submitting', 'unknown'))
"""  # noqa: S608 - only our own constants are pasted in

OUTLOOK = f"""
    SELECT count(*), count(*) FILTER (WHERE status <> 'pending'),
           count(*) FILTER (WHERE status = 'pending' AND time_zone = ANY(%(quiet)s::text[])),
           min(not_before) FILTER (WHERE status = 'pending' AND time_zone <> ALL(%(quiet)s::text[]))
      FROM campaigns_campaignmessage
     WHERE {HERE} AND campaign_id = %(campaign)s AND status IN ('pending', 'claimed', 'submitting')
"""  # noqa: S608 - only our own constants are pasted in
