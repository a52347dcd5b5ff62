"""What can be decided about a campaign now, and by whom: asked by the back office and by pages before they show a button."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignStatus
from campaigns.models.campaigns import EDITABLE
from campaigns.services.review import is_as_approved
from core.actors import Actor
from core.roles import Capability

_S = CampaignStatus
# What each decision asks, and in which states it makes sense; services have the last word.
DECISIONS: dict[str, tuple[Capability, frozenset[str]]] = {
    "change": (Capability.CAMPAIGNS_WRITE, EDITABLE),
    "submit": (Capability.CAMPAIGNS_WRITE, frozenset({_S.DRAFT})),
    "approve": (Capability.CAMPAIGNS_APPROVE, frozenset({_S.IN_REVIEW, _S.PAUSED})),
    "give_back": (Capability.CAMPAIGNS_APPROVE, frozenset({_S.IN_REVIEW, _S.APPROVED})),
    "start": (Capability.CAMPAIGNS_RUN, frozenset({_S.APPROVED, _S.SCHEDULED})),
    "unschedule": (Capability.CAMPAIGNS_RUN, frozenset({_S.SCHEDULED})),
    "pause": (Capability.CAMPAIGNS_RUN, frozenset({_S.RUNNING})),
    "resume": (Capability.CAMPAIGNS_RUN, frozenset({_S.PAUSED})),
    "cancel": (Capability.CAMPAIGNS_RUN, frozenset(_S) - {_S.COMPLETED, _S.CANCELLED, _S.FAILED}),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One decision. `refusal` says in words why this member may not take it although others may."""

    name: str
    refusal: str = ""


def offered(*, actor: Actor, campaign: Campaign) -> list[Offer]:
    """The decisions that the campaign's status and this member's role allow. Two queries at most."""
    found = []
    for name, (capability, states) in DECISIONS.items():
        if campaign.status not in states or not actor.can(capability):
            continue
        refusal = ""
        if name == "approve":
            if campaign.status == _S.PAUSED and is_as_approved(campaign):
                continue
            me = actor.membership
            if me is None or me.pk in (campaign.created_by_id, campaign.edited_by_id):
                refusal = _("You wrote or changed this campaign, so somebody else must approve it.")
        found.append(Offer(name, refusal))
    return found
