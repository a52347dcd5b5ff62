"""What came in by webhook, as it came; statuses that arrived too early; and who said stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey, TenantModel
from core.phones import read_cell
from core.roles import Reach
from crm.models import Contact, ContactPoint
from messaging.models.channels import Channel

if TYPE_CHECKING:
    from core.actors import Actor


class EventState(models.TextChoices):
    STORED = "stored", "Stored"
    PROCESSING = "processing", "Processing"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class EventKind(models.TextChoices):
    MESSAGES = "messages", "Messages"
    STATUSES = "statuses", "Statuses"
    MIXED = "mixed", "Messages and statuses"
    PREFERENCES = "preferences", "Marketing preferences"
    CALLS = "calls", "Calls"
    ECHOES = "echoes", "Written on the phone"
    HISTORY = "history", "Talk of before"
    TEMPLATE = "template", "Template changed"
    ACCOUNT = "account", "Number or account changed"
    OTHER = "other", "Other"


class WebhookEvent(TenantModel):
    """One webhook body as received and verified. Processing may be repeated at will."""

    body = models.BinaryField()
    kind = models.CharField(max_length=11, choices=EventKind, default=EventKind.OTHER, db_default=EventKind.OTHER)
    signature_verified = models.BooleanField()
    state = models.CharField(max_length=10, choices=EventState, default=EventState.STORED)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text="processing: whose turn ends then; failed: next try"
    )
    error = models.TextField(blank=True)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # what waits to be processed, oldest first
            models.Index(
                fields=["organization", "id"],
                condition=Q(state__in=["stored", "processing", "failed"]),
                name="messaging_webhook_waiting",
            ),
            # the log of one kind that is rare among messages and statuses
            models.Index(
                fields=["organization", "kind", "-id"],
                condition=~Q(kind__in=["messages", "statuses", "mixed"]),
                name="messaging_webhook_rare_kind",
            ),
            # the log of some days, and replaying them: rows lie in the order of their times
            BrinIndex(fields=["received_at"], name="messaging_webhook_by_time"),
        ]

    def __str__(self) -> str:
        return f"webhook {self.pk}"


class ParkedStatus(TenantModel):
    """A status for a message that we have not saved yet: matched when the message gets its provider id."""

    channel = TenantForeignKey(Channel, related_name="+")
    provider_id = models.CharField(max_length=200)
    callback_data = models.CharField(max_length=200, blank=True)
    status = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        indexes = [
            # is anything parked for this message
            models.Index(fields=["organization", "channel", "provider_id"], name="messaging_parked_by_message"),
        ]

    def __str__(self) -> str:
        return f"parked status {self.pk}"


class OptOutScope(models.TextChoices):
    MARKETING = "marketing", "Marketing"
    ALL = "all", "Everything"


class OptOutSource(models.TextChoices):
    KEYWORD = "keyword", "Keyword"
    BUTTON = "button", "Button or preference"
    AGENT = "agent", "Told an agent"
    IMPORT = "import", "Import"


class OptOutQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Opt-outs of the contacts that this person may see."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(contact__in=Contact.objects.visible_to(actor))

    def said_by(self, text: str, country: str) -> Self:
        """Of people by a part of the name, or by a whole number: by a part of it one could feel for the hidden digits."""
        return self.filter(
            Q(contact__display_name__icontains=text) | Q(point__value__in=read_cell(text, country).values)
        )


class OptOut(SoftDeleteModel):
    """Somebody said stop. Soft-deleted only when that same person says start again."""

    hidden_with: ClassVar[tuple[str, ...]] = ()

    contact = TenantForeignKey(Contact, null=True, blank=True, related_name="opt_outs")
    point = TenantForeignKey(ContactPoint, null=True, blank=True, related_name="opt_outs")
    scope = models.CharField(max_length=9, choices=OptOutScope, default=OptOutScope.MARKETING)
    source = models.CharField(max_length=7, choices=OptOutSource)
    said = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    objects = OptOutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="messaging_opt_out_names_someone", condition=Q(contact__isnull=False) | Q(point__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["organization", "contact", "point", "scope"],
                condition=Q(deleted_at__isnull=True),
                nulls_distinct=False,
                name="messaging_opt_out_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "contact"], name="messaging_opt_out_of_contact"),
            models.Index(fields=["organization", "point"], name="messaging_opt_out_of_point"),
        ]

    def __str__(self) -> str:
        return f"opt-out {self.pk}"
