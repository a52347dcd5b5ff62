"""The numbers we write from, and the templates that Meta approved for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from core.encryption import EncryptedTextField
from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey, TenantModel, TenantQuerySet
from core.models.base import LIVE
from core.roles import Reach

if TYPE_CHECKING:
    from core.actors import Actor


class SessionStatus(models.TextChoices):
    CONNECTED = "connected", "Connected"
    DISCONNECTED = "disconnected", "Disconnected"
    ERROR = "error", "Error"


class Quality(models.TextChoices):
    GREEN = "GREEN", "Green"
    YELLOW = "YELLOW", "Yellow"
    RED = "RED", "Red"
    UNKNOWN = "UNKNOWN", "Unknown"


class ChannelQuerySet(SoftDeleteQuerySet):
    def seen_by(self, actor: Actor) -> Self:
        """Whose state somebody may look at: all, or one's own, those of one's reports, and the organisation's."""
        visible = self.visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(Q(owner__isnull=True) | Q(owner__in=actor.membership_ids))

    def of_portfolio(self, channel: Channel) -> Self:
        """Numbers that share the messaging limit with this one: of its business portfolio, or of its account."""
        rows = self.for_organization(channel.organization).live()
        if channel.portfolio_id:
            return rows.filter(portfolio_id=channel.portfolio_id)
        return rows.filter(waba_id=channel.waba_id)

    def able_to_send(self) -> Self:
        return self.live().filter(session_status=SessionStatus.CONNECTED, blocked_at__isnull=True)


class Channel(SoftDeleteModel):
    """One WhatsApp business number, of the organisation or of one agent."""

    name = models.CharField(max_length=100)
    phone_number_id = models.CharField(max_length=40)
    waba_id = models.CharField(max_length=40)
    display_number = models.CharField(max_length=20)
    access_token = EncryptedTextField()
    app_secret = EncryptedTextField()
    verify_token = EncryptedTextField()
    owner = TenantForeignKey("core.Membership", null=True, blank=True, related_name="channels")
    session_status = models.CharField(max_length=12, choices=SessionStatus, default=SessionStatus.DISCONNECTED)
    status_reason = models.CharField(max_length=300, blank=True)
    quality = models.CharField(max_length=7, choices=Quality, default=Quality.UNKNOWN)
    messaging_limit = models.PositiveIntegerField(
        default=250, help_text="people a day outside the window, by all numbers of the business portfolio"
    )
    messages_per_second = models.PositiveSmallIntegerField(default=80)
    is_coexistence = models.BooleanField(default=False)
    blocked_at = models.DateTimeField(null=True, blank=True, help_text="nothing goes out until somebody has acted")
    answers_only_since = models.DateTimeField(
        null=True, blank=True, help_text="WhatsApp lets it answer, and begin no talk: no template goes out"
    )
    checked_at = models.DateTimeField(null=True, blank=True)
    number_status = models.CharField(max_length=30, blank=True, help_text="in WhatsApp's word")
    verified_name = models.CharField(max_length=200, blank=True, help_text="what people see above the chat")
    portfolio_id = models.CharField(max_length=40, blank=True)
    app_id = models.CharField(max_length=40, blank=True, help_text="whose secret signs its webhooks")
    token_expires_at = models.DateTimeField(null=True, blank=True, help_text="empty: never")
    findings = models.JSONField(default=list, blank=True, help_text="what the last check found, worst first")

    objects = ChannelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "phone_number_id"], condition=LIVE, name="messaging_channel_number_once"
            ),
            models.CheckConstraint(
                name="messaging_channel_pace_within_meta_limits",
                condition=Q(messages_per_second__gte=1, messages_per_second__lte=1000),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.display_number} ({self.pk})"


class TemplateCategory(models.TextChoices):
    MARKETING = "MARKETING", "Marketing"
    UTILITY = "UTILITY", "Utility"
    AUTHENTICATION = "AUTHENTICATION", "Authentication"


class TemplateStatus(models.TextChoices):
    APPROVED = "APPROVED", "Approved"
    PENDING = "PENDING", "In review"
    REJECTED = "REJECTED", "Rejected"
    PAUSED = "PAUSED", "Paused"
    DISABLED = "DISABLED", "Disabled"
    DELETED = "DELETED", "Deleted"


class ParameterFormat(models.TextChoices):
    POSITIONAL = "POSITIONAL", "Numbered"
    NAMED = "NAMED", "Named"


class MessageTemplateQuerySet(TenantQuerySet):
    def usable_on(self, channel: Channel) -> Self:
        """Approved templates of the account that the channel belongs to."""
        return self.filter(
            organization=channel.organization_id, channel__waba_id=channel.waba_id, status=TemplateStatus.APPROVED
        )


class MessageTemplate(TenantModel):
    """What may be sent outside the window: what WhatsApp says of it, kept true by webhooks and by sync."""

    channel = TenantForeignKey(Channel, related_name="templates", help_text="any number of the same WABA may use it")
    provider_id = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=512)
    language = models.CharField(max_length=10)
    category = models.CharField(max_length=14, choices=TemplateCategory)
    components = models.JSONField(default=list, help_text="as the Cloud API gives them")
    parameter_format = models.CharField(max_length=10, choices=ParameterFormat, default=ParameterFormat.POSITIONAL)
    status = models.CharField(max_length=8, choices=TemplateStatus, default=TemplateStatus.PENDING)
    quality = models.CharField(max_length=7, choices=Quality, default=Quality.UNKNOWN)
    rejected_reason = models.CharField(max_length=300, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)

    objects = MessageTemplateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "channel", "name", "language"], name="messaging_template_once_per_language"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.language} ({self.pk})"
