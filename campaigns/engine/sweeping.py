"""Finds what was lost: campaigns whose time has come, engines that died, and rows that died with them."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import Q

from campaigns import services
from campaigns.engine.rows import HERE
from campaigns.errors import BusyNow
from campaigns.models import Campaign, CampaignEngine, CampaignStatus
from core.jobs import enqueue
from core.models import Organization
from messaging import bulk
from messaging.models.conversations import MessageStatus

log = structlog.get_logger(__name__)

# Clocks of several machines differ by less.
WRONG_CLOCK = timedelta(minutes=5)
LOST = "The worker was lost while it was being sent: it may have gone out."


def sweep_organization(organization: Organization, at: datetime) -> int:
    """Look after one organisation's campaigns; returns how many engines were nudged. Harmless to run at any time."""
    settle_lost_rows(organization, at)
    services.skip_what_came_back(organization_id=organization.pk, at=at)
    alive = Campaign.objects.for_organization(organization).live().select_related("organization", "template")
    for campaign in alive.filter(status=CampaignStatus.SCHEDULED, starts_at__lte=at):
        _try(services.start_scheduled, campaign, at)
    over = Q(ends_at__lte=at)
    for campaign in alive.filter(over, status__in=[CampaignStatus.RUNNING, CampaignStatus.PAUSED]):
        _try(services.end_campaign, campaign, at)
    idle = CampaignEngine.objects.for_organization(organization).filter(
        Q(lease_until__isnull=True) | Q(lease_until__lt=at),
        # a heartbeat of tomorrow: the clock that said when to wake was wrong
        Q(wakes_at__isnull=True) | Q(wakes_at__lte=at) | Q(heartbeat_at__gt=at + WRONG_CLOCK),
        campaign__status=CampaignStatus.RUNNING,
        campaign__deleted_at__isnull=True,
    )
    nudged = list(idle.values_list("campaign", flat=True))
    for campaign_id in nudged:
        enqueue("campaigns.run", organization_id=organization.pk, campaign_id=campaign_id)
    return len(nudged)


@transaction.atomic
def settle_lost_rows(organization: Organization, at: datetime) -> int:
    """Rows whose lease ran out. Taken only: back to the queue. Being sent: in doubt, until a webhook settles them."""
    with connection.cursor() as cursor:
        cursor.execute(BACK)
        cursor.execute(OVERDUE)
        message_ids = [message_id for (message_id,) in cursor.fetchall()]
        if not message_ids:
            return 0
        bulk.lock(organization_id=organization.pk, message_ids=message_ids)
        bulk.settle(
            organization_id=organization.pk,
            rows=[bulk.Settled(message_id, MessageStatus.UNKNOWN) for message_id in message_ids],
            at=at,
        )
        cursor.execute(DOUBTFUL, {"error": LOST, "messages": message_ids})
    log.warning("campaign_messages_in_doubt", organization_id=organization.pk, count=len(message_ids))
    return len(message_ids)


# An engine from before 2026-12 may have left rows "claimed": taken, and nothing done with them.
BACK = f"""
    UPDATE campaigns_campaignmessage SET status = 'pending', claimed_by = NULL, lease_until = NULL, updated_at = now()
     WHERE {HERE} AND status = 'claimed' AND lease_until < clock_timestamp()
"""  # noqa: S608 - only our own constants are pasted in

OVERDUE = f"""
    SELECT message_id FROM campaigns_campaignmessage
     WHERE {HERE} AND status = 'submitting' AND lease_until < clock_timestamp()
"""  # noqa: S608 - only our own constants are pasted in

DOUBTFUL = f"""
    UPDATE campaigns_campaignmessage
       SET status = 'unknown', error = %(error)s, claimed_by = NULL, lease_until = NULL, updated_at = now()
     WHERE {HERE} AND message_id = ANY(%(messages)s) AND status = 'submitting' AND lease_until < clock_timestamp()
"""  # noqa: S608 - only our own constants are pasted in


def _try(service: object, campaign: Campaign, at: datetime) -> None:
    try:
        service(campaign=campaign, at=at)  # type: ignore[operator]
    except BusyNow:
        log.info("campaign_busy", campaign_id=campaign.pk)  # a person is at it: the next sweep looks again
