"""Who somebody is to WhatsApp changes: a new user id, told by a webhook of its own (older API versions)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.roles import Capability
from crm.models import ContactPoint
from crm.models.contacts import PointKind
from crm.services import contact_for_sender, follow_sender
from messaging import incoming
from messaging.contents import Json, mapping
from messaging.models import Channel, Conversation


@transaction.atomic
def heed_user_id(*, actor: Actor, channel: Channel, value: Json, raw: Json, at: datetime) -> None:
    """A person whom we know got another user id: it is kept on the same contact, and answers go there from now on.

    One whom we do not know is nobody to keep: whoever it is comes with the new id when he writes.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    told = mapping(raw.get("user_id"))
    before, now = (incoming.clean(str(told.get(name) or "")) for name in ("previous", "current"))
    phone = incoming.clean(str(raw.get("wa_id") or ""))
    points = ContactPoint.objects.for_organization(actor.organization).live()
    known = points.filter(kind=PointKind.BSUID, value=before) | points.filter(
        kind=PointKind.WHATSAPP, value=f"+{phone}"
    )
    if not now or not known.exists():
        return
    contact = contact_for_sender(actor=actor, phone=phone or None, bsuid=before or None, name="", at=at)
    follow_sender(actor=actor, contact=contact, phone=phone, bsuid=now, at=at)
    if before:
        talk = Conversation.objects.for_organization(actor.organization).filter(channel=channel, contact=contact)
        talk.filter(address=before).update(address=phone or now, updated_at=at)
