"""Many messages at a time, set-wise, for who sends to many: the same rows that one message gets, in a few statements.

The caller decides when; nothing here sends. Every function must run inside the organisation's scope and, where it
says so, inside the caller's transaction. Meaning is kept elsewhere: who may be written to in messaging/refusals.py,
how statuses rank in messaging/models/conversations.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, models

from core.arrays import as_records, id_array
from core.models import Organization
from messaging.models import Channel, Conversation, Message, MessageTemplate, Participant
from messaging.models.conversations import STATUS_RANK, MessageStatus
from messaging.refusals import Refusal, outbound_refusals


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One template message to be. `request_id` is unique in the organisation: a second row of that id is never made."""

    request_id: str
    channel_id: int
    contact_id: int
    recipient: str
    body: str
    components: bytes  # JSON, as the Cloud API takes them


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one message. An empty `provider_id` leaves the one it has."""

    message_id: int
    status: MessageStatus
    provider_id: str = ""
    error_code: int | None = None
    error_title: str = ""
    error_details: str = ""


def refused_meanwhile(
    *, organization: Organization, channel: Channel, people: Sequence[tuple[int, str]], category: str
) -> dict[int, str]:
    """Of these (contact, address) pairs that were fine some time ago, those who may not be written to now, and why.

    One statement when nothing changed; who looks different is put to `outbound_refusals`, which alone decides.
    """
    given = {"org": organization.pk, "contacts": id_array(contact_id for contact_id, _ in people)}
    usable: set[tuple[int, str]] = set()
    barred: set[int] = set()
    for contact_id, value, is_usable in _rows(MEANWHILE, given):
        if value is None:
            barred.add(contact_id)
        elif is_usable:
            usable.add((contact_id, value.removeprefix("+")))
    moved = [pair for pair in people if pair[0] in barred or pair not in usable]
    if not moved:
        return {}
    refused = outbound_refusals(
        organization=organization, channel=channel, contact_ids=[pair[0] for pair in moved], category=category
    )
    for pair in moved:
        if pair not in usable:
            refused.setdefault(pair[0], Refusal.INVALID_NUMBER.value)
    return refused


def create_messages(
    *, organization_id: int, template: MessageTemplate, rows: Sequence[Outgoing], lease_until: datetime, at: datetime
) -> dict[str, int]:
    """Conversations (found or opened) and messages in `sending`; message ids by request id. One statement.

    Run it in the transaction that marks the caller's own rows. A request id that exists already is left out.
    """
    parameters: dict[str, Any] = {
        "org": organization_id,
        "at": at,
        "lease": lease_until,
        "template": template.pk,
        "rows": as_records(
            {
                "contact_id": row.contact_id,
                "channel_id": row.channel_id,
                "recipient": row.recipient,
                "body": row.body,
                "payload": {"components": orjson.Fragment(row.components)},
                "request_id": row.request_id,
            }
            for row in rows
        ),
    }
    with connection.cursor() as cursor:
        cursor.execute(_create_statement(), parameters)
        return {request_id: message_id for message_id, request_id in cursor.fetchall()}


def lock(*, organization_id: int, message_ids: Iterable[int]) -> None:
    """Hold these messages until the transaction ends, taken in the order of their ids like everywhere else."""
    _rows(
        "SELECT id FROM messaging_message WHERE organization_id = %(org)s AND id = ANY(%(ids)s::bigint[]) ORDER BY id FOR UPDATE",
        {"org": organization_id, "ids": id_array(message_ids)},
    )


def settle(*, organization_id: int, rows: Sequence[Settled], at: datetime) -> None:
    """Write what became of messages. A status that came by webhook in the meantime is never lowered. One statement."""
    if not rows:
        return
    parameters: dict[str, Any] = {
        "org": organization_id,
        "at": at,
        "rows": as_records(
            {
                "id": row.message_id,
                "status": row.status.value,
                "rank": STATUS_RANK[row.status],
                "wamid": row.provider_id,
                "code": row.error_code,
                "title": row.error_title[:200],
                "detail": row.error_details[:500],
            }
            for row in rows
        ),
    }
    with connection.cursor() as cursor:
        cursor.execute(SETTLE, parameters)


def discard(*, organization_id: int, message_ids: Iterable[int]) -> None:
    """Forget messages that never left: refused for now, or not written at all. Never one that WhatsApp has named."""
    ids = list(message_ids)
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM messaging_message WHERE organization_id = %s AND id = ANY(%s) AND provider_id = ''"
            " AND status IN ('sending', 'unknown')",
            [organization_id, ids],
        )


def _rows(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _rank(column: str) -> str:
    whens = " ".join(f"WHEN '{status}' THEN {rank}" for status, rank in STATUS_RANK.items())
    return f"(CASE {column} {whens} END)"


# Look-ups by lists of keys, one after the other, without joins: right after an import there are no statistics, and
# PostgreSQL takes an organisation for one row. Answers with the numbers that people have, and without a number those who
# may not be written to: gone, bad, or one of their numbers said stop, whoever else has it too.
MEANWHILE = """
    WITH points AS MATERIALIZED (
        SELECT contact_id, value, status IN ('unverified', 'valid') AND line_type <> 'fixed' AS is_usable
          FROM crm_contactpoint
         WHERE organization_id = %(org)s AND contact_id = ANY(%(contacts)s::bigint[]) AND deleted_at IS NULL
    ), same AS MATERIALIZED (
        SELECT id, value FROM crm_contactpoint
         WHERE organization_id = %(org)s AND value = ANY(ARRAY(SELECT value FROM points))
    ), stopped AS MATERIALIZED (
        SELECT point_id FROM messaging_optout
         WHERE organization_id = %(org)s AND point_id = ANY(ARRAY(SELECT id FROM same)) AND deleted_at IS NULL
    )
    SELECT contact_id, value, is_usable FROM points
     UNION ALL
    SELECT id, NULL, NULL FROM crm_contact
     WHERE organization_id = %(org)s AND id = ANY(%(contacts)s::bigint[]) AND (deleted_at IS NOT NULL OR is_bad_contact)
     UNION ALL
    SELECT contact_id, NULL, NULL FROM messaging_optout
     WHERE organization_id = %(org)s AND contact_id = ANY(%(contacts)s::bigint[]) AND deleted_at IS NULL
     UNION ALL
    SELECT contact_id, NULL, NULL FROM points
     WHERE value IN (SELECT value FROM same WHERE id IN (SELECT point_id FROM stopped))
