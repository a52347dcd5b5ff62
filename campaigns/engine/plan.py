"""What an engine must know before it sends, read in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db.models import Max
from django.utils import timezone

from campaigns.audience.suppression import Cap, caps_of
from campaigns.engine.rows import Row
from campaigns.models import Campaign, CampaignEngine, CampaignPause, CampaignStatus
from campaigns.quiet import Quiet
from campaigns.rendering import Letter, letter_of, templates_of
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
    letters: Mapping[str, tuple[MessageTemplate, Letter]]  # by variant; "" where there is one message
    quiet: Quiet
    since: datetime  # it started, or went on, then
    zones: list[str]  # where its people live; "" for those of whom only the organisation's is known
    caps: Sequence[Cap]  # how many messages one person may get; none: no limit

    def payload(self, row: Row) -> payloads.Payload:
        """The body of the request for one recipient; its components are JSON already."""
        callback = callback_data(row.message_id, 1)
        template, _letter = self.letters[row.variant]
        body = payloads.template(row.recipient, template.name, template.language, callback=callback)
        if row.components != b"[]":
            body["template"]["components"] = orjson.Fragment(row.components)
        return body

    def quiet_zones(self, at: datetime) -> dict[str, datetime]:
        """The zones in which nobody is written to at that time, and until when."""
        home = self.organization.time_zone
        over = {zone: self.quiet.until(at, zone or home) for zone in self.zones}
        return {zone: until for zone, until in over.items() if until is not None}


def load(campaign_id: int) -> Plan | None:
    """The plan of a running campaign; None for any other."""
    rows = Campaign.objects.live().filter(pk=campaign_id, status=CampaignStatus.RUNNING)
    campaign = rows.select_related("organization", "template", "second_template", "project").first()
    if campaign is None:
        return None
    house = campaign.organization
    quiet = Quiet.at_house(house, campaign.quiet_from, campaign.quiet_until, on_days_off=campaign.is_quiet_on_days_off)
    resumed = CampaignPause.objects.filter(campaign=campaign).aggregate(at=Max("resumed_at"))["at"]
    since = resumed or campaign.started_at or timezone.now()
    zones = CampaignEngine.objects.values_list("zones", flat=True).get(organization=house, campaign=campaign)
    letters = {variant: (each, letter_of(each)) for variant, each in templates_of(campaign).items()}
    return Plan(campaign, house, letters, quiet, since, zones or [""], caps_of(campaign))


def able_channels(campaign: Campaign) -> list[Channel]:
    """Its numbers that can send now."""
    found = [channel for channel in channels_of(campaign) if is_able(channel)]
    for channel in found:
        channel.organization = campaign.organization
    return found
