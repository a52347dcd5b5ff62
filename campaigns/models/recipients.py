"""Who gets a campaign: one row per person, frozen at the start. It is the queue, the record and the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from campaigns.models.campaigns import Campaign
from core.models import TenantForeignKey, TenantModel, TenantQuerySet, organization_of_parent
from core.roles import Reach
from crm.models import Contact, Property
from messaging.models import Channel, Message

if TYPE_CHECKING:
    from typing import Self

    from core.actors import Actor


class Status(models.TextChoices):
    PENDING = "pending", "Waiting"
    SKIPPED = "skipped", "Skipped"
    CLAIMED = "claimed", "Taken by a sender"
    SUBMITTING = "submitting", "Being sent"
    UNKNOWN = "unknown", "In doubt"
    ACCEPTED = "accepted", "Accepted by WhatsApp"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    DELIVERED = "delivered", "Delivered"
    READ = "read", "Read"


# Statuses from webhooks only ever move a row up. As for messages, a `failed` one may still be delivered elsewhere.
RANK: dict[str, int] = {
    Status.PENDING: 0,
    Status.SKIPPED: 0,
    Status.CLAIMED: 0,
    Status.SUBMITTING: 1,
    Status.UNKNOWN: 2,
    Status.ACCEPTED: 3,
    Status.SENT: 4,
    Status.FAILED: 5,
    Status.DELIVERED: 6,
    Status.READ: 7,
}
OPEN = (Status.PENDING, Status.CLAIMED, Status.SUBMITTING)


class SkipReason(models.TextChoices):
    NONE = "", "-"
    BAD_CONTACT = "bad_contact", "Marked as a bad contact"
    DO_NOT_CONTACT = "do_not_contact", "Do not contact"
    OPTED_OUT = "opted_out", "Said stop"
    NO_NUMBER = "no_number", "No number known"
    LANDLINE = "landline", "Only a fixed line"
    INVALID_NUMBER = "invalid_number", "Number is not valid"
    REVIEW = "review", "Number waits to be reviewed"
    US_MARKETING = "us_marketing", "WhatsApp delivers no marketing to the United States"
    DUPLICATE = "duplicate", "Same number as another recipient"
    RECENT = "recent", "Another campaign wrote lately"
    TALKING = "talking", "Talks to us already"
    TOO_OFTEN = "too_often", "Got as many messages as we send one person"
    EXCLUDED = "excluded", "Was in a campaign that is left out"
    VARIABLE = "variable", "A variable of the template is missing"
    OVER_BUDGET = "over_budget", "Beyond the budget"
    ENDED = "ended", "The end time came first"
    CANCELLED = "cancelled", "The campaign was cancelled"


class ReplyBy(models.TextChoices):
    """Why a reply counts for this message and not for another."""

    NONE = "", "-"
    QUOTED = "quoted", "Quoted the message"
    WINDOW = "window", "Came within the time for replies"


class CampaignMessageQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """The recipients of the campaigns that this person may see."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(campaign__created_by__in=actor.membership_ids)


class CampaignMessage(TenantModel):
    """One person's place in a campaign: `pending -> submitting -> accepted -> ...`.

    `submitting`: committed before the first byte; when that engine is gone it becomes `unknown`, which nothing retries
    and a webhook settles.
    """

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    # Rows change five times in a minute: no index that no query below needs.
    organization = organization_of_parent()
    campaign = TenantForeignKey(Campaign, related_name="messages", db_index=False)
    contact = TenantForeignKey(Contact, related_name="campaign_messages", db_index=False)
    property = TenantForeignKey(Property, null=True, blank=True, related_name="+", db_index=False)
    recipient = models.CharField(max_length=150, blank=True, help_text="E.164 or a BSUID; empty when skipped")
    time_zone = models.CharField(max_length=40, blank=True, help_text="where they live; empty: as the organisation")
    variant = models.CharField(
        max_length=1, blank=True, default="", db_default="", help_text="a or b where there are two messages"
    )
    variables = models.JSONField(default=dict, help_text="slot of the template -> this person's text")
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    skip_reason = models.CharField(max_length=14, choices=SkipReason, default=SkipReason.NONE, blank=True)
    channel = TenantForeignKey(Channel, null=True, blank=True, related_name="+", db_index=False)
    message = TenantForeignKey(Message, null=True, blank=True, related_name="+", db_index=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    deferrals = models.PositiveSmallIntegerField(default=0, help_text="put off without an attempt: too much at once")
    not_before = models.DateTimeField(null=True, blank=True)
    claimed_by = models.BigIntegerField(null=True, blank=True, help_text="the engine's token when it took the row")
    lease_until = models.DateTimeField(null=True, blank=True)
    error_code = models.IntegerField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    responded_at = models.DateTimeField(null=True, blank=True)
    reply_by = models.CharField(max_length=6, choices=ReplyBy, default=ReplyBy.NONE, db_default="", blank=True)

    objects = CampaignMessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "campaign", "contact"], name="campaigns_message_once_per_contact"
            ),
            models.UniqueConstraint(
                fields=["organization", "campaign", "recipient"],
                condition=~Q(recipient=""),
                name="campaigns_message_once_per_number",
            ),
            models.CheckConstraint(
                name="campaigns_message_skipped_has_a_reason",
                condition=Q(status="skipped") & ~Q(skip_reason="") | ~Q(status="skipped") & Q(skip_reason=""),
            ),
            models.CheckConstraint(
                name="campaigns_message_reply_said_how_has_a_time",
                condition=Q(reply_by="") | Q(reply_by__in=["quoted", "window"], responded_at__isnull=False),
            ),
            models.CheckConstraint(name="campaigns_message_variant_is_known", condition=Q(variant__in=["", "a", "b"])),
            models.CheckConstraint(
                name="campaigns_message_in_flight_has_a_lease",
                condition=~Q(status__in=["claimed", "submitting"])
                | Q(claimed_by__isnull=False, lease_until__isnull=False),
            ),
        ]
        indexes = [
            # the claim (pending, by id), the funnel (index only), the list of recipients of one status
            models.Index(fields=["organization", "campaign", "status", "id"], name="campaigns_message_by_status"),
            # the sweeper: what a dead engine left behind
            models.Index(
                fields=["organization", "lease_until"],
                condition=Q(status__in=["claimed", "submitting"]),
                name="campaigns_message_leased",
            ),
            # statuses come by message
            models.Index(
                fields=["organization", "message"],
                condition=Q(message__isnull=False),
                name="campaigns_message_by_message",
            ),
            # was this number written to lately
            models.Index(
                fields=["organization", "recipient", "accepted_at"],
                condition=Q(accepted_at__isnull=False),
                name="campaigns_message_lately",
            ),
        ]

    def __str__(self) -> str:
        return f"recipient {self.pk}"


class CampaignEngine(TenantModel):
    """The one running engine of a campaign. A higher token fences off every engine that held the lease before."""

    campaign = TenantForeignKey(Campaign, related_name="engines")
    token = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    wakes_at = models.DateTimeField(null=True, blank=True, help_text="nothing to do before then")
    note = models.CharField(max_length=300, blank=True, help_text="why it is not moving, in words")
    zones = ArrayField(models.CharField(max_length=40, blank=True), default=list, help_text="where its people live")
    next_at = models.DateTimeField(null=True, blank=True, help_text="random spacing: the next message is not before")
    reserved = models.JSONField(default=dict, help_text="channel -> messages of today's allowance that it holds")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "campaign"], name="campaigns_engine_one_per_campaign"),
        ]

    def __str__(self) -> str:
        return f"engine {self.pk}"
