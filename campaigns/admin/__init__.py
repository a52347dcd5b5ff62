"""Campaigns in the back office: written, checked, approved, watched. Everything that changes one calls a service."""

from campaigns.admin.campaigns import CampaignAdmin
from campaigns.admin.prices import CampaignRulesAdmin, MessagePriceAdmin
from campaigns.admin.recipients import RecipientAdmin
from campaigns.admin.segments import SegmentAdmin
from campaigns.admin.sequences import EnrollmentAdmin, EnrollmentStepAdmin, SequenceAdmin

__all__ = [
    "CampaignAdmin",
    "CampaignRulesAdmin",
    "EnrollmentAdmin",
    "EnrollmentStepAdmin",
    "MessagePriceAdmin",
    "RecipientAdmin",
    "SegmentAdmin",
    "SequenceAdmin",
]
