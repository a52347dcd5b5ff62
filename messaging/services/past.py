"""What was said on the phone before the number was connected (coexistence): up to half a year, in thousands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.actors import Actor
from core.jobs import enqueue
from core.roles import Capability
from messaging import incoming, live, window
from messaging.contents import Json, mapping
from messaging.incoming import InboundMessage, Sender
from messaging.models import Channel, Conversation, Message
from messaging.models.conversations import ConversationStatus, Direction, MessageStatus, MessageType
from messaging.services.conversations import latest_conversation, open_conversation
from messaging.services.keeping import person_behind, row_of

FROM_PAST = {"origin": "history"}
STATUSES = {
    "PENDING": MessageStatus.SENT,
    "SENT": MessageStatus.SENT,
    "DELIVERED": MessageStatus.DELIVERED,
    "READ": MessageStatus.READ,
    "PLAYED": MessageStatus.PLAYED,
    "ERROR": MessageStatus.FAILED,
}
BATCH = 1000
# Replies find what they quote, all of a conversation at once.
QUOTES = """
UPDATE messaging_message AS m SET quoted_id = q.id
  FROM messaging_message AS q
 WHERE m.organization_id = %(organization)s AND m.conversation_id = %(conversation)s AND m.quoted_id IS NULL
   AND m.quoted_provider_id <> '' AND q.organization_id = m.organization_id AND q.channel_id = m.channel_id
   AND q.provider_id = m.quoted_provider_id AND q.conversation_id = m.conversation_id
"""


def threads_of(value: Json) -> list[Json]:
    """The threads of every chunk in a change."""
    chunks = [mapping(each) for each in value.get("history") or []]
    return [mapping(thread) for chunk in chunks for thread in chunk.get("threads") or []]


@transaction.atomic
def take_past(*, actor: Actor, channel: Channel, value: Json, thread: Json, at: datetime) -> int:
    """Keep the past talk with one person; how many messages were new. Nobody is told, nothing is unread or answered.

    A conversation that did not exist yet is closed: it opens when the person writes, or somebody takes it up.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    person = _person(value, thread)
    said = [
        _read(channel, value, raw, person, at)
        for raw in map(mapping, thread.get("messages") or [])
        if raw.get("id") and raw.get("type")
    ]
    if not said:
        return 0
    contact = person_behind(actor=actor, sender=person, at=at)
    conversation = latest_conversation(channel=channel, contact=contact) or _closed(channel, contact, at)
    rows = [_row(channel, conversation, person, *each) for each in sorted(said, key=lambda each: each[0].at)]
    known = set(
        Message.objects.filter(
            organization=actor.organization, channel=channel, provider_id__in=[row.provider_id for row in rows]
        ).values_list("provider_id", flat=True)
    )
    new = [row for row in rows if row.provider_id not in known]
    Message.objects.bulk_create(new, batch_size=BATCH, ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute(QUOTES, {"organization": actor.organization.pk, "conversation": conversation.pk})
    _refresh(conversation, new, at)
    live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    return len(new)


@transaction.atomic
def take_past_file(*, actor: Actor, channel: Channel, value: Json, raw: Json, at: datetime) -> Message | None:
    """A file of a past message, told after the message itself; fetched like any other. None when we lack the message."""
    actor.require(Capability.CHANNELS_MANAGE)
    rows = Message.objects.filter(organization=actor.organization, channel=channel, provider_id=str(raw.get("id")))
    message: Message | None = rows.select_for_update(of=("self",)).first()
    if message is None or message.media_id:
        return message
    said = incoming.read_message(value, raw, received_at=at, is_ours=message.direction == Direction.OUTBOUND)
    message.type, message.body = said.type, said.body
    message.payload = {**said.payload, **FROM_PAST}
    message.media_id, message.media_type, message.media_name = said.media_id, said.media_type, said.media_name
    message.save()
    if message.media_id:
        enqueue("messaging.fetch_media", organization_id=actor.organization.pk, message_id=message.pk)
    return message


def _person(value: Json, thread: Json) -> Sender:
    """Whom a thread is with: its id is their number, its context may have the user id and the name."""
    about = mapping(thread.get("context"))
    asked = {"from": about.get("wa_id") or thread.get("id"), "from_user_id": about.get("user_id")}
    if not str(asked["from"] or "").isdigit():
        asked = {"from": None, "from_user_id": asked["from_user_id"] or thread.get("id")}
    person = incoming.sender_of(value, asked)
    name = str(about.get("name") or mapping(about.get("profile")).get("name") or about.get("username") or "")
    return Sender(person.phone, person.user_id, incoming.clean(name)[:200] or person.name)


def _read(channel: Channel, value: Json, raw: Json, person: Sender, at: datetime) -> tuple[InboundMessage, bool, str]:
    """One past message: what it says, whether it is ours, and how far it had got."""
    is_ours = str(raw.get("from") or "") == channel.display_number.lstrip("+")
    given = {**raw, "to": person.phone, "to_user_id": person.user_id} if is_ours else raw
    if not is_ours and not (raw.get("from") or raw.get("from_user_id")):
        given = {**raw, "from": person.phone, "from_user_id": person.user_id}
    said = incoming.read_message(value, given, received_at=at, is_ours=is_ours)
    status = STATUSES.get(str(mapping(raw.get("history_context")).get("status") or ""), MessageStatus.SENT)
    return said, is_ours, status if is_ours else MessageStatus.RECEIVED


def _closed(channel: Channel, contact: Any, at: datetime) -> Conversation:
    conversation = open_conversation(channel=channel, contact=contact, assigned_to=channel.owner, at=at)
    conversation.status, conversation.last_message_at = ConversationStatus.CLOSED, None
    conversation.save(update_fields=["status", "last_message_at", "updated_at"])
    return conversation


def _row(
    channel: Channel,
    conversation: Conversation,
    person: Sender,
    said: InboundMessage,
    is_ours: bool,
    status: str,
) -> Message:
    return row_of(
        said,
        channel=channel,
        conversation=conversation,
        direction=Direction.OUTBOUND if is_ours else Direction.INBOUND,
        author=channel.owner if is_ours else None,
        payload={**said.payload, **FROM_PAST},
        recipient=person.address if is_ours else "",
        status=status,
        sent_at=said.at if is_ours else None,
    )


def _refresh(conversation: Conversation, new: Sequence[Message], at: datetime) -> None:
    """Past talk may end an hour ago: then the window is open indeed."""
    theirs = [row.at for row in new if row.direction == Direction.INBOUND and row.type != MessageType.SYSTEM]
    fresh = Conversation.objects.select_for_update(of=("self",)).get(pk=conversation.pk)
    last = [row.at for row in new] + [each for each in (fresh.last_message_at,) if each]
    inbound = theirs + [each for each in (fresh.last_inbound_at,) if each]
    fresh.last_message_at = max(last, default=None)
    if inbound:
        closes = window.closes_at(max(inbound))
        fresh.last_inbound_at = max(inbound)
        fresh.window_expires_at = max(closes, fresh.window_expires_at or closes)
    fresh.save(update_fields=["last_message_at", "last_inbound_at", "window_expires_at", "updated_at"])
