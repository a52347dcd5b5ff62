"""Two contacts, or two units, turned out to be one: campaigns write to them once."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from campaigns.models import Campaign, CampaignMessage, CampaignStatus, SkipReason, Status
from core.models import Organization
from crm.models import Merge
from crm.services.merging import put

ENDED = {
    CampaignStatus.COMPLETED: SkipReason.ENDED,
    CampaignStatus.FAILED: SkipReason.ENDED,
    CampaignStatus.CANCELLED: SkipReason.CANCELLED,
}
# Skipped for what the other's number may make good; whoever said no is not asked again under the other name.
_LACKED = (SkipReason.NO_NUMBER, SkipReason.LANDLINE, SkipReason.INVALID_NUMBER, SkipReason.REVIEW, SkipReason.VARIABLE)


def follow_contacts(*, merge: Merge) -> None:
    """A campaign's row goes to the survivor. Where both are in one campaign both rows stay, as its totals are sums of
    them, but only one is still written to: the other is left out as a duplicate. Run again, it moves what came late."""
    rows = _rows_of(merge.organization).filter(contact=merge.merged_id)
    taken = _rows_of(merge.organization).filter(contact=merge.survivor_id)
    ours = {row.campaign_id: row for row in taken}
    for theirs in rows.filter(campaign__in=ours, status=Status.PENDING).order_by("pk"):
        _write_once(merge, ours[theirs.campaign_id], theirs)
    put(
        merge=merge,
        rows=rows.exclude(campaign__in=ours),
        noun=gettext_noop("messages of campaigns"),
        contact_id=merge.survivor_id,
    )


def follow_properties(*, merge: Merge) -> None:
    rows = _rows_of(merge.organization).filter(property=merge.merged_id)
    noun = gettext_noop("messages of campaigns")
    put(merge=merge, rows=rows, noun=noun, property_id=merge.survivor_id)


def part_contacts(*, merge: Merge) -> None:
    """Whoever waits again, in a campaign that is over, is not written to any more."""
    steps = merge.steps.filter(model="campaigns.campaignmessage").values_list("ids", flat=True)
    rows = CampaignMessage.objects.filter(pk__in=[pk for ids in steps for pk in ids], status=Status.PENDING)
    for status, reason in ENDED.items():
        rows.filter(campaign__status=status).update(status=Status.SKIPPED, skip_reason=reason, recipient="")


def _write_once(merge: Merge, ours: CampaignMessage, theirs: CampaignMessage) -> None:
    one = CampaignMessage.objects.filter(organization=merge.organization_id)
    skipped: dict[str, Any] = {"status": Status.SKIPPED, "skip_reason": SkipReason.DUPLICATE, "recipient": ""}
    noun = gettext_noop("messages that would go out twice")
    put(merge=merge, rows=one.filter(pk=theirs.pk), noun=noun, **skipped)
    if ours.status == Status.SKIPPED and ours.skip_reason in _LACKED:
        put(
            merge=merge,
            rows=one.filter(pk=ours.pk),
            status=theirs.status,
            skip_reason="",
            recipient=theirs.recipient,
            variables=theirs.variables,
            channel_id=theirs.channel_id,
            error="",
        )


def _rows_of(organization: Organization) -> QuerySet[CampaignMessage]:
    """By way of the campaigns: the table has no index by contact alone, and needs none for anything else."""
    campaigns = list(Campaign.objects.for_organization(organization).values_list("pk", flat=True))
    rows: QuerySet[CampaignMessage] = CampaignMessage.objects.filter(organization=organization, campaign__in=campaigns)
    return rows
