"""Blue ticks: telling the person that somebody here has read what they wrote."""

from __future__ import annotations

import structlog

from core.actors import Actor
from core.errors import DomainError
from core.roles import Capability
from messaging import payloads
from messaging.cloud_api import ask, credentials_of
from messaging.models import Message
from messaging.models.conversations import Direction
from messaging.refusals import is_able

log = structlog.get_logger(__name__)


def send_read_receipt(*, actor: Actor, message_id: int) -> bool:
    """Mark an inbound message, and all before it, as read at WhatsApp. A courtesy: tried once, never insisted on."""
    actor.require(Capability.CHANNELS_MANAGE)
    rows = Message.objects.for_organization(actor.organization).filter(direction=Direction.INBOUND)
    message = rows.select_related("channel").filter(pk=message_id).exclude(provider_id="").first()
    if message is None or not is_able(message.channel):
        return False
    credentials, body = credentials_of(message.channel), payloads.read(message.provider_id)
    try:
        ask(lambda client: client.mark_read(credentials, body))
    except DomainError as error:
        log.info("read_receipt_not_sent", message_id=message.pk, code=error.code)
        return False
    return True
