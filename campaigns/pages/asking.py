"""What every page of campaigns asks of its request."""

from __future__ import annotations

from django.http import HttpRequest

from campaigns.models import Campaign, CampaignStatus
from core.actors import Actor
from core.errors import NotFound
from crm.pages.asking import actor_of

__all__ = ["TONES", "actor_of", "campaign_of"]

TONES = {
    CampaignStatus.DRAFT: "",
    CampaignStatus.IN_REVIEW: "warn",
    CampaignStatus.APPROVED: "calm",
    CampaignStatus.SCHEDULED: "calm",
    CampaignStatus.RUNNING: "brand",
    CampaignStatus.PAUSED: "bad",
    CampaignStatus.COMPLETED: "good",
    CampaignStatus.CANCELLED: "",
    CampaignStatus.FAILED: "bad",
}


def campaign_of(request: HttpRequest, campaign_id: int) -> Campaign:
    """The campaign with what its pages name. One query. Raises NotFound for what this member may not see."""
    actor: Actor = actor_of(request)
    rows = Campaign.objects.visible_to(actor).select_related(
        "organization",
        "project",
        "template__channel",
        "second_template",
        "created_by__user",
        "edited_by__user",
        "started_by__user",
    )
    found: Campaign | None = rows.filter(pk=campaign_id).first()
    if found is None:
        raise NotFound("There is no such campaign here.")
    return found
