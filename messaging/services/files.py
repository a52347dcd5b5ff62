"""Files that people send: fetched before their address dies, looked at, kept in private storage."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from core.actors import Actor
from core.jobs import enqueue
from core.roles import Capability
from messaging import live, media
from messaging.cloud_api import ask, credentials_of
from messaging.errors import MediaInvalid, WhatsAppRefused
from messaging.models import Message
from messaging.models.conversations import Direction, MessageType

LIFE = timedelta(days=7)  # of a media id in a webhook
# Files that WhatsApp keeps for us: of the person, or of a colleague who wrote on the phone.
THEIRS = Q(direction=Direction.INBOUND) | Q(payload__has_key="origin")
LOST_AFTER = timedelta(minutes=1)
SWEPT_AT_ONCE = 100


def fetch_media(*, actor: Actor, message_id: int, at: datetime) -> bool:
    """Fetch the file of a message that came in; True when it is there. Again changes nothing.

    A file that is too large, dangerous or gone leaves its reason on the message, shown in place of it. Raises
    WhatsAppUnavailable when it should be tried again.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    rows = Message.objects.for_organization(actor.organization).filter(THEIRS)
    message = rows.select_related("channel").filter(pk=message_id).exclude(media_id="").first()
    if message is None or message.media_file or "media_error" in message.payload:
        return bool(message and message.media_file)
    try:
        path, mime_type = _fetch(actor, message)
    except (WhatsAppRefused, MediaInvalid) as error:
        _note(actor, message, error.message, at)
        return False
    with transaction.atomic():
        kept = Message.objects.filter(pk=message.pk, media_file="").update(
            media_file=path, media_type=mime_type, updated_at=at
        )
        live.announce(organization_id=actor.organization.pk, conversation_id=message.conversation_id)
    if not kept:
        media.forget(path)  # another worker was quicker
    return True


def sweep_media(*, actor: Actor, at: datetime) -> int:
    """Nudge files that were not fetched yet and can still be."""
    actor.require(Capability.CHANNELS_MANAGE)
    waiting = (
        Message.objects.for_organization(actor.organization)
        .filter(THEIRS, media_file="", created_at__gt=at - LIFE, created_at__lt=at - LOST_AFTER)
        .exclude(media_id="")
        .exclude(payload__has_key="media_error")
    )
    ids = list(waiting.order_by("-pk").values_list("pk", flat=True)[:SWEPT_AT_ONCE])
    for message_id in ids:
        enqueue("messaging.fetch_media", organization_id=actor.organization.pk, message_id=message_id)
    return len(ids)


def _fetch(actor: Actor, message: Message) -> tuple[str, str]:
    credentials = credentials_of(message.channel)
    kind = message.type if message.type in media.LARGEST else MessageType.DOCUMENT
    most = media.LARGEST[kind]
    found: list[str] = []

    async def both_hops(client: Any) -> str:
        remote = await client.media(credentials, message.media_id)
        if remote.file_size:
            media.require_size(kind, remote.file_size)
        async with client.download(credentials, remote) as chunks:
            with media.keeping(actor.organization.pk, message.media_type) as (file, path):
                size = 0
                async for chunk in chunks:
                    if not size:
                        found.append(_looked_at(chunk, message))
                    size += len(chunk)
                    if size > most:
                        media.require_size(kind, size)
                    file.write(chunk)
                if not size:
                    raise MediaInvalid("The file was empty.")
        return path

    return ask(both_hops, timeout=120), found[0]


def _looked_at(head: bytes, message: Message) -> str:
    """The type by the bytes; what only claims to be a picture is kept as a plain download, programs not at all."""
    if head.startswith(media.PROGRAMS):
        raise MediaInvalid("This file is a program; it was not kept.")
    return media.sniff(head[: media.HEAD], message.media_name)


def _note(actor: Actor, message: Message, reason: str, at: datetime) -> None:
    with transaction.atomic():
        fresh = Message.objects.select_for_update().get(pk=message.pk)
        fresh.payload["media_error"] = reason
        fresh.save(update_fields=["payload", "updated_at"])
        live.announce(organization_id=actor.organization.pk, conversation_id=message.conversation_id)
