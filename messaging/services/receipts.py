"""Blue ticks and "is typing": telling the person that somebody here reads, or writes."""

from __future__ import annotations

from datetime import datetime

import structlog

from core.actors import Actor
from core.errors import DomainError, NotFound
from core.jobs import enqueue
from core.roles import Capability
from messaging import payloads, window
from messaging.cloud_api import ask, credentials_of
from messaging.models import Conversation, Message
from messaging.models.conversations import Direction
from messaging.refusals import may_answer

log = structlog.get_logger(__name__)


def show_typing(*, actor: Actor, conversation: Conversation, at: datetime) -> bool:
    """Let the person see that somebody writes, for about 25 seconds; they also see what they wrote as read.

    A courtesy: answers False when there is nothing to show it on, or the window is closed.
    """
    actor.require(Capability.CONVERSATIONS_REPLY)
    if not Conversation.objects.visible_to(actor).filter(pk=conversation.pk).exists():
        raise NotFound("There is no such conversation here.")
    if not window.is_open(conversation.window_expires_at, at):
        return False
    said = Message.objects.for_organization(actor.organization).live().filter(conversation=conversation)
    theirs = said.filter(direction=Direction.INBOUND).exclude(provider_id="").order_by("-pk")
    newest: int | None = theirs.values_list("pk", flat=True).first()
    if newest is None:
        return False
    enqueue("messaging.send_typing", organization_id=actor.organization.pk, message_id=newest)
    return True


def send_read_receipt(*, actor: Actor, message_id: int, is_typing: bool = False) -> bool:
    """Mark an inbound message, and all before it, as read at WhatsApp. A courtesy: tried once, never insisted on."""
    actor.require(Capability.CHANNELS_MANAGE)
    rows = Message.objects.for_organization(actor.organization).filter(direction=Direction.INBOUND)
    message = rows.select_related("channel").filter(pk=message_id).exclude(provider_id="").first()
    if message is None or not may_answer(message.channel):
        return False
    credentials = credentials_of(message.channel)
    body = payloads.read(message.provider_id, typing=is_typing)
    try:
        ask(lambda client: client.mark_read(credentials, body))
    except DomainError as error:
        log.info("read_receipt_not_sent", message_id=message.pk, code=error.code)
        return False
    return True
