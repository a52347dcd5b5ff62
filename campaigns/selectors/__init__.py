"""Reads for pages, the API and reports. Every total is a sum over the recipients' rows, made when it is asked for."""

from campaigns.selectors.causes import Cause, causes
from campaigns.selectors.funnels import WENT_OUT, Funnel, funnel, funnels
from campaigns.selectors.listing import CampaignRow, campaign_rows, narrowed_campaigns
from campaigns.selectors.numbers import Allowance, allowances
from campaigns.selectors.progress import Progress, progress
from campaigns.selectors.recipients import REPLY_WINDOW, REPLY_WINDOW_HOURS, STEPS, narrowed_recipients
from campaigns.selectors.segment_fields import FieldOffer, segment_fields
from campaigns.selectors.segments import Found, SegmentView, segment_view, segments_in_words, sentence_of
from campaigns.selectors.variants import Comparison, Side, comparison

__all__ = [
    "REPLY_WINDOW",
    "REPLY_WINDOW_HOURS",
    "STEPS",
    "WENT_OUT",
    "Allowance",
    "CampaignRow",
    "Cause",
    "Comparison",
    "FieldOffer",
    "Found",
    "Funnel",
    "Progress",
    "SegmentView",
    "Side",
    "allowances",
    "campaign_rows",
    "causes",
    "comparison",
    "funnel",
    "funnels",
    "narrowed_campaigns",
    "narrowed_recipients",
    "progress",
    "segment_fields",
    "segment_view",
    "segments_in_words",
    "sentence_of",
]
