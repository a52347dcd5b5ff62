"""What everything that WhatsApp tells of a talk has in common, told now, long ago, or of what was written on a phone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.actors import Actor
from crm.models import Contact
from crm.services import contact_for_sender
from messaging.incoming import InboundMessage, Sender
from messaging.models import Channel, Conversation, Message


def person_behind(*, actor: Actor, sender: Sender, at: datetime) -> Contact:
    """The contact that this sender is, made when unknown; held until the transaction ends. See contact_for_sender."""
    return contact_for_sender(
        actor=actor, phone=sender.phone or None, bsuid=sender.user_id or None, name=sender.name, at=at
    )


def row_of(said: InboundMessage, *, channel: Channel, conversation: Conversation, **fields: Any) -> Message:
    """What was said, as a row that is not saved yet; `fields` says whose it is and how far it got."""
    given = {"payload": said.payload, **fields}
    return Message(
        organization=conversation.organization,
        conversation=conversation,
        channel=channel,
        type=said.type,
        body=said.body,
        quoted_provider_id=said.quoted_provider_id,
        provider_id=said.provider_id,
        media_id=said.media_id,
        media_type=said.media_type,
        media_name=said.media_name,
        at=said.at,
        **given,
    )
