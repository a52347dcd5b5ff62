"""Edits and deletions: the message that they are about changes, whichever of the two came first."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from messaging.incoming import InboundMessage
from messaging.models import Channel, Message
from messaging.models.conversations import MessageType


def known_message(actor: Actor, channel: Channel, provider_id: str) -> Message | None:
    """The message of this number with WhatsApp's id, if we have it."""
    if not provider_id:
        return None
    rows = Message.objects.filter(organization=actor.organization, channel=channel, provider_id=provider_id)
    found: Message | None = rows.first()
    return found


def amend(original: Message | None, said: InboundMessage, *, direction: str) -> None:
    """Change what an edit or a deletion is about: only whoever wrote a message changes it."""
    if original is not None and original.direction == direction:
        _apply(original, said.payload["kind"], said.body, said.at)


def catch_up(message: Message) -> None:
    """A message that came after what quotes or changes it."""
    rows = Message.objects.filter(
        organization=message.organization_id,
        quoted_provider_id=message.provider_id,
        channel=message.channel_id,
        quoted__isnull=True,
    )
    if not rows.update(quoted=message):
        return
    early = Message.objects.filter(organization=message.organization_id, quoted=message, type=MessageType.SYSTEM)
    for change in early.filter(direction=message.direction).order_by("at", "pk"):
        if "kind" in change.payload:
            _apply(message, change.payload["kind"], change.body, change.at)


def _apply(original: Message, kind: str, body: str, at: datetime) -> None:
    """The words as they were first written stay in the row; the last edit wins, whatever order edits come in."""
    if kind == "revoke":
        original.payload["revoked"] = {"at": at.isoformat()}
    elif original.payload.get("edited", {}).get("at", "") <= at.isoformat():
        original.payload["edited"] = {"body": body, "at": at.isoformat()}
    original.save(update_fields=["payload", "updated_at"])
