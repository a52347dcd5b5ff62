"""Lists that somebody took along, and the files they wait in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.models.base import TenantForeignKey, TenantModel, TenantQuerySet
from core.models.people import Membership

if TYPE_CHECKING:
    from core.actors import Actor


class ExportFormat(models.TextChoices):
    CSV = "csv", "CSV"
    XLSX = "xlsx", "Excel"

    @property
    def media_type(self) -> str:
        """How HTTP calls it."""
        return "text/csv" if self == self.CSV else "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ExportStatus(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Being written"
    DONE = "done", "Ready"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Expired"


class ExportQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """One's own: a file holds what its member may see, and nobody else's eyes are asked."""
        return super().visible_to(actor).filter(requested_by=actor.membership)


class Export(TenantModel):
    """One list in one file: which rows were chosen at which moment, by whom, and where the file is until it expires."""

    requested_by = TenantForeignKey(Membership, related_name="exports")
    list_name = models.CharField(max_length=60, help_text="the label of its model, such as crm.property")
    title = models.CharField(max_length=100)
    format = models.CharField(max_length=4, choices=ExportFormat)
    filters = models.JSONField(default=dict, help_text="what was asked of the list")
    language = models.CharField(max_length=5, default="en")
    # The snapshot: rows added or leaving the filter afterwards change nothing. Emptied when the file expires.
    ids = ArrayField(models.BigIntegerField(), default=list)
    row_count = models.PositiveIntegerField(default=0, help_text="chosen; once it is done, written")
    status = models.CharField(max_length=7, choices=ExportStatus, default=ExportStatus.QUEUED)
    file = models.FileField(max_length=300, blank=True)
    file_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256")
    file_size = models.PositiveBigIntegerField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="core_export_ready_has_a_file",
                condition=~Q(status="done") | (~Q(file="") & ~Q(file_hash="") & Q(expires_at__isnull=False)),
            ),
        ]
        indexes = [
            # a member's exports, newest first
            models.Index(fields=["organization", "requested_by", "-id"], name="core_export_of_member"),
            # what the sweeper looks for: lost ones, and files whose time is over
            models.Index(
                fields=["organization", "status"],
                condition=Q(status__in=["queued", "running", "done"]),
                name="core_export_alive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.pk})"
