"""Writing a campaign, and changing it: every change voids the approval it had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import Q

from campaigns.audience import checked_filter
from campaigns.errors import AudienceInvalid, ChannelUnusable, IllegalMove, NameTaken, ScheduleInvalid, TemplateUnusable
from campaigns.models import Approval, Campaign, CampaignChannel, CampaignStatus, Segment, Target
from campaigns.models.campaigns import EDITABLE
from campaigns.rendering import asked_by
from campaigns.services._locking import locked, move
from campaigns.variables import checked_mapping
from core import audit
from core.actors import Actor
from core.money import decimals
from core.roles import Capability, Reach
from crm.models import Project
from messaging.models import Channel, MessageTemplate


class CampaignChanges(TypedDict, total=False):
    """What a person may decide about a campaign."""

    name: str
    project: Project | None
    target: str
    audience: Mapping[str, Any]
    segment: Segment | None
    template: MessageTemplate
    variables: Mapping[str, Any]
    second_template: MessageTemplate | None
    second_variables: Mapping[str, Any]
    second_percent: int | None
    channels: Sequence[Channel]
    starts_at: datetime | None
    ends_at: datetime | None
    quiet_from: time | None
    quiet_until: time | None
    is_quiet_on_days_off: bool
    messages_per_second: int | None
    spacing_min_seconds: int | None
    spacing_max_seconds: int | None
    daily_cap_per_number: int | None
    canary_size: int | None
    stop_at_failure_percent: int | None
    skip_messaged_within_hours: int
    skip_talking_within_hours: int
    most_messages: int | None
    per_days: int | None
    budget_minor: int | None
    budget_currency: str


@transaction.atomic
def create_campaign(*, actor: Actor, at: datetime, **given: Unpack[CampaignChanges]) -> Campaign:
    """A draft. `name`, `template` and `channels` are required; `target` is all owners when not said.

    Raises NameTaken, AudienceInvalid, TemplateUnusable, ChannelUnusable, VariablesInvalid, ScheduleInvalid.
    """
    actor.require(Capability.CAMPAIGNS_WRITE)
    campaign = Campaign(organization=actor.organization, created_by=actor.membership, edited_by=actor.membership)
    return _written(actor, campaign, given, at, "campaigns.campaign_created")


@transaction.atomic
def update_campaign(*, actor: Actor, campaign: Campaign, at: datetime, **changes: Unpack[CampaignChanges]) -> Campaign:
    """Change a campaign that has not started. Its approval is void from then on, and it is a draft again.

    Raises IllegalMove once it has started, and what create_campaign raises.
    """
    actor.require(Capability.CAMPAIGNS_WRITE)
    campaign = locked(actor=actor, campaign=campaign)
    if campaign.status not in EDITABLE:
        raise IllegalMove("The campaign has started, so it can only be paused or cancelled.", status=campaign.status)
    if campaign.status != CampaignStatus.DRAFT:
        move(campaign, CampaignStatus.DRAFT)
    standing = Approval.objects.for_organization(actor.organization).filter(campaign=campaign, voided_at__isnull=True)
    standing.update(voided_at=at, voided_by=actor.membership)
    campaign.edited_by = actor.membership
    return _written(actor, campaign, changes, at, "campaigns.campaign_changed")


def _written(actor: Actor, campaign: Campaign, given: CampaignChanges, at: datetime, action: str) -> Campaign:
    before = audit.snapshot(campaign) if campaign.pk else {}
    values: dict[str, Any] = dict(given)
    channels: Sequence[Channel] | None = values.pop("channels", None)
    for name, value in values.items():
        setattr(campaign, name, value)
    if channels is None:
        channels = list(campaign.channels.all()) if campaign.pk else []
    _require_usable(actor, campaign, channels)
    campaign.audience = checked_filter(
        actor=actor, target=campaign.target, given=campaign.audience, project_id=campaign.project_id
    )
    _require_limits(campaign)
    campaign.variables = checked_mapping(campaign.variables, asked_by(campaign.template))
    _require_second(actor, campaign)
    _require_possible_times(campaign, at)
    try:
        with transaction.atomic():
            campaign.save()
    except IntegrityError as error:
        if "campaigns_campaign_name_once" not in str(error):
            raise
        raise NameTaken(f"There is a campaign called {campaign.name!r} already.", field="name") from error
    CampaignChannel.objects.for_organization(actor.organization).filter(campaign=campaign).exclude(
        channel__in=channels
    ).delete()
    for channel in channels:
        CampaignChannel.objects.get_or_create(organization=actor.organization, campaign=campaign, channel=channel)
    after = {**audit.snapshot(campaign), "channels": sorted(channel.pk for channel in channels)}
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    audit.record(
        actor=actor,
        action=action,
        target=campaign,
        before={name: before[name] for name in changed if name in before},
        after=changed,
        at=at,
    )
    return campaign


def _require_usable(actor: Actor, campaign: Campaign, channels: Sequence[Channel]) -> None:
    if not campaign.name.strip():
        raise AudienceInvalid("Give the campaign a name.", field="name")
    if campaign.template_id is None or campaign.template.organization_id != actor.organization.pk:
        raise TemplateUnusable("Choose a template of this organisation.", field="template")
    if campaign.project and not Project.objects.visible_to(actor).filter(pk=campaign.project.pk).exists():
        raise AudienceInvalid("There is no such project among yours.", field="project")
    if campaign.target != Target.SEGMENT:
        campaign.segment = None
    elif campaign.segment is None or not Segment.objects.visible_to(actor).filter(pk=campaign.segment.pk).exists():
        raise AudienceInvalid("Choose the segment that the campaign is for.", field="segment")
    if not channels:
        raise ChannelUnusable("Choose at least one WhatsApp number to send from.", field="channels")
    allowed = Channel.objects.visible_to(actor)
    if actor.reach is not Reach.ORGANIZATION:
        allowed = allowed.filter(Q(owner__isnull=True) | Q(owner__in=actor.membership_ids))
    usable = set(allowed.filter(waba_id=campaign.template.channel.waba_id).values_list("pk", flat=True))
    for channel in channels:
        if channel.pk not in usable:
            raise ChannelUnusable(
                f"{channel.name} cannot send this template: the number is not yours, or is of another account.",
                channel=channel.pk,
            )


def _require_second(actor: Actor, campaign: Campaign) -> None:
    """A second message is another template of the same account and price, to a share of the people."""
    first, second = campaign.template, campaign.second_template
    if second is None:
        campaign.second_variables, campaign.second_percent = {}, None
        return
    if second.organization_id != actor.organization.pk or second.channel.waba_id != first.channel.waba_id:
        raise TemplateUnusable("The second template must be of the same WhatsApp account.", field="second_template")
    if second.pk == first.pk or second.category != first.category:
        raise TemplateUnusable(
            "The second template must be another one, of the same category: else prices differ.",
            field="second_template",
        )
    if campaign.second_percent is None or not 1 <= campaign.second_percent <= 99:
        raise TemplateUnusable("Say how many of a hundred people get the second: 1 to 99.", field="second_percent")
    campaign.second_variables = checked_mapping(campaign.second_variables, asked_by(second))


def _require_possible_times(campaign: Campaign, at: datetime) -> None:
    start, end = campaign.starts_at, campaign.ends_at
    if end is not None and end <= max(start or at, at):
        raise ScheduleInvalid("The end must come after the start, and after now.", field="ends_at")
    if (campaign.quiet_from is None) != (campaign.quiet_until is None) or (
        campaign.quiet_from is not None and campaign.quiet_from == campaign.quiet_until
    ):
        raise ScheduleInvalid("Quiet hours need two different times, from and until.", field="quiet_from")
    pace = campaign.messages_per_second
    if pace is not None and not 1 <= pace <= 1000:
        raise ScheduleInvalid("The pace is 1 to 1,000 messages a second.", field="messages_per_second")
    least, most = campaign.spacing_min_seconds, campaign.spacing_max_seconds
    if (least is None) != (most is None) or (least is not None and most is not None and not least <= most <= 3600):
        raise ScheduleInvalid(
            "Random spacing needs two numbers of seconds, the smaller first, up to 3,600.", field="spacing_min_seconds"
        )
    if most == 0:
        raise ScheduleInvalid("The longest spacing is at least a second.", field="spacing_max_seconds")
    for name in ("daily_cap_per_number", "canary_size", "stop_at_failure_percent"):
        value, highest = getattr(campaign, name), 100 if name == "stop_at_failure_percent" else 2_147_483_647
        if value is not None and not 1 <= value <= highest:
            raise ScheduleInvalid(f"Leave it empty, or choose 1 to {highest:,}.", field=name)


def _require_limits(campaign: Campaign) -> None:
    for name in ("skip_messaged_within_hours", "skip_talking_within_hours"):
        if not 0 <= getattr(campaign, name) <= 8760:
            raise ScheduleInvalid("Choose 0 to 8,760 hours (a year).", field=name)
    most, days = campaign.most_messages, campaign.per_days
    if (most is None) != (days is None) or (most is not None and not (1 <= most <= 1000 and 1 <= (days or 0) <= 365)):
        said = "Say both how many messages and in how many days: 1 to 1,000 messages in 1 to 365 days."
        raise ScheduleInvalid(said, field="most_messages")
    if campaign.budget_minor is not None and not 0 < campaign.budget_minor < 2**63:
        raise ScheduleInvalid("A budget is more than nothing; leave it empty for none.", field="budget_minor")
    decimals(campaign.budget_currency)
