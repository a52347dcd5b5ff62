"""What each check of the books found."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core.append_only import append_only
from core.models import TenantModel


class BooksCheck(TenantModel):
    """One walk through a whole ledger: over how much, and what was not as it was written."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    account_count = models.PositiveIntegerField()
    transfer_count = models.PositiveBigIntegerField()
    entry_count = models.PositiveBigIntegerField()
    findings = models.JSONField(default=list, help_text='a list of {"kind", "where"}; empty when all is right')
    at = models.DateTimeField()

    class Meta:
        verbose_name = "check of the books"
        verbose_name_plural = "checks of the books"
        indexes = [
            # when were the books checked last
            models.Index(fields=["organization", "-at"], name="ledger_check_newest"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"check of {self.at:%Y-%m-%d %H:%M} ({self.pk})"
