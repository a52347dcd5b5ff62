"""What people decided about a commission: approvals, disputes and the talk about them, cancellations and claw-backs."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from commissions.models.commissions import Commission, CommissionSplit
from core.append_only import append_only
from core.models import Membership, TenantForeignKey, TenantModel
from ledger.models import Transfer


class Approval(TenantModel):
    """Somebody who neither made the commission nor gets a part of it said yes; from then on it is owed."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    commission = TenantForeignKey(Commission, related_name="approvals")
    approved_by = TenantForeignKey(Membership, null=True, related_name="+")
    transfer = TenantForeignKey(Transfer, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "commission"], name="commissions_approved_once"),
        ]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="four_eyes",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF EXISTS (SELECT FROM commissions_commission c
                                WHERE c.id = NEW.commission_id AND c.created_by_id = NEW.approved_by_id)
                    OR EXISTS (SELECT FROM commissions_commissionsplit s JOIN crm_agent a ON a.id = s.agent_id
                                WHERE s.commission_id = NEW.commission_id AND a.membership_id = NEW.approved_by_id)
                    OR EXISTS (SELECT FROM commissions_commission c JOIN crm_agent a ON a.id = c.taken_from_id
                                WHERE c.id = NEW.commission_id AND a.membership_id = NEW.approved_by_id)
                    THEN
                        RAISE EXCEPTION 'commissions: nobody approves what they made, are paid by or owe';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"approval of commission {self.commission_id} ({self.pk})"


class Dispute(TenantModel):
    """Somebody says that it is not right. Nothing is paid until it is resolved."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    commission = TenantForeignKey(Commission, related_name="disputes")
    opened_by = TenantForeignKey(Membership, null=True, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        triggers = append_only()

    def __str__(self) -> str:
        return f"dispute of commission {self.commission_id} ({self.pk})"


class DisputeMessage(TenantModel):
    """A word in the talk about a dispute, by who opened it, who is paid, or who keeps commissions."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    dispute = TenantForeignKey(Dispute, related_name="messages")
    author = TenantForeignKey(Membership, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="commissions_dispute_message_says_something", condition=~Q(text="")),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"message about dispute {self.dispute_id} ({self.pk})"


class DisputeResolution(TenantModel):
    database_privileges: ClassVar[str] = "SELECT, INSERT"

    dispute = TenantForeignKey(Dispute, related_name="resolutions")
    resolved_by = TenantForeignKey(Membership, null=True, related_name="+")
    resolution = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "dispute"], name="commissions_dispute_resolved_once"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"resolution of dispute {self.dispute_id} ({self.pk})"


class Cancellation(TenantModel):
    """The commission will not be paid; what was accrued is reversed, and what was paid of it is clawed back."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    commission = TenantForeignKey(Commission, related_name="cancellations")
    cancelled_by = TenantForeignKey(Membership, null=True, related_name="+")
    reason = models.TextField()
    transfer = TenantForeignKey(Transfer, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "commission"], name="commissions_cancelled_once"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"cancellation of commission {self.commission_id} ({self.pk})"


class Clawback(TenantModel):
    """What a beneficiary was paid of a commission that was cancelled afterwards, and so owes the house.

    What is left of it is the balance of the ledger's account clawback:<owner>: it falls as next payouts are set off.
    """

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    cancellation = TenantForeignKey(Cancellation, related_name="clawbacks")
    split = TenantForeignKey(CommissionSplit, related_name="clawbacks")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "split"], name="commissions_clawback_once"),
            models.CheckConstraint(name="commissions_clawback_positive", condition=Q(amount_minor__gt=0)),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"claw-back of part {self.split_id} ({self.pk})"
