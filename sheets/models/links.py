"""Which row of a sheet became which object."""

from __future__ import annotations

from django.db import models

from core.models import TenantForeignKey, TenantModel
from sheets.models.sources import Spreadsheet


class RowLink(TenantModel):
    """Which row of a sheet became which object, and the values on which both last agreed."""

    spreadsheet = TenantForeignKey(Spreadsheet, related_name="links")
    row_key = models.CharField(max_length=500, help_text="what the row is known by, however the sheet is sorted")
    fingerprint = models.BinaryField(max_length=16, help_text="of the row's cells: unchanged rows are not looked at")
    object_id = models.BigIntegerField(help_text="the unit")
    related_id = models.BigIntegerField(null=True, help_text="the owner")
    base = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "spreadsheet", "row_key"], name="sheets_rowlink_once"),
        ]

    def __str__(self) -> str:
        return f"{self.row_key} ({self.pk})"
