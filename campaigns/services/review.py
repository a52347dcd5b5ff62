"""Two pairs of eyes: somebody else than the author lets a campaign go out, exactly as it is."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from campaigns.errors import ApprovalMissing, OwnCampaign
from campaigns.fingerprint import fingerprint_of
from campaigns.models import Approval, Campaign, CampaignChannel, CampaignStatus
from campaigns.services._locking import locked, move
from core import audit
from core.actors import Actor
from core.roles import Capability


@transaction.atomic
def submit_for_review(*, actor: Actor, campaign: Campaign, at: datetime) -> Campaign:
    """Hand a draft to somebody who may approve it."""
    actor.require(Capability.CAMPAIGNS_WRITE)
    campaign = locked(actor=actor, campaign=campaign)
    before = move(campaign, CampaignStatus.IN_REVIEW)
    _record(actor, "campaigns.campaign_submitted", campaign, before, at)
    return campaign


@transaction.atomic
def approve_campaign(*, actor: Actor, campaign: Campaign, at: datetime) -> Approval:
    """Let it go out as it is now. Raises OwnCampaign for its author and for who edited it last.

    A paused campaign whose template was changed meanwhile is approved anew: it stays paused, and may be resumed then.
    """
    actor.require(Capability.CAMPAIGNS_APPROVE)
    campaign = locked(actor=actor, campaign=campaign)
    me = actor.membership
    if me is None or me.pk in (campaign.created_by_id, campaign.edited_by_id):
        raise OwnCampaign("You wrote or changed this campaign, so somebody else must approve it.")
    if campaign.status == CampaignStatus.PAUSED and not is_as_approved(campaign):
        before = campaign.status
        standing = Approval.objects.for_organization(actor.organization).filter(campaign=campaign)
        standing.filter(voided_at__isnull=True).update(voided_at=at, voided_by=me)
    else:
        before = move(campaign, CampaignStatus.APPROVED)
    approval: Approval = Approval.objects.create(
        organization=actor.organization,
        campaign=campaign,
        fingerprint=present_fingerprint(campaign),
        approved_by=me,
        approved_at=at,
    )
    _record(actor, "campaigns.campaign_approved", campaign, before, at, fingerprint=approval.fingerprint)
    return approval


@transaction.atomic
def return_campaign(*, actor: Actor, campaign: Campaign, reason: str, at: datetime) -> Campaign:
    """Send it back to its author, with what should change; an approval it had is void."""
    actor.require(Capability.CAMPAIGNS_APPROVE)
    campaign = locked(actor=actor, campaign=campaign)
    before = move(campaign, CampaignStatus.DRAFT, reason=reason)
    standing = Approval.objects.for_organization(actor.organization).filter(campaign=campaign, voided_at__isnull=True)
    standing.update(voided_at=at, voided_by=actor.membership)
    _record(actor, "campaigns.campaign_returned", campaign, before, at, reason=reason)
    return campaign


def require_approval(campaign: Campaign) -> Approval:
    """The approval of exactly what would go out now. Raises ApprovalMissing."""
    standing = Approval.objects.filter(organization=campaign.organization_id, campaign=campaign, voided_at__isnull=True)
    approval: Approval | None = standing.first()
    if approval is None:
        raise ApprovalMissing("Nobody has approved this campaign yet; hand it in for review.")
    if approval.fingerprint != present_fingerprint(campaign):
        raise ApprovalMissing(
            "What was approved is not what would go out now: the template or the segment was changed since. "
            "Have it approved again.",
            approval=approval.pk,
        )
    return approval


def is_as_approved(campaign: Campaign) -> bool:
    """Whether what would go out now is what was approved, to the letter and to the price."""
    try:
        require_approval(campaign)
    except ApprovalMissing:
        return False
    return True


def present_fingerprint(campaign: Campaign) -> str:
    """Of the campaign as its rows say now."""
    links = CampaignChannel.objects.filter(organization=campaign.organization_id, campaign=campaign)
    return fingerprint_of(campaign, list(links.values_list("channel", flat=True)))


def _record(actor: Actor, action: str, campaign: Campaign, before: str, at: datetime, **more: str) -> None:
    after = {"status": campaign.status, **more}
    audit.record(actor=actor, action=action, target=campaign, before={"status": before}, after=after, at=at)
