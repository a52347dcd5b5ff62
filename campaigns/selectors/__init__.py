"""Reads for pages, the API and reports. Every total is a sum over the recipients' rows, made when it is asked for."""

from campaigns.selectors.causes import Cause, causes
from campaigns.selectors.funnels import WENT_OUT, Funnel, funnel, funnels
from campaigns.selectors.listing import CampaignRow, campaign_rows, narrowed_campaigns
from campaigns.selectors.numbers import Allowance, allowances
from campaigns.selectors.progress import Progress, progress
from campaigns.selectors.recipients import REPLY_WINDOW, REPLY_WINDOW_HOURS, STEPS, narrowed_recipients

__all__ = [
    "REPLY_WINDOW",
    "REPLY_WINDOW_HOURS",
    "STEPS",
    "WENT_OUT",
    "Allowance",
    "CampaignRow",
    "Cause",
    "Funnel",
    "Progress",
    "allowances",
    "campaign_rows",
    "causes",
    "funnel",
    "funnels",
    "narrowed_campaigns",
    "narrowed_recipients",
    "progress",
]
