"""Every change to a campaign."""

from campaigns.services.drafting import CampaignChanges, create_campaign, update_campaign
from campaigns.services.ending import cancel_campaign, complete_campaign, end_campaign, skip_what_came_back
from campaigns.services.offers import DECISIONS, Offer, offered
from campaigns.services.preflight import (
    Preflight,
    Preview,
    channels_of,
    pace_of,
    preflight,
    preflight_people,
    preview_for,
)
from campaigns.services.prices import import_prices
from campaigns.services.review import approve_campaign, is_as_approved, return_campaign, submit_for_review
from campaigns.services.running import (
    pause_campaign,
    resume_campaign,
    start_campaign,
    start_scheduled,
    unschedule_campaign,
)
from campaigns.services.segments import create_segment, delete_segment, update_segment

__all__ = [
    "DECISIONS",
    "CampaignChanges",
    "Offer",
    "Preflight",
    "Preview",
    "approve_campaign",
    "cancel_campaign",
    "channels_of",
    "complete_campaign",
    "create_campaign",
    "create_segment",
    "delete_segment",
    "end_campaign",
    "import_prices",
    "is_as_approved",
    "offered",
    "pace_of",
    "pause_campaign",
    "preflight",
    "preflight_people",
    "preview_for",
    "resume_campaign",
    "return_campaign",
    "skip_what_came_back",
    "start_campaign",
    "start_scheduled",
    "submit_for_review",
    "unschedule_campaign",
    "update_campaign",
    "update_segment",
]
