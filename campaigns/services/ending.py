"""How a campaign ends: nobody is left, its time is over, or somebody cancels it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from campaigns.models import Campaign, CampaignMessage, CampaignPause, CampaignStatus, SkipReason, Status
from campaigns.models.recipients import OPEN
from campaigns.services._locking import locked, move
from core import audit
from core.actors import Actor, system
from core.roles import Capability

# No engine lives this long after its campaign was cancelled.
LATE_RETURNS = timedelta(days=1)


@transaction.atomic
def cancel_campaign(*, actor: Actor, campaign: Campaign, reason: str, at: datetime) -> Campaign:
    """End it for good. Whoever has not been written to yet is skipped; what is on its way is finished."""
    actor.require(Capability.CAMPAIGNS_RUN)
    campaign = locked(actor=actor, campaign=campaign)
    before = move(campaign, CampaignStatus.CANCELLED, reason=reason, finished_at=at)
    skipped = _skip_the_rest(campaign, SkipReason.CANCELLED, at)
    _end_pause(actor, campaign, at)
    after = {"status": campaign.status, "reason": reason, "skipped": skipped}
    audit.record(
        actor=actor,
        action="campaigns.campaign_cancelled",
        target=campaign,
        before={"status": before},
        after=after,
        at=at,
    )
    return campaign


@transaction.atomic
def complete_campaign(*, campaign: Campaign, at: datetime) -> bool:
    """Say that it is done, if nothing is waiting, taken or on its way. Whether it is now completed by this call."""
    actor = system(campaign.organization)
    campaign = locked(actor=actor, campaign=campaign)
    still_open = CampaignMessage.objects.filter(
        organization=campaign.organization_id, campaign=campaign, status__in=OPEN
    ).exists()
    if campaign.status not in (CampaignStatus.RUNNING, CampaignStatus.PAUSED) or still_open:
        return False
    before = move(campaign, CampaignStatus.COMPLETED, reason=campaign.status_reason, finished_at=at)
    _end_pause(actor, campaign, at)
    after = {"status": campaign.status}
    audit.record(
        actor=actor,
        action="campaigns.campaign_completed",
        target=campaign,
        before={"status": before},
        after=after,
        at=at,
    )
    return True


@transaction.atomic
def end_campaign(*, campaign: Campaign, at: datetime) -> bool:
    """Its end time has come: the rest is skipped. True once it is completed; what is on its way may take a moment."""
    campaign = locked(actor=system(campaign.organization), campaign=campaign)
    if campaign.ends_at is None or campaign.ends_at > at:
        return False
    if campaign.status not in (CampaignStatus.RUNNING, CampaignStatus.PAUSED):
        return False
    if _skip_the_rest(campaign, SkipReason.ENDED, at):
        campaign.status_reason = "Its end time came before everybody was written to."
        campaign.save(update_fields=["status_reason", "updated_at"])
    return complete_campaign(campaign=campaign, at=at)


def skip_what_came_back(*, organization_id: int, campaign_id: int | None = None, at: datetime) -> int:
    """Rows of a cancelled campaign that were on their way and were never written come back as waiting: skip them too."""
    rest = CampaignMessage.objects.filter(
        organization=organization_id,
        campaign__status=CampaignStatus.CANCELLED,
        campaign__finished_at__gt=at - LATE_RETURNS,
        status=Status.PENDING,
    )
    if campaign_id is not None:
        rest = rest.filter(campaign=campaign_id)
    return int(rest.update(status=Status.SKIPPED, skip_reason=SkipReason.CANCELLED, not_before=None, updated_at=at))


def _skip_the_rest(campaign: Campaign, reason: SkipReason, at: datetime) -> int:
    rest = CampaignMessage.objects.filter(
        organization=campaign.organization_id, campaign=campaign, status__in=[Status.PENDING, Status.CLAIMED]
    )
    return int(rest.update(status=Status.SKIPPED, skip_reason=reason, lease_until=None, claimed_by=None, updated_at=at))


def _end_pause(actor: Actor, campaign: Campaign, at: datetime) -> None:
    standing = CampaignPause.objects.for_organization(campaign.organization).filter(
        campaign=campaign, resumed_at__isnull=True
    )
    standing.update(resumed_at=at, resumed_by=actor.membership)
