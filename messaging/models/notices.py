"""What WhatsApp told us about numbers, accounts and templates, and blocks that we asked it to lift."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q

from core.models import TenantForeignKey, TenantModel, TenantQuerySet
from core.roles import Reach
from messaging.models.channels import Channel, MessageTemplate

if TYPE_CHECKING:
    from core.actors import Actor


class NoticeKind(models.TextChoices):
    QUALITY = "quality", "Quality"
    LIMIT = "limit", "Limit"
    THROUGHPUT = "throughput", "Throughput"
    NUMBER = "number", "State of the number"
    ACCOUNT = "account", "State of the account"
    ALERT = "alert", "Alert"
    TOKEN = "token", "Access token"
    ERROR = "error", "Error"
    TEMPLATE = "template", "Template"


class Severity(models.TextChoices):
    GOOD = "good", "Good"
    INFO = "info", "For information"
    WARNING = "warning", "Warning"
    SERIOUS = "serious", "Serious"


class NoticeQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Of the numbers whose state somebody may look at, and of what concerns everybody."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(Q(channel__isnull=True) | Q(channel__in=Channel.objects.seen_by(actor)))

    def of_channel(self, channel: Channel) -> Self:
        """What was told of this number, and of the whole account that it belongs to."""
        return self.filter(
            Q(channel=channel) | Q(channel__isnull=True, template__isnull=True, waba_id=channel.waba_id),
            organization=channel.organization_id,
        )


class Notice(TenantModel):
    """One thing that happened to a number, its account or a template: history, never changed.

    What it means is worked out from `kind`, `code` and `details` (messaging/verdicts.py), in the reader's language.
    """

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    waba_id = models.CharField(max_length=40)
    channel = TenantForeignKey(Channel, null=True, blank=True, db_index=False, related_name="notices")
    template = TenantForeignKey(MessageTemplate, null=True, blank=True, db_index=False, related_name="notices")
    kind = models.CharField(max_length=10, choices=NoticeKind)
    code = models.CharField(max_length=60)
    severity = models.CharField(max_length=7, choices=Severity, default=Severity.INFO)
    details = models.JSONField(default=dict, blank=True)
    digest = models.CharField(max_length=64, help_text="a webhook that comes again makes no second notice")
    at = models.DateTimeField()

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "digest"], name="messaging_notice_once"),
        ]
        indexes = [
            # the history of a number, and of its account, newest first
            models.Index(fields=["organization", "waba_id", "-at"], name="messaging_notice_of_account"),
            # the history of a template, and how often it was edited lately
            models.Index(
                fields=["organization", "template", "-at"],
                condition=Q(template__isnull=False),
                name="messaging_notice_of_template",
            ),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"


class AppealOutcome(models.TextChoices):
    WAITING = "waiting", "Waiting for WhatsApp"
    RESTORED = "restored", "Restored"
    REFUSED = "refused", "Blocked for good"


class Appeal(TenantModel):
    """Somebody asked WhatsApp to lift the block of a number, and what came of it."""

    channel = TenantForeignKey(Channel, related_name="appeals")
    asked_by = TenantForeignKey("core.Membership", related_name="+")
    asked_at = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True)
    outcome = models.CharField(max_length=8, choices=AppealOutcome, default=AppealOutcome.WAITING)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "channel"],
                condition=Q(outcome="waiting"),
                name="messaging_appeal_one_waiting_per_channel",
            ),
            models.CheckConstraint(
                name="messaging_appeal_decided_with_its_time",
                condition=Q(outcome="waiting", decided_at__isnull=True)
                | (~Q(outcome="waiting") & Q(decided_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"appeal {self.pk}"
