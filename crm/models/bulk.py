"""One change of many rows: what was chosen, what became of each, and the way back."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.models import TenantForeignKey, TenantModel


class BulkNoun(models.TextChoices):
    UNIT = "unit", "Units"
    CONTACT = "contact", "Contacts"


class BulkAction(models.TextChoices):
    STATUS = "status", "Change the status"
    PRICE_NOTE = "price_note", "Write a note on the price"
    PROJECT = "project", "Move to a project"
    ASSIGN = "assign", "Assign to an agent"
    TAG = "tag", "Add tags"
    UNTAG = "untag", "Take tags away"
    BAD = "bad", "Mark as bad contacts"
    NO_CONTACT = "no_contact", "Mark as do not contact"
    LANGUAGE = "language", "Set the language"
    DELETE = "delete", "Delete, with a way back"


class BulkStatus(models.TextChoices):
    DRAFT = "draft", "Chosen"
    PREVIEWED = "previewed", "Waiting for a yes"
    RUNNING = "running", "Being changed"
    DONE = "done", "Changed"
    UNDOING = "undoing", "Being set back"
    UNDONE = "undone", "Set back"


class BulkChange(TenantModel):
    """The rows are those that were chosen at that moment. Confirmed once, run once, undone once."""

    noun = models.CharField(max_length=7, choices=BulkNoun)
    action = models.CharField(max_length=10, choices=BulkAction, blank=True)
    value = models.JSONField(default=dict, help_text="what the action sets")
    said = models.CharField(max_length=200, blank=True, help_text="the value in words")
    filters = models.JSONField(default=dict, help_text="by which the rows were chosen")
    ids = ArrayField(models.BigIntegerField(), default=list)
    status = models.CharField(max_length=9, choices=BulkStatus, default=BulkStatus.DRAFT)
    leased_until = models.DateTimeField(null=True, blank=True)
    requested_by = TenantForeignKey("core.Membership", related_name="+")
    confirmed_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="crm_bulk_change_confirmed_names_an_action",
                condition=Q(status="draft") | ~Q(action=""),
            ),
            models.CheckConstraint(
                name="crm_bulk_change_confirmed_by_someone_at_some_time",
                condition=Q(status__in=["draft", "previewed"], confirmed_by__isnull=True, confirmed_at__isnull=True)
                | (~Q(status__in=["draft", "previewed"]) & Q(confirmed_by__isnull=False, confirmed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="crm_bulk_change_undone_by_someone_at_some_time",
                condition=Q(undone_by__isnull=True, undone_at__isnull=True)
                | Q(undone_by__isnull=False, undone_at__isnull=False),
            ),
        ]
        indexes = [
            # the list of changes, newest first
            models.Index(fields=["organization", "-id"], name="crm_bulk_change_newest"),
            # what the sweeper looks for
            models.Index(
                fields=["organization", "status"],
                condition=Q(status__in=["running", "undoing"]),
                name="crm_bulk_change_alive",
            ),
        ]

    @property
    def wish(self) -> str:
        """Which preview this is: another action, value or choice of rows is another one."""
        return self.updated_at.isoformat()

    def __str__(self) -> str:
        return (
            f"{self.get_action_display() or 'Change'} of {len(self.ids)} {self.get_noun_display().lower()} ({self.pk})"
        )


class BulkOutcome(models.TextChoices):
    CHANGED = "changed", "Changed"
    SAME = "same", "Was so already"
    REFUSED = "refused", "Refused"


class BulkItem(TenantModel):
    """What became of one row, and what it was before."""

    change = TenantForeignKey(BulkChange, related_name="items")
    target_id = models.BigIntegerField()
    label = models.CharField(max_length=200)
    outcome = models.CharField(max_length=7, choices=BulkOutcome)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    why = models.CharField(max_length=300, blank=True)
    is_restored = models.BooleanField(null=True, help_text="after an undo; no: it was changed since")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "change", "target_id"], name="crm_bulk_item_once"),
        ]
        indexes = [
            # the refused ones of a change, and how many of each outcome
            models.Index(fields=["organization", "change", "outcome", "id"], name="crm_bulk_item_by_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.outcome} ({self.pk})"
