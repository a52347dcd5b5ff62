"""Campaigns, who decided what about them, and one row per person they are meant for."""

from campaigns.models.campaigns import Approval, Campaign, CampaignChannel, CampaignPause, CampaignStatus, Target
from campaigns.models.recipients import CampaignEngine, CampaignMessage, SkipReason, Status
from campaigns.models.rules import CampaignRules, MessagePrice
from campaigns.models.segments import Segment

__all__ = [
    "Approval",
    "Campaign",
    "CampaignChannel",
    "CampaignEngine",
    "CampaignMessage",
    "CampaignPause",
    "CampaignRules",
    "CampaignStatus",
    "MessagePrice",
    "Segment",
    "SkipReason",
    "Status",
    "Target",
]
