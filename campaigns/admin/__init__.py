"""Campaigns in the back office: written, checked, approved, watched. Everything that changes one calls a service."""

from campaigns.admin.campaigns import CampaignAdmin
from campaigns.admin.recipients import RecipientAdmin
from campaigns.admin.segments import SegmentAdmin

__all__ = ["CampaignAdmin", "RecipientAdmin", "SegmentAdmin"]
