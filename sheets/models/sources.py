"""Sheets that we know: where rows come from, and what is remembered of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q, Value

from core.encryption import EncryptedTextField
from core.models import TenantForeignKey, TenantModel, TenantQuerySet


class Provider(models.TextChoices):
    FILE = "file", "Uploaded file"
    GOOGLE = "google", "Google Sheets"


class SpreadsheetStatus(models.TextChoices):
    PENDING = "pending", "Never synced"
    SYNCING = "syncing", "Being synced"
    SYNCED = "synced", "Synced"
    FAILED = "failed", "Failed"


class Direction(models.TextChoices):
    """Who may change the cells of a column."""

    SHEET = "sheet", "The sheet owns it"
    APP = "app", "Majlis owns it"
    BOTH = "both", "Both may change it"


class GoogleAccount(TenantModel):
    """A service account of Google, with which sheets are shared as with a person. Its key is ciphertext."""

    email = models.EmailField(help_text="share the sheet with this address, as an editor")
    name = models.CharField(max_length=100, blank=True)
    key = EncryptedTextField(help_text="the JSON key file of the service account")
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "email"], name="sheets_google_account_once"),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.pk})"


class SpreadsheetQuerySet(TenantQuerySet):
    def google(self) -> Self:
        """Tabs of Google documents, those that were unlinked among them."""
        return self.filter(provider=Provider.GOOGLE)

    def linked(self) -> Self:
        return self.google().filter(unlinked_at__isnull=True)

    def stale(self, at: datetime) -> Self:
        """Linked sheets that should be fresh and are not: two intervals have passed without a success."""
        long = ExpressionWrapper(F("interval") * timedelta(seconds=2), output_field=DurationField())
        old = Q(last_success_at__isnull=True) | Q(
            last_success_at__lt=ExpressionWrapper(Value(at) - long, output_field=DateTimeField())
        )
        return self.linked().filter(old, is_paused=False)

    def due(self, at: datetime) -> Self:
        """Linked sheets that want a sync now: never synced, interval passed, or failed and back-off over; oldest first."""
        return (
            self.linked()
            .filter(is_paused=False, next_sync_at__lte=at)
            .exclude(status=SpreadsheetStatus.SYNCING)
            .order_by(F("last_success_at").asc(nulls_first=True), "pk")
        )


INTERVAL = 3600
SHORTEST_INTERVAL = 60


class Spreadsheet(TenantModel):
    """A source of rows: files with the same header are the same source; a linked sheet is one tab of a document.

    It remembers its mapping, and its rows (RowLink).
    """

    table = models.CharField(max_length=60, help_text="the declared table that its rows go into, such as crm.units")
    provider = models.CharField(max_length=8, choices=Provider, default=Provider.FILE)
    name = models.CharField(max_length=200)
    signature = models.CharField(max_length=64, blank=True, help_text="digest of the header of files")
    header = ArrayField(models.CharField(max_length=200), default=list)
    header_row = models.PositiveIntegerField(default=1, db_default=1)
    mapping = models.JSONField(default=dict, help_text='{"columns": {header: field}, "options": {...}}')
    status = models.CharField(max_length=8, choices=SpreadsheetStatus, default=SpreadsheetStatus.PENDING)
    last_success_at = models.DateTimeField(null=True, blank=True, help_text="moved only by success")
    last_error = models.TextField(blank=True)
    last_error_code = models.CharField(max_length=60, blank=True, db_default="")

    # What follows is of linked Google sheets only.
    account = TenantForeignKey(GoogleAccount, null=True, blank=True, related_name="spreadsheets")
    document_id = models.CharField(max_length=100, blank=True, db_default="")
    tab_id = models.BigIntegerField(null=True, blank=True, help_text="Google's number of the tab: renaming keeps it")
    tab = models.CharField(max_length=200, blank=True, db_default="", help_text="the tab's name when it was last read")
    directions = models.JSONField(
        default=dict, db_default={}, help_text='{header: "sheet", "app" or "both"}; both when not named'
    )
    interval = models.PositiveIntegerField(
        default=INTERVAL, db_default=INTERVAL, help_text="seconds from one sync to the next"
    )
    is_paused = models.BooleanField(default=False, db_default=False)
    next_sync_at = models.DateTimeField(null=True, blank=True)
    digest = models.BinaryField(
        max_length=32, default=b"", help_text="of all cells when the sheet last agreed as a whole"
    )
    read_as = models.JSONField(
        default=dict, db_default={}, help_text="the mapping under which both sides last agreed; empty: the present one"
    )
    appends_since = models.DateTimeField(
        null=True, blank=True, help_text="units made in Majlis from then on get a row of their own; empty: they do not"
    )
    unlinked_at = models.DateTimeField(
        null=True, blank=True, help_text="since when it is not synced any more; its rows are remembered"
    )
    failures = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="in a row; the next try waits longer each time"
    )

    objects = SpreadsheetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "table", "provider", "signature"],
                condition=Q(provider="file"),
                name="sheets_spreadsheet_once_per_header",
            ),
            models.UniqueConstraint(
                fields=["organization", "document_id", "tab_id"],
                condition=Q(provider="google"),
                name="sheets_spreadsheet_tab_linked_once",
            ),
            models.CheckConstraint(
                name="sheets_spreadsheet_google_names_its_tab",
                condition=Q(provider="file")
                | (
                    (Q(account__isnull=False) | Q(unlinked_at__isnull=False))
                    & Q(tab_id__isnull=False)
                    & ~Q(document_id="")
                ),
            ),
            models.CheckConstraint(
                name="sheets_spreadsheet_unlinked_is_at_rest",
                condition=Q(unlinked_at__isnull=True)
                | Q(provider="google", account__isnull=True, is_paused=True, next_sync_at__isnull=True),
            ),
            models.CheckConstraint(
                name="sheets_spreadsheet_interval_long_enough", condition=Q(interval__gte=SHORTEST_INTERVAL)
            ),
        ]
        indexes = [
            # what the scheduler looks for
            models.Index(
                fields=["next_sync_at"], condition=Q(provider="google", is_paused=False), name="sheets_spreadsheet_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    @property
    def address(self) -> str:
        """Where a person opens it; empty for files."""
        if not self.document_id:
            return ""
        if settings.SHEETS_API_URL:  # the sandbox plays Google: its page of the sheet
            return f"{settings.SHEETS_API_URL}/sheets/{self.document_id}#gid={self.tab_id}"
        return f"https://docs.google.com/spreadsheets/d/{self.document_id}/edit#gid={self.tab_id}"

    def address_of_row(self, row: int) -> str:
        """Where a person opens this row; empty for files."""
        return f"{self.address}&range=A{row}" if self.document_id else ""

    def is_stale(self, at: datetime) -> bool:
        """Whether two intervals have passed without a success."""
        return self.last_success_at is None or at - self.last_success_at > timedelta(seconds=2 * self.interval)
