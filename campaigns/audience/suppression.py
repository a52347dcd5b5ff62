"""Who is left out although an address is known: written to lately or too often, in talk with us, in another campaign.

Asked of a few thousand people at a time: each question is a query or two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from campaigns.models import (
    Campaign,
    CampaignMessage,
    CampaignRules,
    CampaignStatus,
    EnrollmentStep,
    SkipReason,
    StepOutcome,
)
from campaigns.models.recipients import Status
from core.arrays import any_id, any_text
from crm.models import ContactPoint
from crm.models.contacts import PointStatus
from messaging.models import Conversation
from messaging.models.conversations import MessageStatus


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many messages of campaigns and sequences in so many days, to one person."""

    most: int
    days: int


def caps_of(campaign: Campaign) -> list[Cap]:
    """The house's and the campaign's own; both hold. One query."""
    house = CampaignRules.objects.for_organization(campaign.organization)
    caps = [Cap(*row) for row in house.values_list("most_messages", "per_days")]
    if campaign.most_messages and campaign.per_days:
        caps.append(Cap(campaign.most_messages, campaign.per_days))
    return caps


@dataclass(frozen=True, slots=True)
class Suppression:
    """Of some people and their addresses, those who are left out."""

    in_other_campaigns: set[int]
    in_talk: set[int]
    written_to_lately: set[str]
    written_to_enough: set[str]

    def reason_for(self, contact_id: int, address: str) -> SkipReason:
        """The first that holds, or SkipReason.NONE."""
        if contact_id in self.in_other_campaigns:
            return SkipReason.EXCLUDED
        if contact_id in self.in_talk:
            return SkipReason.TALKING
        if address in self.written_to_lately:
            return SkipReason.RECENT
        return SkipReason.TOO_OFTEN if address in self.written_to_enough else SkipReason.NONE


def suppression_of(
    campaign: Campaign, caps: Sequence[Cap], contact_ids: Sequence[int], addresses: Mapping[int, str], at: datetime
) -> Suppression:
    """Three queries and a few for each cap, however many people. `addresses`: by contact, of those who have one."""
    enough = written_to_enough(campaign, caps, addresses, at)
    return Suppression(
        _in_other_campaigns(campaign, contact_ids),
        _in_talk(campaign, contact_ids, at),
        _written_to_lately(campaign, list(addresses.values()), at),
        {addresses[contact_id] for contact_id in enough},
    )


def in_review(contact_ids: Sequence[int]) -> set[int]:
    """Of those without a usable number, the ones where somebody has yet to look at it."""
    waiting = ContactPoint.objects.live().filter(contact__in=any_id(contact_ids), status=PointStatus.REVIEW)
    return set(waiting.values_list("contact", flat=True)) if contact_ids else set()


def _in_other_campaigns(campaign: Campaign, contact_ids: Sequence[int]) -> set[int]:
    """Whoever got one of the campaigns that are left out, or waits in it."""
    others = campaign.audience.get("excluded_campaigns", [])
    if not others:
        return set()
    rows = CampaignMessage.objects.for_organization(campaign.organization).filter(campaign__in=others)
    rows = rows.exclude(status__in=[Status.SKIPPED, Status.FAILED])
    return set(rows.filter(contact__in=any_id(contact_ids)).values_list("contact", flat=True))


def _in_talk(campaign: Campaign, contact_ids: Sequence[int], at: datetime) -> set[int]:
    """Who wrote to us lately and whose talk is still open: a broadcast in the middle of it would be rude."""
    since = at - timedelta(hours=campaign.skip_talking_within_hours)
    talk = Conversation.objects.for_organization(campaign.organization).live().open()
    talk = talk.filter(contact__in=any_id(contact_ids), last_inbound_at__gt=since)
    return set(talk.values_list("contact", flat=True)) if campaign.skip_talking_within_hours else set()


def _written_to_lately(campaign: Campaign, addresses: Sequence[str], at: datetime) -> set[str]:
    since = at - timedelta(hours=campaign.skip_messaged_within_hours)
    rows = CampaignMessage.objects.for_organization(campaign.organization).exclude(campaign=campaign.pk)
    rows = rows.filter(recipient__in=any_text(addresses), accepted_at__gt=since)
    return set(rows.values_list("recipient", flat=True))


def written_to_enough(campaign: Campaign, caps: Sequence[Cap], addresses: Mapping[int, str], at: datetime) -> set[int]:
    """Of these contacts those who got, or are being sent, as many messages as a cap allows; this campaign's not counted.

    Those of campaigns count for the number, those of sequences for the person. No query without a cap.
    """
    enough: set[int] = set()
    for cap in caps:
        since = at - timedelta(days=cap.days)
        by_address = _by_campaigns(campaign, list(addresses.values()), since)
        by_contact = _by_sequences(campaign, list(addresses), since)
        enough |= {
            contact_id
            for contact_id, address in addresses.items()
            if by_address[address] + by_contact[contact_id] >= cap.most
        }
    return enough


def _by_campaigns(campaign: Campaign, addresses: Sequence[str], since: datetime) -> Counter[str]:
    """How many messages of other campaigns each number got. What is in the air, or in doubt, counts as got."""
    rows = CampaignMessage.objects.for_organization(campaign.organization).exclude(campaign=campaign.pk)
    rows = rows.filter(recipient__in=any_text(addresses)).order_by()
    going = Campaign.objects.for_organization(campaign.organization).filter(
        status__in=[CampaignStatus.RUNNING, CampaignStatus.PAUSED]
    )
    in_the_air = rows.filter(
        campaign__in=list(going.values_list("pk", flat=True)),
        status__in=[Status.SUBMITTING, Status.UNKNOWN],
        accepted_at=None,
        updated_at__gt=since,
    )
    found: Counter[str] = Counter()
    for each in (rows.filter(accepted_at__gt=since), in_the_air):
        found.update(dict(each.values_list("recipient").annotate(got=Count("pk"))))
    return found


def _by_sequences(campaign: Campaign, contact_ids: Sequence[int], since: datetime) -> Counter[int]:
    """How many steps of sequences each person got; one that WhatsApp refused was not got."""
    steps = EnrollmentStep.objects.for_organization(campaign.organization).order_by()
    steps = steps.filter(contact__in=any_id(contact_ids), outcome=StepOutcome.SENT, at__gt=since)
    steps = steps.exclude(message__status=MessageStatus.FAILED)
    return Counter(dict(steps.values_list("contact").annotate(got=Count("pk"))))
