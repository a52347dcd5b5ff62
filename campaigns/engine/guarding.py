"""What makes a campaign stop by itself although every message could go out: its first ones are out, or too many fail.

And the distance that random spacing keeps.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from campaigns.engine.rows import HERE
from campaigns.models import Campaign, CampaignPause, PauseCause, Status

# The share of failures is worked out over the last so many people, and means nothing over fewer than that.
WINDOW = 1000
LEAST = 50
OUT = [status.value for status in Status if status not in (Status.PENDING, Status.SKIPPED, Status.CLAIMED)]


def canary_left(campaign: Campaign) -> int | None:
    """How many may go out before somebody has to look; None when nobody has to (any more)."""
    if campaign.canary_size is None:
        return None
    if CampaignPause.objects.filter(campaign=campaign, cause=PauseCause.CANARY).exists():
        return None
    with connection.cursor() as cursor:
        cursor.execute(COUNT_OUT, {"campaign": campaign.pk, "out": OUT})
        return max(campaign.canary_size - int(cursor.fetchone()[0]), 0)


def failing(campaign: Campaign, up_to_id: int, since: datetime) -> str:
    """Why to stop: more of those whom this run reached lately failed than is allowed. "" for going on."""
    allowed = campaign.stop_at_failure_percent
    if allowed is None:
        return ""
    with connection.cursor() as cursor:
        cursor.execute(FAILED, {"campaign": campaign.pk, "to": up_to_id, "from": up_to_id - WINDOW, "since": since})
        out, failed = cursor.fetchone()
    if out < LEAST or failed * 100 <= allowed * out:
        return ""
    return (
        f"{failed:,} of the last {out:,} failed, which is more than {allowed} %. Look at the causes before it goes on."
    )


def note_spacing(campaign_id: int, token: int, seconds: float) -> None:
    """Nothing before so many seconds, whoever sends it next: a new engine keeps the distance too."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE_SPACING, {"campaign": campaign_id, "token": token, "seconds": seconds})


NOTE_SPACING = f"""
    UPDATE campaigns_campaignengine SET next_at = clock_timestamp() + %(seconds)s * interval '1 second'
     WHERE {HERE} AND campaign_id = %(campaign)s AND token = %(token)s
"""  # noqa: S608 - only our own constants are pasted in

COUNT_OUT = f"""
    SELECT count(*) FROM campaigns_campaignmessage
     WHERE {HERE} AND campaign_id = %(campaign)s AND status = ANY(%(out)s)
"""  # noqa: S608 - only our own constants are pasted in

FAILED = f"""
    SELECT count(*), count(*) FILTER (WHERE status = 'failed') FROM campaigns_campaignmessage
     WHERE {HERE} AND campaign_id = %(campaign)s AND id > %(from)s AND id <= %(to)s
       AND status IN ('accepted', 'sent', 'delivered', 'read', 'failed')
       AND COALESCE(accepted_at, updated_at) > %(since)s
"""  # noqa: S608 - only our own constants are pasted in
