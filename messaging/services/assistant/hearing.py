"""Who is heard: a member's own phone on a number that has an assistant. Strangers get nothing, not even a refusal."""

from __future__ import annotations

from core.actors import Actor
from core.jobs import enqueue
from messaging.assistant.reading import code_in
from messaging.incoming import Sender
from messaging.models import AssistantLine, AssistantTurn, Conversation, Message
from messaging.models.conversations import MessageType
from messaging.services.assistant.numbers import connect, member_of

DEAF_TO = (MessageType.REACTION, MessageType.SYSTEM)


def hear(*, actor: Actor, conversation: Conversation, message: Message, sender: Sender) -> AssistantTurn | None:
    """Note that a member asked something, to be answered by a task; None for everybody else. In the transaction that
    keeps the message: it is asked once, however often the webhook comes."""
    if message.type in DEAF_TO:
        return None
    lines = AssistantLine.objects.for_organization(actor.organization).live()
    line = lines.filter(channel=conversation.channel_id).first()
    if line is None:
        return None
    code = code_in(message.body)
    connected = connect(actor=actor, sender=sender, code=code, at=message.at) if code else None
    member = connected or member_of(actor=actor, sender=sender)
    if member is None:
        return None
    if conversation.assigned_to_id != member.pk:
        # What he asks and is told is his to see, and his managers'.
        Conversation.objects.filter(pk=conversation.pk).update(assigned_to=member)
    turn: AssistantTurn = AssistantTurn.objects.create(
        organization=actor.organization,
        message=message,
        membership=member,
        line=line,
        request="connected" if connected else "",
        at=message.at,
    )
    enqueue("messaging.answer_turn", organization_id=actor.organization.pk, turn_id=turn.pk)
    return turn
