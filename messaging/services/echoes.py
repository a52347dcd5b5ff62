"""What is written on a phone beside the API (coexistence): it stands in the thread like any other message of ours."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce, Greatest

from core.actors import Actor
from core.deadlocks import tried_twice
from core.jobs import enqueue
from core.roles import Capability
from messaging import live
from messaging.incoming import InboundMessage
from messaging.models import Channel, Conversation, Message
from messaging.models.conversations import Direction, MessageStatus
from messaging.services.amending import amend, catch_up, known_message
from messaging.services.inbound import talk_with
from messaging.services.keeping import person_behind, row_of

# How a message of ours is known to come from the phone, not from here.
FROM_PHONE = {"origin": "phone"}


@tried_twice  # as take_message
def take_echo(*, actor: Actor, channel: Channel, said: InboundMessage, at: datetime) -> Message | None:
    """Keep one message that was written on the phone of this number; None when it was already kept.

    `said.sender` is whom it went to. It opens no window and asks no opt-out: it has been sent. Whoever wrote it there
    has read what came before.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    if known_message(actor, channel, said.provider_id) is not None:
        return None
    contact = person_behind(actor=actor, sender=said.sender, at=at)
    if known_message(actor, channel, said.provider_id) is not None:  # of two deliveries at once
        return None
    conversation = talk_with(actor=actor, channel=channel, contact=contact, text="", at=at)
    quoted = known_message(actor, channel, said.quoted_provider_id)
    message = row_of(
        said,
        channel=channel,
        conversation=conversation,
        direction=Direction.OUTBOUND,
        author=channel.owner,
        payload={**said.payload, **FROM_PHONE},
        quoted=quoted,
        recipient=said.sender.address,
        status=MessageStatus.SENT,
        sent_at=said.at,
    )
    message.save(force_insert=True)
    catch_up(message)
    if said.original:
        amend(quoted, said, direction=Direction.OUTBOUND)
    Conversation.objects.filter(pk=conversation.pk).update(
        last_message_at=Greatest(Coalesce(F("last_message_at"), said.at), said.at),
        waiting_since=Case(When(last_inbound_at__gt=said.at, then=F("waiting_since")), default=None),
        unread_count=Case(When(last_inbound_at__gt=said.at, then=F("unread_count")), default=Value(0)),
        updated_at=at,
    )
    if said.media_id:
        enqueue("messaging.fetch_media", organization_id=actor.organization.pk, message_id=message.pk)
    live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    return message
