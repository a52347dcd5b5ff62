"""Taking an import back: once, and what of it had to stay."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.models import TenantForeignKey, TenantModel
from sheets.models.runs import ImportRun


class ReversalStatus(models.TextChoices):
    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class ImportReversal(TenantModel):
    """One import taken back: what it made is hidden, what it changed is set back. Once for each import."""

    run = TenantForeignKey(ImportRun, related_name="reversals")
    status = models.CharField(max_length=7, choices=ReversalStatus, default=ReversalStatus.QUEUED)
    counts = models.JSONField(default=dict, help_text="removed and restored by table, kept by reason")
    deletion = TenantForeignKey("core.Deletion", null=True, blank=True, related_name="+", help_text="the way back")
    # What `updated_at` became of the rows that were set back: nobody else touched those.
    stamp = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    requested_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "run"], name="sheets_reversal_once_per_run"),
        ]
        indexes = [
            # what the sweeper looks for
            models.Index(
                fields=["leased_until"], condition=Q(status__in=["queued", "running"]), name="sheets_reversal_lost"
            ),
        ]

    def __str__(self) -> str:
        return f"reversal of import {self.run_id} ({self.pk})"


class ReversalKept(TenantModel):
    """Something that an import made or changed and that its reversal left alone, with the reason."""

    reversal = TenantForeignKey(ImportReversal, related_name="kept")
    target_type = models.CharField(max_length=60)
    target_id = models.BigIntegerField()
    label = models.CharField(max_length=200, blank=True)
    field = models.CharField(max_length=60, blank=True)
    value = models.CharField(max_length=200, blank=True, help_text="what it is now")
    code = models.CharField(max_length=30)
    message = models.CharField(max_length=300)
    by = models.CharField(max_length=200, blank=True, help_text="who changed it since")
    at = models.DateTimeField(null=True, blank=True, help_text="when it was changed since")

    class Meta:
        indexes = [
            # the pages of what stayed, in the order in which it was found
            models.Index(fields=["organization", "reversal", "id"], name="sheets_kept_of_reversal"),
        ]

    def __str__(self) -> str:
        return f"{self.target_type} {self.target_id}: {self.code} ({self.pk})"
