"""What a change of talk says besides messages and statuses: about the number, and about a person's wishes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.roles import Capability
from messaging import incoming
from messaging.incoming import Change
from messaging.models import Channel
from messaging.services.consent import heed_preference
from messaging.services.free_entry import heed_free_entry
from messaging.services.keeping import person_behind
from messaging.services.noticing import note_errors


def heed_talk(*, actor: Actor, channel: Channel, change: Change, at: datetime) -> None:
    """Errors that belong to no message, how long an advertisement counts, and who stopped or resumed marketing by a tap."""
    actor.require(Capability.CHANNELS_MANAGE)
    note_errors(actor=actor, channel=channel, change=change, at=at)
    heed_free_entry(actor=actor, channel=channel, value=change.value, at=at)
    for sender, value, said_at in incoming.read_preferences(change.value, received_at=at):
        with transaction.atomic():
            contact = person_behind(actor=actor, sender=sender, at=at)
            heed_preference(actor=actor, contact=contact, address=sender.address, value=value, at=said_at)
