"""Who changed how far an account may go, and why."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from core.append_only import append_only
from core.models import Membership, TenantForeignKey, TenantModel
from ledger.models.books import Account


class LimitChange(TenantModel):
    """One change of an account's limits, in minor units on its normal side; empty is no limit.

    Written by the function that changes them (ledger_set_limits), so there is no change without its row.
    """

    database_privileges: ClassVar[str] = "SELECT"

    created_at = None  # type: ignore[assignment]  # `at` says it
    updated_at = None  # type: ignore[assignment]  # it is never updated

    account = TenantForeignKey(Account, related_name="limit_changes")
    lowest_before_minor = models.BigIntegerField(null=True)
    highest_before_minor = models.BigIntegerField(null=True)
    lowest_minor = models.BigIntegerField(null=True)
    highest_minor = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=300)
    changed_by = TenantForeignKey(Membership, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="ledger_limit_change_has_a_reason", condition=~models.Q(reason="")),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"change of the limits of account {self.account_id} ({self.pk})"
