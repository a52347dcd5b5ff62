"""The list of campaigns: each with how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from campaigns.models import Campaign, CampaignStatus
from campaigns.selectors.funnels import Funnel, funnels
from core.actors import Actor
from core.roles import Capability

# Those of which somebody expects something now.
ALIVE = (CampaignStatus.SCHEDULED, CampaignStatus.RUNNING, CampaignStatus.PAUSED)


@dataclass(frozen=True, slots=True)
class CampaignRow:
    campaign: Campaign
    funnel: Funnel


def narrowed_campaigns(actor: Actor, asked: Mapping[str, str]) -> QuerySet[Campaign]:
    """The campaigns that this actor may see, newest first. `asked` has `status`, `project` and `q`."""
    rows: QuerySet[Campaign] = Campaign.objects.visible_to(actor)
    if asked.get("status") in CampaignStatus.values:
        rows = rows.filter(status=asked["status"])
    if (project := asked.get("project", "")).isdecimal() and len(project) < 19:
        rows = rows.filter(project=int(project))
    if text := asked.get("q", "").replace("\x00", "").strip()[:100]:
        rows = rows.filter(Q(name__icontains=text) | Q(project__name__icontains=text))
    return rows.order_by("-pk")


def campaign_rows(*, actor: Actor, campaigns: Iterable[Campaign]) -> list[CampaignRow]:
    """Campaigns with their funnels. One query, however many."""
    actor.require(Capability.CAMPAIGNS_READ)
    shown = list(campaigns)
    found = funnels(actor=actor, campaign_ids=[campaign.pk for campaign in shown])
    return [CampaignRow(campaign, found[campaign.pk]) for campaign in shown]