"""

SETTLE = f"""
    WITH r AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
                   AS r(id bigint, status text, rank int, wamid text, code int, title text, detail text)
    )
    UPDATE messaging_message m
       SET status = CASE WHEN r.rank > {_rank("m.status")} THEN r.status ELSE m.status END,
           provider_id = CASE WHEN m.provider_id = '' THEN r.wamid ELSE m.provider_id END,
           accepted_at = CASE WHEN r.wamid <> '' THEN COALESCE(m.accepted_at, %(at)s) ELSE m.accepted_at END,
           failed_at = CASE WHEN r.status = 'failed' THEN COALESCE(m.failed_at, %(at)s) ELSE m.failed_at END,
           error_code = COALESCE(r.code, m.error_code),
           error_title = CASE WHEN r.title <> '' THEN r.title ELSE m.error_title END,
           error_details = CASE WHEN r.detail <> '' THEN r.detail ELSE m.error_details END,
           lease_until = NULL, updated_at = %(at)s
      FROM r
     WHERE m.organization_id = %(org)s AND m.id = ANY(ARRAY(SELECT id FROM r)) AND m.id = r.id
"""  # noqa: S608 - only our own table of ranks is pasted in


def _insert(model: type[models.Model], given: dict[str, str]) -> tuple[str, str]:
    """Columns and expressions for an INSERT ... SELECT: what is given, and the model's default for all others.

    So a column that somebody adds to the model later gets its default here too.
    """
    expressions = dict(given)
    for field in model._meta.local_concrete_fields:
        if field.primary_key or field.column in expressions or field.null or field.has_db_default():
            continue
        default = {} if field.get_internal_type() == "JSONField" else field.get_default()
        expressions[str(field.column)] = _literal("" if default is None else default)
    return ", ".join(expressions), ", ".join(expressions.values())


def _literal(value: Any) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    text = orjson.dumps(value).decode() if isinstance(value, dict | list) else str(value)
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _create_statement() -> str:
    conversation, talk = _insert(
        Conversation,
        {
            "organization_id": "%(org)s", "channel_id": "w.channel_id", "contact_id": "w.contact_id",
            "assigned_to_id": "(SELECT assigned_to_id FROM crm_contact WHERE id = w.contact_id)", "address": "w.recipient", "last_message_at": "%(at)s",
            "created_at": "%(at)s", "updated_at": "%(at)s",
        },
    )  # fmt: skip
    participant, joining = _insert(
        Participant,
        {
            "organization_id": "%(org)s", "conversation_id": "talk.id", "contact_id": "talk.contact_id",
            "joined_at": "%(at)s", "created_at": "%(at)s", "updated_at": "%(at)s",
        },
    )  # fmt: skip
    message, said = _insert(
        Message,
        {
            "organization_id": "%(org)s", "conversation_id": "talk.id", "channel_id": "w.channel_id",
            "direction": "'outbound'", "type": "'template'", "template_id": "%(template)s", "body": "w.body",
            "payload": "w.payload", "recipient": "w.recipient", "client_request_id": "w.request_id",
            "status": "'sending'", "attempts": "1", "lease_until": "%(lease)s", "queued_at": "%(at)s", "at": "%(at)s",
            "created_at": "%(at)s", "updated_at": "%(at)s",
        },
    )  # fmt: skip
    return f"""
        WITH wanted AS (
            SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
                       AS w(contact_id bigint, channel_id bigint, recipient text, body text, payload jsonb,
                            request_id text)
        ), talk AS (
            INSERT INTO messaging_conversation ({conversation})
            SELECT {talk} FROM wanted w
            ON CONFLICT (organization_id, channel_id, contact_id)
                  WHERE deleted_at IS NULL AND status IN ('open', 'pending')
            DO UPDATE SET last_message_at = GREATEST(messaging_conversation.last_message_at, EXCLUDED.last_message_at)
            RETURNING id, channel_id, contact_id, (xmax = 0) AS is_new
        ), joining AS (
            INSERT INTO messaging_participant ({participant}) SELECT {joining} FROM talk WHERE is_new
        )
        INSERT INTO messaging_message ({message})
        SELECT {said} FROM wanted w
          JOIN talk ON talk.channel_id = w.channel_id AND talk.contact_id = w.contact_id
        ON CONFLICT (organization_id, client_request_id) WHERE client_request_id <> '' DO NOTHING
        RETURNING id, client_request_id
    """  # noqa: S608 - only column names and defaults of our own models are pasted in
