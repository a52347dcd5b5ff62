"""What each import did: from the upload to the outcome."""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.append_only import append_only
from core.models import TenantForeignKey, TenantModel, TenantQuerySet
from sheets.models.sources import Spreadsheet


class RunStatus(models.TextChoices):
    DRAFT = "draft", "Waiting for its mapping"
    PREVIEWING = "previewing", "Being previewed"
    PREVIEWED = "previewed", "Previewed"
    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Running"
    DONE = "done", "Imported"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Stopped"
    REVERTED = "reverted", "Taken back"


# A sync is not an import, though both are runs.
SYNC_LABELS = {RunStatus.PREVIEWED: "Tried out", RunStatus.RUNNING: "Being synced", RunStatus.DONE: "Synced"}
OPEN_STATUSES = (RunStatus.DRAFT, RunStatus.PREVIEWED, RunStatus.FAILED, RunStatus.CANCELLED)


class ImportRunQuerySet(TenantQuerySet):
    def open(self) -> Self:
        """Runs whose mapping can still be changed, previewed or committed."""
        return self.filter(status__in=OPEN_STATUSES)


class Trigger(models.TextChoices):
    UPLOAD = "upload", "Upload"
    COMMAND = "command", "Command"
    SCHEDULE = "schedule", "Schedule"
    MANUAL = "manual", "Sync now"


class ImportRun(TenantModel):
    """One file on its way in: uploaded, mapped, previewed, committed in one transaction. The file is kept privately.

    A sync of a linked sheet is a run as well, without a file.
    """

    spreadsheet = TenantForeignKey(Spreadsheet, related_name="runs")
    trigger = models.CharField(max_length=8, choices=Trigger, default=Trigger.UPLOAD)
    file = models.FileField(max_length=300, blank=True)
    file_name = models.CharField(max_length=200)
    file_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256")
    file_size = models.PositiveBigIntegerField(default=0)
    kind = models.CharField(max_length=6, help_text="xlsx, xls or csv, by content; google for a sync")
    is_dry_run = models.BooleanField(
        default=False, db_default=False, help_text="says what a sync would do, and does none of it"
    )
    accepts_missing = models.BooleanField(
        default=False, db_default=False, help_text="rows that are gone are archived, however many"
    )
    tabs = ArrayField(models.CharField(max_length=200), default=list)
    tab = models.CharField(max_length=200, blank=True)
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    header_row = models.PositiveIntegerField(default=1)
    mapping = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.DRAFT)
    counts = models.JSONField(default=dict, help_text="read, new, changed, unchanged, conflicts, errors, skipped, ...")
    samples = models.JSONField(default=dict, help_text="a few new and changed rows, for the preview")
    error_code = models.CharField(max_length=60, blank=True)
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    stop_requested_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    requested_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        verbose_name = "import"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "spreadsheet"],
                condition=Q(kind="google", status__in=["queued", "running"]),
                name="sheets_import_one_sync_at_a_time",
            ),
        ]
        indexes = [
            # the list of imports, newest first
            models.Index(fields=["organization", "-id"], name="sheets_import_newest"),
            # what the sweeper looks for
            models.Index(
                fields=["leased_until"],
                condition=Q(status__in=["queued", "running", "previewing"]),
                name="sheets_import_lost",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.pk})"

    @property
    def noun(self) -> str:
        return "sync" if self.kind == "google" else "import"

    @property
    def status_label(self) -> str:
        """What became of it, in the words for an import or for a sync."""
        label = self.get_status_display()
        return SYNC_LABELS.get(RunStatus(self.status), label) if self.kind == "google" else label


class Severity(models.TextChoices):
    ERROR = "error", "Refused"
    WARNING = "warning", "Imported, with a doubt"
    SKIPPED = "skipped", "Skipped"


class RowError(TenantModel):
    """What is wrong with one cell, or why a row was refused or skipped."""

    run = TenantForeignKey(ImportRun, related_name="errors")
    row = models.PositiveIntegerField(help_text="as the spreadsheet numbers it: its first row is 1")
    column = models.CharField(max_length=200, blank=True, help_text="its header")
    value = models.TextField(blank=True)
    severity = models.CharField(max_length=7, choices=Severity)
    code = models.CharField(max_length=60)
    message = models.TextField()

    class Meta:
        indexes = [
            # the pages of a run's errors, in the order of the sheet
            models.Index(fields=["organization", "run", "id"], name="sheets_rowerror_of_run"),
        ]

    def __str__(self) -> str:
        return f"row {self.row}: {self.code} ({self.pk})"


class ImportCreation(TenantModel):
    """Which rows of a table one import made; what a revert takes away again."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    run = TenantForeignKey(ImportRun, related_name="creations")
    target_type = models.CharField(max_length=60)
    ids = ArrayField(models.BigIntegerField())

    class Meta:
        triggers = append_only()

    def __str__(self) -> str:
        return f"{len(self.ids)} of {self.target_type} ({self.pk})"


class ImportChange(TenantModel):
    """What one import changed in a row that was already there: the changed values, before and after."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    run = TenantForeignKey(ImportRun, related_name="changes")
    target_type = models.CharField(max_length=60)
    target_id = models.BigIntegerField()
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        triggers = append_only()
        indexes = [
            # the history of one object: which sheet said so
            models.Index(fields=["organization", "target_type", "target_id"], name="sheets_change_of_target"),
        ]

    def __str__(self) -> str:
        return f"{self.target_type} {self.target_id} ({self.pk})"
