"""The campaigns that wait for a person who may act on them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from campaigns.models import Campaign, CampaignStatus
from core.actors import Actor
from core.roles import Capability

SHOWN = 6


def campaigns_in_need(actor: Actor, _shown: Any = None) -> list[Campaign] | None:
    """To approve (not one's own), or paused; oldest first. None when there are none for this actor. One query."""
    asked = Q()
    if actor.can(Capability.CAMPAIGNS_APPROVE):
        asked |= Q(status=CampaignStatus.IN_REVIEW) & ~Q(created_by=actor.membership)
    if actor.can(Capability.CAMPAIGNS_RUN):
        asked |= Q(status=CampaignStatus.PAUSED)
    if not asked:
        return None
    return list(Campaign.objects.visible_to(actor).filter(asked).order_by("pk")[:SHOWN]) or None
