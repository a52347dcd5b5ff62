"""A campaign: whom it is for, what it says, when and how fast; and who approved or paused it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Q

from campaigns.models.segments import Segment
from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey, TenantModel
from core.models.base import LIVE
from core.roles import Reach
from crm.models import Project
from messaging.models import Channel, MessageTemplate

if TYPE_CHECKING:
    from typing import Self

    from core.actors import Actor


class Target(models.TextChoices):
    ALL_OWNERS = "all_owners", "All owners"
    SPECIFIC_PROPERTY = "specific_property", "Owners of chosen units"
    RECENT_LEADS = "recent_leads", "Recent leads"
    SEGMENT = "segment", "A segment"
    LIST = "list", "A list of contacts"


class CampaignStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    APPROVED = "approved", "Approved"
    SCHEDULED = "scheduled", "Scheduled"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


_S = CampaignStatus
TRANSITIONS: dict[str, frozenset[str]] = {
    _S.DRAFT: frozenset({_S.IN_REVIEW, _S.CANCELLED}),
    _S.IN_REVIEW: frozenset({_S.APPROVED, _S.DRAFT, _S.CANCELLED}),
    _S.APPROVED: frozenset({_S.SCHEDULED, _S.RUNNING, _S.DRAFT, _S.CANCELLED}),
    # a schedule that was missed by hours goes back to approved: a person starts it, or nobody does
    _S.SCHEDULED: frozenset({_S.RUNNING, _S.APPROVED, _S.DRAFT, _S.CANCELLED, _S.FAILED}),
    _S.RUNNING: frozenset({_S.PAUSED, _S.COMPLETED, _S.CANCELLED}),
    _S.PAUSED: frozenset({_S.RUNNING, _S.COMPLETED, _S.CANCELLED}),
    _S.COMPLETED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.FAILED: frozenset(),
}
EDITABLE = frozenset({_S.DRAFT, _S.IN_REVIEW, _S.APPROVED, _S.SCHEDULED})
STARTED = frozenset({_S.RUNNING, _S.PAUSED, _S.COMPLETED, _S.CANCELLED})


class CampaignQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Agents and supervisors: what they or their reports wrote."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(created_by__in=actor.membership_ids)


class Campaign(SoftDeleteModel):
    """One template to many people, once each. Its totals are sums over its messages and are kept nowhere else."""

    hidden_with: ClassVar[tuple[str, ...]] = ()

    name = models.CharField(max_length=150)
    project = TenantForeignKey(Project, null=True, blank=True, related_name="campaigns")
    target = models.CharField(max_length=17, choices=Target, default=Target.ALL_OWNERS)
    audience = models.JSONField(default=dict, blank=True, help_text="narrows the target; campaigns/audience.py")
    segment = TenantForeignKey(Segment, null=True, blank=True, related_name="campaigns")
    template = TenantForeignKey(MessageTemplate, related_name="campaigns")
    variables = models.JSONField(default=dict, blank=True, help_text="slot of the template -> named source")
    second_template = TenantForeignKey(MessageTemplate, null=True, blank=True, related_name="second_in_campaigns")
    second_variables = models.JSONField(default=dict, blank=True)
    second_percent = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="so many of a hundred people get the second template; campaigns/splitting.py"
    )
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    quiet_from = models.TimeField(null=True, blank=True, help_text="nothing goes out from then, where the person lives")
    quiet_until = models.TimeField(null=True, blank=True)
    is_quiet_on_days_off = models.BooleanField(
        default=False, help_text="nothing goes out at the organisation's weekend and on its public holidays"
    )
    messages_per_second = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="empty: all the numbers can"
    )
    spacing_min_seconds = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="with the next: one message at a time, a random time between these apart"
    )
    spacing_max_seconds = models.PositiveSmallIntegerField(null=True, blank=True)
    daily_cap_per_number = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="templates in 24 hours from each of its numbers, those of other senders counted",
    )
    canary_size = models.PositiveIntegerField(
        null=True, blank=True, help_text="so many go out first; then it pauses for somebody to look"
    )
    stop_at_failure_percent = models.PositiveSmallIntegerField(
        null=True, blank=True, default=30, help_text="it pauses when more of what went out lately failed; empty: never"
    )
    skip_messaged_within_hours = models.PositiveSmallIntegerField(
        default=24, help_text="people whom another campaign wrote to since then are left out"
    )
    skip_talking_within_hours = models.PositiveSmallIntegerField(
        default=24, help_text="people who wrote to us since then, in talk that is still open, are left out"
    )
    most_messages = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="people who got so many messages of campaigns ..."
    )
    per_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="... within so many days are left out; the house may ask for less"
    )
    budget_minor = models.BigIntegerField(null=True, blank=True, help_text="what it may cost at most, in minor units")
    budget_currency = models.CharField(max_length=3, default="USD", help_text="the currency of the prices")
    status = models.CharField(max_length=9, choices=CampaignStatus, default=CampaignStatus.DRAFT)
    status_reason = models.CharField(max_length=300, blank=True, help_text="why it is in this status, in words")
    created_by = TenantForeignKey("core.Membership", related_name="campaigns")
    edited_by = TenantForeignKey("core.Membership", related_name="+")
    started_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    channels = models.ManyToManyField(Channel, through="campaigns.CampaignChannel", related_name="campaigns")

    objects = CampaignQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=LIVE, name="campaigns_campaign_name_once"
            ),
            models.CheckConstraint(
                name="campaigns_campaign_ends_after_start",
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
            ),
            models.CheckConstraint(
                name="campaigns_campaign_quiet_hours_both_or_none",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | (Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until"))),
            ),
            models.CheckConstraint(
                name="campaigns_campaign_pace_positive",
                condition=Q(messages_per_second__isnull=True) | Q(messages_per_second__gte=1),
            ),
            models.CheckConstraint(
                name="campaigns_campaign_segment_when_it_is_the_target",
                condition=Q(target="segment", segment__isnull=False) | (~Q(target="segment") & Q(segment__isnull=True)),
            ),
            models.CheckConstraint(
                name="campaigns_campaign_cap_both_or_none",
                condition=Q(most_messages__isnull=True, per_days__isnull=True)
                | Q(
                    most_messages__isnull=False,
                    per_days__isnull=False,
                    most_messages__range=(1, 1000),
                    per_days__range=(1, 365),
                ),
            ),
            models.CheckConstraint(
                name="campaigns_campaign_budget_positive",
                condition=Q(budget_minor__isnull=True) | Q(budget_minor__gt=0),
            ),
            models.CheckConstraint(
                name="campaigns_campaign_spacing_both_or_none",
                condition=Q(spacing_min_seconds__isnull=True, spacing_max_seconds__isnull=True)
                | Q(
                    spacing_min_seconds__isnull=False,
                    spacing_max_seconds__isnull=False,
                    spacing_max_seconds__gte=F("spacing_min_seconds"),
                    spacing_max_seconds__range=(1, 3600),
                ),
            ),
            models.CheckConstraint(
                name="campaigns_campaign_caps_positive",
                condition=(Q(daily_cap_per_number__isnull=True) | Q(daily_cap_per_number__gte=1))
                & (Q(canary_size__isnull=True) | Q(canary_size__gte=1))
                & (Q(stop_at_failure_percent__isnull=True) | Q(stop_at_failure_percent__range=(1, 100))),
            ),
            models.CheckConstraint(
                name="campaigns_campaign_has_started_when_it_runs",
                condition=~Q(status__in=["running", "paused", "completed"]) | Q(started_at__isnull=False),
            ),
            models.CheckConstraint(
                name="campaigns_campaign_second_message_whole_or_none",
                condition=Q(second_template__isnull=True, second_percent__isnull=True)
                | (
                    Q(second_template__isnull=False, second_percent__isnull=False, second_percent__range=(1, 99))
                    & ~Q(second_template=F("template"))
                ),
            ),
        ]
        indexes = [
            # what the sweeper looks after: to be started, to be kept going
            models.Index(
                fields=["organization", "status"],
                condition=Q(status__in=["scheduled", "running", "paused"]),
                name="campaigns_alive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class CampaignChannel(TenantModel):
    """A number that the campaign writes from. Several take turns."""

    campaign = TenantForeignKey(Campaign, related_name="campaign_channels")
    channel = TenantForeignKey(Channel, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "campaign", "channel"], name="campaigns_channel_once"),
        ]

    def __str__(self) -> str:
        return f"channel {self.channel_id} of campaign {self.campaign_id} ({self.pk})"


class Approval(TenantModel):
    """Somebody else than the author let it go out, exactly as it was. An edit changes the fingerprint and voids this."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    campaign = TenantForeignKey(Campaign, related_name="approvals")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of audience, template and parameters")
    approved_by = TenantForeignKey("core.Membership", related_name="+")
    approved_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "campaign"],
                condition=Q(voided_at__isnull=True),
                name="campaigns_approval_one_standing",
            ),
        ]

    def __str__(self) -> str:
        return f"approval {self.pk}"


class PauseCause(models.TextChoices):
    PERSON = "person", "Somebody paused it"
    CANARY = "canary", "The first ones are out"
    TEMPLATE = "template", "The template"
    NUMBERS = "numbers", "Its numbers cannot send"
    QUALITY = "quality", "Quality of a number"
    FAILURES = "failures", "Too many failures"
    DOUBTS = "doubts", "No clear answers"
    BUDGET = "budget", "The budget"
    REFUSED = "refused", "WhatsApp refused"


class CampaignPause(TenantModel):
    """It was stopped, by somebody or by Majlis itself (nobody), and why; and who let it go on."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    campaign = TenantForeignKey(Campaign, related_name="pauses")
    cause = models.CharField(max_length=8, choices=PauseCause, default=PauseCause.PERSON)
    reason = models.CharField(max_length=300)
    error_code = models.IntegerField(null=True, blank=True)
    paused_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    paused_at = models.DateTimeField()
    resumed_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    resumed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "campaign"],
                condition=Q(resumed_at__isnull=True),
                name="campaigns_pause_one_standing",
            ),
        ]

    def __str__(self) -> str:
        return f"pause {self.pk}"
