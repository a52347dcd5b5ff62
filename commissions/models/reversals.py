"""What every taking back of money says: why, by whom, and which transfer undid it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core.append_only import append_only
from core.models import Membership, TenantForeignKey, TenantModel
from ledger.models import Transfer


class Reversal(TenantModel):
    """A payment, a receipt or a repayment that was none, such as a bounced cheque."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    reason = models.CharField(max_length=300)
    reversed_by = TenantForeignKey(Membership, null=True, related_name="+")
    transfer = TenantForeignKey(Transfer, related_name="+")
    at = models.DateTimeField()

    class Meta:
        abstract = True
        triggers = append_only()
