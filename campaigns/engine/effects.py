"""What answers of WhatsApp change beyond their recipients: a number, a person's wish, the whole campaign."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from campaigns import services
from campaigns.errors import BusyNow, IllegalMove
from campaigns.models import Campaign, PauseCause
from core.actors import system
from crm.models import Contact
from messaging.error_codes import Treatment, explain
from messaging.models import Channel
from messaging.models.intake import OptOutScope, OptOutSource
from messaging.services.channel_state import block_channel, limit_to_answers, suspect_numbers
from messaging.services.consent import record_stop


def stop_channel(channel: Channel, reason: str, code: int | None, at: datetime) -> None:
    """No campaign writes from this number until somebody has acted; people are answered where that is still allowed."""
    stop = limit_to_answers if explain(code).treatment is Treatment.STOP_BILLABLE else block_channel
    stop(actor=system(channel.organization), channel=channel, reason=reason, at=at)


def pause(campaign: Campaign, reason: str, code: int | None, at: datetime, cause: PauseCause) -> bool:
    """Stop the campaign by itself. False when somebody was quicker, or holds it at this moment."""
    try:
        services.pause_campaign(
            actor=system(campaign.organization), campaign=campaign, reason=reason, error_code=code, cause=cause, at=at
        )
    except (IllegalMove, BusyNow):
        return False
    return True


@transaction.atomic
def keep_opt_outs(campaign: Campaign, people: Sequence[tuple[int, str]], at: datetime) -> None:
    """Contacts (with the address written to) of whom WhatsApp says that they stopped our marketing."""
    actor = system(campaign.organization)
    contacts = Contact.objects.for_organization(campaign.organization).in_bulk([pair[0] for pair in people])
    for contact_id, address in people:
        record_stop(
            actor=actor,
            contact=contacts[contact_id],
            address=address,
            scope=OptOutScope.MARKETING,
            source=OptOutSource.BUTTON,
            said="stopped marketing in WhatsApp",
            at=at,
        )


def suspect(campaign: Campaign, message_ids: Sequence[int], at: datetime) -> None:
    """Numbers that WhatsApp could not reach."""
    suspect_numbers(actor=system(campaign.organization), message_ids=message_ids, at=at)


def pause_without_numbers(campaign: Campaign, at: datetime) -> bool:
    """None of its numbers can send: wait for a person, and say what is wrong with them."""
    said = [f"{each.name}: {each.status_reason or 'not connected'}" for each in services.channels_of(campaign)]
    reason = f"None of its numbers can send now ({'; '.join(said)})."
    return pause(campaign, reason, None, at, PauseCause.NUMBERS)
