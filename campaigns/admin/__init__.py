"""Campaigns in the back office: written, checked, approved, watched. Everything that changes one calls a service."""

from campaigns.admin.campaigns import CampaignAdmin
from campaigns.admin.recipients import RecipientAdmin

__all__ = ["CampaignAdmin", "RecipientAdmin"]
