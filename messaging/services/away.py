"""Nobody is there: said once to each conversation and closed time, so that nobody waits for what cannot come."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.actors import Actor
from core.errors import DomainError
from core.roles import Capability
from messaging.keywords import wish_of
from messaging.models import AssistantTurn, Message
from messaging.models.conversations import ConversationStatus, Direction, MessageType
from messaging.selectors.hours import hours_of
from messaging.services.outbound import send_text

# A webhook that comes so late, or is replayed, is no longer somebody who waits.
LATEST = timedelta(minutes=30)
HEARD = (
    MessageType.TEXT, MessageType.IMAGE, MessageType.VIDEO, MessageType.AUDIO, MessageType.DOCUMENT,
    MessageType.LOCATION, MessageType.CONTACTS, MessageType.INTERACTIVE,
)  # fmt: skip


def answer_when_away(*, actor: Actor, message_id: int, at: datetime) -> Message | None:
    """Say that nobody is there, if so and if it was not said since the office closed. None when nothing was said.

    It passes the same questions as every message: who asked us to stop everything hears nothing. It is not an answer:
    the person still waits.
    """
    actor.require(Capability.CONVERSATIONS_REPLY)
    said = (
        Message.objects.for_organization(actor.organization)
        .filter(pk=message_id, direction=Direction.INBOUND, type__in=HEARD)
        .select_related("conversation__contact", "conversation__channel")
        .first()
    )
    if said is None or at - said.at > LATEST or wish_of(said.body) is not None:
        return None
    if AssistantTurn.objects.for_organization(actor.organization).filter(message=said).exists():
        return None  # a member asks the assistant, who is always there
    if said.assistant_turns.exists():
        return None  # a member who asks the assistant, which is always there
    conversation = said.conversation
    found = hours_of(actor=actor, channel_id=conversation.channel_id)
    if not found.away_text or conversation.status == ConversationStatus.ARCHIVED or found.schedule.is_open(at):
        return None
    is_arabic = conversation.contact.language == "ar" or any("\u0600" <= letter <= "\u06ff" for letter in said.body)
    closed = int(found.schedule.closed_since(at).timestamp())
    try:
        return send_text(
            actor=actor,
            conversation=conversation,
            body=(found.away_text_arabic if is_arabic else "") or found.away_text,
            client_request_id=f"away:{conversation.pk}:{closed}",
            at=at,
        )
    except DomainError:
        return None  # said before in other words, asked to stop, a closed window, a blocked number
