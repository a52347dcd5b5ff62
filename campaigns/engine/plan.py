"""What an engine must know before it sends, read in one go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson

from campaigns.engine.rows import Row
from campaigns.models import Campaign, CampaignStatus
from campaigns.quiet import quiet_until
from campaigns.rendering import Letter, letter_of
from campaigns.services.preflight import channels_of
from core.models import Organization
from messaging import payloads
from messaging.models import Channel, MessageTemplate
from messaging.refusals import is_able
from messaging.statuses import callback_data


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign as it is sent: frozen for the length of one slice."""

    campaign: Campaign
    organization: Organization
    template: MessageTemplate
    letter: Letter

    def payload(self, row: Row) -> payloads.Payload:
        """The body of the request for one recipient; its components are JSON already."""
        callback = callback_data(row.message_id, 1)
        body = payloads.template(row.recipient, self.template.name, self.template.language, callback=callback)
        if row.components != b"[]":
            body["template"]["components"] = orjson.Fragment(row.components)
        return body

    def quiet_until(self, at: datetime) -> datetime | None:
        """When the campaign's quiet hours are over, if it is in them."""
        campaign = self.campaign
        zone = self.organization.time_zone
        return quiet_until(at=at, time_zone=zone, start=campaign.quiet_from, end=campaign.quiet_until)


def load(campaign_id: int) -> Plan | None:
    """The plan of a running campaign; None for any other."""
    rows = Campaign.objects.live().filter(pk=campaign_id, status=CampaignStatus.RUNNING)
    campaign = rows.select_related("organization", "template", "project").first()
    if campaign is None:
        return None
    return Plan(campaign, campaign.organization, campaign.template, letter_of(campaign.template))


def able_channels(campaign: Campaign) -> list[Channel]:
    """Its numbers that can send now."""
    found = [channel for channel in channels_of(campaign) if is_able(channel)]
    for channel in found:
        channel.organization = campaign.organization
    return found
