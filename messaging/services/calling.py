"""Calls stand in the thread: one line a call, which says more as more becomes known."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Coalesce, Greatest

from core.actors import Actor
from core.roles import Capability
from messaging import live, window
from messaging.calls import MISSED, RANK, Call
from messaging.models import Channel, Conversation, Message
from messaging.models.conversations import Direction, MessageStatus, MessageType
from messaging.services.amending import known_message
from messaging.services.inbound import talk_with
from messaging.services.keeping import person_behind


@transaction.atomic
def take_call(*, actor: Actor, channel: Channel, call: Call, at: datetime) -> Message:
    """Keep how far a call is. A call by the person opens the window, as a message would, and counts as unread once."""
    actor.require(Capability.CHANNELS_MANAGE)
    contact = person_behind(actor=actor, sender=call.sender, at=at)
    message = known_message(actor, channel, call.provider_id)
    if message is not None:
        _move_on(message, call.state, call.seconds)
        return message
    conversation = talk_with(actor=actor, channel=channel, contact=contact, text="", at=at)
    message = Message.objects.create(
        organization=actor.organization,
        conversation=conversation,
        channel=channel,
        direction=Direction.OUTBOUND if call.is_ours else Direction.INBOUND,
        type=MessageType.CALL,
        payload={"call": {"state": call.state, "seconds": call.seconds}, "label": "Call"},
        recipient=call.sender.address if call.is_ours else "",
        provider_id=call.provider_id,
        status=MessageStatus.SENT if call.is_ours else MessageStatus.RECEIVED,
        at=call.at,
    )
    changes = {"last_message_at": Greatest(Coalesce(F("last_message_at"), call.at), call.at), "updated_at": at}
    if not call.is_ours:
        closes = window.closes_at(call.at)
        changes |= {
            "last_inbound_at": Greatest(Coalesce(F("last_inbound_at"), call.at), call.at),
            "window_expires_at": Greatest(Coalesce(F("window_expires_at"), closes), closes),
            "unread_count": F("unread_count") + 1,
        }
    Conversation.objects.filter(pk=conversation.pk).update(**changes)
    _ask_for_an_answer(message, call.state)
    live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    return message


@transaction.atomic
def note_call_state(*, actor: Actor, channel: Channel, provider_id: str, state: str) -> None:
    """A call of ours rings, was taken or declined. One that we do not have yet is told whole when it ends."""
    actor.require(Capability.CHANNELS_MANAGE)
    message = known_message(actor, channel, provider_id)
    if message is not None:
        _move_on(message, state, 0)


def _move_on(message: Message, state: str, seconds: int) -> None:
    fresh: Message = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
    known = fresh.payload.get("call") or {}
    if RANK[state] <= RANK.get(str(known.get("state")), -1):
        return
    fresh.payload["call"] = {"state": state, "seconds": seconds}
    fresh.save(update_fields=["payload", "updated_at"])
    _ask_for_an_answer(fresh, state)
    live.announce(organization_id=fresh.organization_id, conversation_id=fresh.conversation_id)


def _ask_for_an_answer(message: Message, state: str) -> None:
    """Who called and reached nobody waits for us, unless we have written since."""
    if state != MISSED or message.direction != Direction.INBOUND:
        return
    answers = Message.objects.filter(
        organization=message.organization_id, conversation=OuterRef("pk"), direction=Direction.OUTBOUND
    ).exclude(type=MessageType.NOTE)
    waiting = Conversation.objects.filter(pk=message.conversation_id).exclude(Exists(answers.filter(at__gt=message.at)))
    waiting.update(waiting_since=Coalesce(F("waiting_since"), message.at), snoozed_until=None)
