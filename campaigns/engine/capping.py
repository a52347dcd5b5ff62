"""Who got enough since the start: the caps are judged once more when a message is about to go out.

A campaign may run for days, beside others and beside sequences, so what held when its people were frozen may not hold now.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.utils import timezone

from campaigns.audience.suppression import Cap, written_to_enough
from campaigns.models import Campaign, SkipReason


def enough_meanwhile(campaign: Campaign, caps: Sequence[Cap], people: Sequence[tuple[int, str]]) -> dict[int, str]:
    """Of these (contact, address) pairs the contacts that got as many messages as a cap allows, with the reason.

    To be asked in the transaction that marks rows as being sent. Campaigns of one house take turns from here until it
    commits, so that two of them never both give somebody the last message; no lock and no query without a cap.
    """
    if not caps:
        return {}
    with connection.cursor() as cursor:
        number = campaign.organization_id % 2147483647
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('campaigns.caps'), %s)", [number])
    return dict.fromkeys(written_to_enough(campaign, caps, dict(people), timezone.now()), SkipReason.TOO_OFTEN.value)
