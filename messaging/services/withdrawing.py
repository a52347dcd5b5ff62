"""Taking back what is queued and has not left yet: of the worker that sends and who takes it back, one wins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_noop

from core import events
from core.actors import Actor
from core.roles import Capability
from messaging import live
from messaging.events import MessagesProgressed
from messaging.models import Message
from messaging.models.conversations import MessageStatus


def withdraw_messages(*, actor: Actor, message_ids: Sequence[int], reason: str, at: datetime) -> int:
    """Of these, let those not be sent that nobody has begun to send; they count as failed. Returns how many."""
    actor.require(Capability.CONVERSATIONS_REPLY)
    rows = Message.objects.for_organization(actor.organization).filter(pk__in=message_ids, status=MessageStatus.QUEUED)
    held = list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk", "conversation_id"))
    taken: int = rows.filter(pk__in=[pk for pk, _ in held]).update(
        status=MessageStatus.FAILED,
        failed_at=at,
        error_title=gettext_noop("Taken back"),
        error_details=reason[:500],
        updated_at=at,
    )
    if held:
        events.publish(MessagesProgressed(actor.organization.pk, tuple(pk for pk, _ in held)))
        live.announce_many(organization_id=actor.organization.pk, conversation_ids=[talk for _, talk in held])
    return taken
