"""What colleagues write to each other about a conversation. It has no address, and no state from which it is sent."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from core import audit
from core.actors import Actor
from core.roles import Capability
from messaging import live
from messaging.errors import RequestIdReused, TextInvalid
from messaging.models import Conversation, Message
from messaging.models.conversations import Direction, MessageStatus, MessageType
from messaging.services.conversations import visible_conversation
from messaging.services.gate import message_of_request, plain_text


@transaction.atomic
def write_note(*, actor: Actor, conversation: Conversation, body: str, client_request_id: str, at: datetime) -> Message:
    """Leave a note for colleagues, in the thread. The person never sees it. The same client_request_id makes one."""
    actor.require(Capability.CONVERSATIONS_REPLY)
    text = plain_text(body)
    if not 1 <= len(client_request_id) <= 64:
        raise TextInvalid("Send a client_request_id of 1 to 64 characters.", field="client_request_id")
    conversation = visible_conversation(actor=actor, conversation=conversation)
    known = message_of_request(actor, client_request_id)
    if known is not None:
        if (known.conversation_id, known.type, known.body) != (conversation.pk, MessageType.NOTE, text):
            raise RequestIdReused("This client_request_id was already used for another message.", used_by=known.pk)
        return known
    try:
        with transaction.atomic():
            note: Message = Message.objects.create(
                organization=actor.organization,
                conversation=conversation,
                channel=conversation.channel,
                direction=Direction.OUTBOUND,
                type=MessageType.NOTE,
                status=MessageStatus.RECEIVED,
                author=actor.membership,
                body=text,
                client_request_id=client_request_id,
                at=at,
            )
    except IntegrityError:
        raise RequestIdReused("This client_request_id was already used for another message.") from None
    audit.record(
        actor=actor, action="messaging.note_written", target=note, after={"conversation": conversation.pk}, at=at
    )
    live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    return note
