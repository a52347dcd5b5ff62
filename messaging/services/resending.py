"""What a person does about a message that failed, or of which nobody knows what became. Nothing here is automatic."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core import audit, events
from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from messaging import live
from messaging.errors import NotInDoubt
from messaging.events import MessagesProgressed
from messaging.models import Conversation, Message
from messaging.models.conversations import Direction, MessageStatus
from messaging.services.outbound import OF_CAMPAIGNS, send_copy

SAID_NOT_TO_HAVE_COME = "Said not to have arrived"


@transaction.atomic
def settle_unknown(*, actor: Actor, message: Message, has_arrived: bool, at: datetime) -> Message:
    """Somebody asked the person and says what became of a message in doubt. A later webhook still knows better.

    Raises NotInDoubt when it was settled meanwhile.
    """
    actor.require(Capability.CONVERSATIONS_REPLY)
    message = _locked(actor, message)
    if message.status != MessageStatus.UNKNOWN:
        raise NotInDoubt("What became of this message is known by now; look again.", status=message.status)
    if has_arrived:
        message.status, message.delivered_at = MessageStatus.DELIVERED, message.delivered_at or at
    else:
        message.status, message.failed_at = MessageStatus.FAILED, message.failed_at or at
        message.error_title = SAID_NOT_TO_HAVE_COME
    message.save(update_fields=["status", "delivered_at", "failed_at", "error_title", "updated_at"])
    audit.record(
        actor=actor,
        action="messaging.unknown_settled",
        target=message,
        before={"status": MessageStatus.UNKNOWN.value},
        after={"status": message.status.value},
        at=at,
    )
    live.announce(organization_id=actor.organization.pk, conversation_id=message.conversation_id)
    events.publish(MessagesProgressed(actor.organization.pk, (message.pk,)))
    return message


@transaction.atomic
def send_again(*, actor: Actor, message: Message, client_request_id: str, at: datetime) -> Message:
    """A new message that says what a failed one said. The same client_request_id makes one.

    One in doubt must first be settled: sending it again unasked might say everything twice. Raises NotInDoubt for
    anything that is not failed, or is of a campaign, and what send_text raises.
    """
    actor.require(Capability.CONVERSATIONS_REPLY)
    message = _locked(actor, message)
    if message.status != MessageStatus.FAILED:
        raise NotInDoubt("Only a message that failed is sent again.", status=message.status)
    if message.client_request_id.startswith(OF_CAMPAIGNS):
        raise NotInDoubt("This message is of a campaign, which sends again by itself what may be sent again.")
    conversation = Conversation.objects.get(organization=actor.organization, pk=message.conversation_id)
    return send_copy(
        actor=actor, conversation=conversation, original=message, client_request_id=client_request_id, at=at
    )


def _locked(actor: Actor, message: Message) -> Message:
    rows = Message.objects.for_organization(actor.organization).live().filter(direction=Direction.OUTBOUND)
    found: Message | None = (
        rows.filter(conversation__in=Conversation.objects.visible_to(actor), pk=message.pk)
        .select_for_update(of=("self",))
        .select_related("template", "quoted")
        .first()
    )
    if found is None:
        raise NotFound("There is no such message of ours here.")
    return found
