"""Taking a campaign for a change: locked, visible to who asks, and moved only where its table of moves allows."""

from __future__ import annotations

from django.db import OperationalError, transaction

from campaigns import live
from campaigns.errors import BusyNow, IllegalMove
from campaigns.models import Campaign, CampaignStatus
from campaigns.models.campaigns import TRANSITIONS
from core.actors import Actor
from core.errors import NotFound


def locked(*, actor: Actor, campaign: Campaign) -> Campaign:
    """The same campaign, locked until the transaction ends. Raises NotFound, and BusyNow when somebody else holds it."""
    rows = Campaign.objects.visible_to(actor).select_related(
        "template", "project", "organization", "segment", "created_by"
    )
    try:
        with transaction.atomic():
            found: Campaign | None = rows.select_for_update(of=("self",), nowait=True).filter(pk=campaign.pk).first()
    except OperationalError as error:
        raise BusyNow("Somebody else is changing this campaign at this moment; look again.") from error
    if found is None:
        raise NotFound("There is no such campaign here.")
    return found


def move(campaign: Campaign, to: CampaignStatus, *, reason: str = "", **values: object) -> str:
    """Change the status of a locked campaign; returns the one before. Raises IllegalMove."""
    before = campaign.status
    if to not in TRANSITIONS[before]:
        raise IllegalMove(
            f"The campaign is {CampaignStatus(before).label.lower()}; it cannot become {to.label.lower()}.",
            status=before,
            wanted=to.value,
        )
    campaign.status, campaign.status_reason = to, reason[:300]
    for name, value in values.items():
        setattr(campaign, name, value)
    campaign.save(update_fields=["status", "status_reason", "updated_at", *values])
    live.announce(organization_id=campaign.organization_id, campaign_ids=[campaign.pk])
    return before
