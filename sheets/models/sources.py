"""Sheets that we know: where rows come from, and what is remembered of them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.models import TenantModel


class Provider(models.TextChoices):
    FILE = "file", "Uploaded file"
    GOOGLE = "google", "Google Sheets"


class SpreadsheetStatus(models.TextChoices):
    PENDING = "pending", "Never imported"
    SYNCED = "synced", "Imported"
    FAILED = "failed", "Failed"


class Spreadsheet(TenantModel):
    """A source of rows: files with the same header are the same source. It remembers its mapping, and its rows."""

    table = models.CharField(max_length=60, help_text="the declared table that its rows go into, such as crm.units")
    provider = models.CharField(max_length=8, choices=Provider, default=Provider.FILE)
    name = models.CharField(max_length=200)
    signature = models.CharField(max_length=64, help_text="digest of the header")
    header = ArrayField(models.CharField(max_length=200), default=list)
    mapping = models.JSONField(default=dict, help_text='{"columns": {header: field}, "options": {...}}')
    status = models.CharField(max_length=8, choices=SpreadsheetStatus, default=SpreadsheetStatus.PENDING)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "table", "provider", "signature"], name="sheets_spreadsheet_once_per_header"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"
