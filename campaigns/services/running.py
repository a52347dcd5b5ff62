"""Start, pause, resume. The engine reads the status between batches; these only ever write it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
from django.db import connection, transaction

from campaigns.audience import AT_A_TIME, Recipient, recipients_of, summed
from campaigns.errors import AudienceEmpty, ChannelUnusable, IllegalMove, ScheduleInvalid, TemplateUnusable
from campaigns.models import Campaign, CampaignEngine, CampaignPause, CampaignStatus, PauseCause, SkipReason, Status
from campaigns.quiet import zone_of
from campaigns.services._locking import locked, move
from campaigns.services.preflight import channels_of, problems_of
from campaigns.services.review import require_approval
from core import audit
from core.actors import Actor, system
from core.errors import DomainError
from core.jobs import enqueue
from core.roles import Capability
from messaging.models.channels import TemplateStatus
from messaging.refusals import is_able

# A schedule that was missed by more than this does not start by itself: the moment it was meant for is over.
LATEST_START = timedelta(hours=6)


@transaction.atomic
def start_campaign(*, actor: Actor, campaign: Campaign, at: datetime) -> Campaign:
    """Freeze the audience and begin; a campaign whose start lies ahead is put on the schedule instead.

    Raises ApprovalMissing, TemplateUnusable, ChannelUnusable, AudienceEmpty, ScheduleInvalid, IllegalMove (also for
    the second of two who press start), BusyNow.
    """
    actor.require(Capability.CAMPAIGNS_RUN)
    campaign = locked(actor=actor, campaign=campaign)
    if campaign.status == CampaignStatus.APPROVED and campaign.starts_at is not None and campaign.starts_at > at:
        require_approval(campaign)
        before = move(campaign, CampaignStatus.SCHEDULED, started_by=actor.membership)
        _record(actor, "campaigns.campaign_scheduled", campaign, before, at)
        return campaign
    return _begin(actor, campaign, at)


@transaction.atomic
def start_scheduled(*, campaign: Campaign, at: datetime) -> Campaign:
    """What the clock does when the time has come. Too late by hours, or no longer possible: it says so and waits."""
    actor = system(campaign.organization)
    campaign = locked(actor=actor, campaign=campaign)
    if campaign.status != CampaignStatus.SCHEDULED or campaign.starts_at is None or campaign.starts_at > at:
        return campaign
    reason = ""
    if at - campaign.starts_at > LATEST_START:
        reason = "Its start was missed by hours, so it waits for somebody to start it."
    else:
        try:
            with transaction.atomic():
                return _begin(actor, campaign, at)
        except DomainError as error:
            reason = f"It did not start: {error.message}"
    campaign.refresh_from_db()
    before = move(campaign, CampaignStatus.APPROVED, reason=reason)
    _record(actor, "campaigns.campaign_not_started", campaign, before, at, reason=reason)
    return campaign


@transaction.atomic
def unschedule_campaign(*, actor: Actor, campaign: Campaign, at: datetime) -> Campaign:
    """Take it off the schedule; it stays approved."""
    actor.require(Capability.CAMPAIGNS_RUN)
    campaign = locked(actor=actor, campaign=campaign)
    if campaign.status != CampaignStatus.SCHEDULED:
        raise IllegalMove("The campaign is not on the schedule.", status=campaign.status)
    before = move(campaign, CampaignStatus.APPROVED)
    _record(actor, "campaigns.campaign_unscheduled", campaign, before, at)
    return campaign


@transaction.atomic
def pause_campaign(
    *,
    actor: Actor,
    campaign: Campaign,
    reason: str,
    at: datetime,
    error_code: int | None = None,
    cause: PauseCause = PauseCause.PERSON,
) -> CampaignPause:
    """Stop sending within a second. What is on its way is finished, everybody else waits."""
    actor.require(Capability.CAMPAIGNS_RUN)
    campaign = locked(actor=actor, campaign=campaign)
    before = move(campaign, CampaignStatus.PAUSED, reason=reason)
    pause: CampaignPause = CampaignPause.objects.create(
        organization=actor.organization,
        campaign=campaign,
        cause=cause,
        reason=reason[:300],
        error_code=error_code,
        paused_by=actor.membership,
        paused_at=at,
    )
    _record(actor, "campaigns.campaign_paused", campaign, before, at, reason=reason)
    return pause


@transaction.atomic
def resume_campaign(*, actor: Actor, campaign: Campaign, at: datetime) -> Campaign:
    """Go on where it stopped. Raises what start_campaign raises, save for the audience: that is frozen."""
    actor.require(Capability.CAMPAIGNS_RUN)
    campaign = locked(actor=actor, campaign=campaign)
    if campaign.status != CampaignStatus.PAUSED:
        raise IllegalMove("Only a paused campaign can be resumed.", status=campaign.status)
    _require_startable(campaign, at)
    before = move(campaign, CampaignStatus.RUNNING)
    standing = CampaignPause.objects.for_organization(actor.organization).filter(
        campaign=campaign, resumed_at__isnull=True
    )
    standing.update(resumed_at=at, resumed_by=actor.membership)
    CampaignEngine.objects.filter(campaign=campaign).update(wakes_at=None, note="")
    _record(actor, "campaigns.campaign_resumed", campaign, before, at)
    enqueue("campaigns.run", organization_id=actor.organization.pk, campaign_id=campaign.pk)
    return campaign


def _begin(actor: Actor, campaign: Campaign, at: datetime) -> Campaign:
    if campaign.status not in (CampaignStatus.APPROVED, CampaignStatus.SCHEDULED):
        said = CampaignStatus(campaign.status).label.lower()
        raise IllegalMove(f"The campaign is {said}; only an approved one can be started.", status=campaign.status)
    _require_startable(campaign, at)
    channel = next(channel for channel in channels_of(campaign) if is_able(channel))
    rows = recipients_of(campaign=campaign, channel=channel, at=at)
    reasons, _ = summed(rows)
    if not reasons[str(SkipReason.NONE)]:
        raise AudienceEmpty(
            "Nobody is left to write to; look at the pre-flight for the reasons.", skipped=dict(reasons)
        )
    before = move(
        campaign,
        CampaignStatus.RUNNING,
        started_at=at,
        started_by=actor.membership or campaign.started_by,
    )
    _freeze(campaign, rows, at)
    zones = sorted({zone_of(row.recipient) for row in rows if not row.skip_reason})
    CampaignEngine.objects.create(organization=campaign.organization, campaign=campaign, zones=zones)
    _record(actor, "campaigns.campaign_started", campaign, before, at, people=len(rows), skipped=dict(reasons))
    enqueue("campaigns.run", organization_id=campaign.organization_id, campaign_id=campaign.pk)
    return campaign


def _require_startable(campaign: Campaign, at: datetime) -> None:
    require_approval(campaign)
    if campaign.ends_at is not None and campaign.ends_at <= at:
        raise ScheduleInvalid("Its end time is over; change it first.", field="ends_at")
    problems = problems_of(campaign, channels_of(campaign))
    if problems and campaign.template.status != TemplateStatus.APPROVED:
        raise TemplateUnusable(problems[0], template=campaign.template_id)
    if problems:
        raise ChannelUnusable(problems[0])


def _freeze(campaign: Campaign, rows: Sequence[Recipient], at: datetime) -> None:
    """One row per person, in this transaction: from now on the audience is these rows and nothing else."""
    with connection.cursor() as cursor:
        for start in range(0, len(rows), AT_A_TIME):
            some = rows[start : start + AT_A_TIME]
            cursor.execute(
                FREEZE,
                {
                    "org": campaign.organization_id,
                    "campaign": campaign.pk,
                    "at": at,
                    "contacts": [row.contact_id for row in some],
                    "units": [row.property_id for row in some],
                    "to": [row.recipient for row in some],
                    "zones": [zone_of(row.recipient) for row in some],
                    "variants": [row.variant for row in some],
                    "variables": [orjson.dumps(row.variables).decode() for row in some],
                    "statuses": [(Status.SKIPPED if row.skip_reason else Status.PENDING).value for row in some],
                    "reasons": [str(row.skip_reason) for row in some],
                    "errors": [f"no value for {', '.join(row.missing)}" if row.missing else "" for row in some],
                },
            )


FREEZE = """
    INSERT INTO campaigns_campaignmessage
           (organization_id, campaign_id, contact_id, property_id, recipient, time_zone, variant, variables, status, skip_reason, error,
            attempts, deferrals, created_at, updated_at)
    SELECT %(org)s, %(campaign)s, r.contact, r.unit, r.recipient, r.zone, r.variant, r.variables::jsonb, r.status, r.reason, r.error,
           0, 0, %(at)s, %(at)s
      FROM unnest(%(contacts)s::bigint[], %(units)s::bigint[], %(to)s::text[], %(zones)s::text[], %(variants)s::text[],
                  %(variables)s::text[], %(statuses)s::text[], %(reasons)s::text[], %(errors)s::text[])
           AS r(contact, unit, recipient, zone, variant, variables, status, reason, error)
     ORDER BY r.contact
"""


def _record(actor: Actor, action: str, campaign: Campaign, before: str, at: datetime, **more: object) -> None:
    after = {"status": campaign.status, **more}
    audit.record(actor=actor, action=action, target=campaign, before={"status": before}, after=after, at=at)
