"""Who came by an advertisement may be written to for 72 hours without charge, once somebody has answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.db.models.functions import Coalesce, Greatest

from core.actors import Actor
from core.roles import Capability
from messaging.contents import Json, mapping
from messaging.models import Channel, Conversation

ORIGIN = "referral_conversion"


def heed_free_entry(*, actor: Actor, channel: Channel, value: Json, at: datetime) -> None:
    """Statuses of our answers say until when it lasts: WhatsApp alone knows. No query when none does."""
    actor.require(Capability.CHANNELS_MANAGE)
    ends: dict[str, datetime] = {}
    for status in map(mapping, value.get("statuses") or []):
        conversation = mapping(status.get("conversation"))
        if mapping(conversation.get("origin")).get("type") == ORIGIN:
            expires = _moment(conversation.get("expiration_timestamp"))
            if expires is not None:
                ends[str(status.get("id"))] = expires
    for provider_id, expires in ends.items():
        Conversation.objects.for_organization(actor.organization).filter(
            Q(messages__provider_id=provider_id, messages__channel=channel)
        ).update(free_entry_until=Greatest(Coalesce("free_entry_until", expires), expires), updated_at=at)


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(value)), UTC)
    except (ValueError, OverflowError, OSError):
        return None
