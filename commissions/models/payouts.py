"""Many parts paid at once through the bank: a batch, one line for each person, and the parts that each line pays."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from commissions.models.commissions import NEVER_TRUNCATED, CommissionSplit
from commissions.models.payments import CommissionPayment
from commissions.models.plans import PlanQuerySet
from core.append_only import append_only
from core.encryption import EncryptedTextField
from core.models import Membership, TenantForeignKey, TenantModel
from core.models.base import known
from crm.models import Agent


class PayingAccount(TenantModel):
    """The house's own account, out of which payouts of one currency are made."""

    currency = models.CharField(max_length=3)
    holder = models.CharField(max_length=140)
    iban = EncryptedTextField()
    swift = models.CharField(max_length=11, blank=True)
    entered_by = TenantForeignKey(Membership, related_name="+")

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "currency"], name="commissions_paying_account_once"),
        ]

    def __str__(self) -> str:
        return f"paying account in {self.currency} ({self.pk})"


class PayoutStatus(models.TextChoices):
    PROPOSED = "proposed", "Proposed"
    APPROVED = "approved", "Approved"
    SETTLED = "settled", "Settled"
    CANCELLED = "cancelled", "Cancelled"


PAYOUT_MOVES: list[tuple[str, str]] = [
    (PayoutStatus.PROPOSED, PayoutStatus.APPROVED),
    (PayoutStatus.PROPOSED, PayoutStatus.CANCELLED),
    (PayoutStatus.PROPOSED, PayoutStatus.SETTLED),  # when all was set off and the bank has nothing to do
    (PayoutStatus.APPROVED, PayoutStatus.SETTLED),
    (PayoutStatus.APPROVED, PayoutStatus.CANCELLED),
]


class PayoutBatch(TenantModel):
    """What is due to several people, proposed by one person and approved by another before the bank gets it."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE (status, updated_at)"

    currency = models.CharField(max_length=3)
    pay_on = models.DateField(help_text="the day that the bank is asked to pay on")
    status = models.CharField(max_length=9, choices=PayoutStatus, default=PayoutStatus.PROPOSED)
    made_by = TenantForeignKey(Membership, related_name="+")
    at = models.DateTimeField()

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "payout batches"
        constraints = [known("commissions_payout_status_known", "status", PayoutStatus)]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            NEVER_TRUNCATED,
            pgtrigger.ReadOnly(name="only_status_changes", exclude=["status", "updated_at"]),
            pgtrigger.FSM(name="transition", field="status", transitions=PAYOUT_MOVES),
            pgtrigger.Trigger(
                name="z_status_has_its_rows",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("status"),  # type: ignore[no-untyped-call]
                func="""
                    IF NEW.status = 'approved' AND NOT EXISTS (
                        SELECT FROM commissions_payoutapproval WHERE batch_id = NEW.id) THEN
                        RAISE EXCEPTION 'commissions: nobody approved payout %', NEW.id;
                    END IF;
                    IF OLD.status = 'proposed' AND NEW.status = 'settled' AND EXISTS (
                        SELECT FROM commissions_payoutline WHERE batch_id = NEW.id) THEN
                        RAISE EXCEPTION 'commissions: nobody approved payout %', NEW.id;
                    END IF;
                    IF NEW.status IN ('settled', 'cancelled') AND EXISTS (
                        SELECT FROM commissions_payoutline WHERE batch_id = NEW.id AND state = 'waiting') THEN
                        RAISE EXCEPTION 'commissions: lines of payout % still wait for the bank', NEW.id;
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"payout {self.pk}"

    @property
    def reference(self) -> str:
        """By which the bank knows the file; downloading it twice does not make two of it."""
        return f"MAJLIS-{self.organization_id}-PO{self.pk}"


class PayoutApproval(TenantModel):
    """Another person than who made the batch, and than who is paid by it, said yes."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    batch = TenantForeignKey(PayoutBatch, related_name="approvals")
    approved_by = TenantForeignKey(Membership, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "batch"], name="commissions_payout_approved_once"),
        ]
        triggers = [
            *append_only(),
            pgtrigger.Trigger(
                name="four_eyes",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF EXISTS (SELECT FROM commissions_payoutbatch b
                                WHERE b.id = NEW.batch_id AND b.made_by_id = NEW.approved_by_id)
                    OR EXISTS (SELECT FROM commissions_payoutline l JOIN crm_agent a ON a.id = l.agent_id
                                WHERE l.batch_id = NEW.batch_id AND a.membership_id = NEW.approved_by_id)
                    THEN
                        RAISE EXCEPTION 'commissions: nobody approves a payout they made or are paid by';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"approval of payout {self.batch_id} ({self.pk})"


class LineState(models.TextChoices):
    WAITING = "waiting", "Waiting for the bank"
    PAID = "paid", "Paid"
    RETURNED = "returned", "Came back"
    DROPPED = "dropped", "Not sent"


LINE_MOVES: list[tuple[str, str]] = [
    (LineState.WAITING, LineState.PAID),
    (LineState.WAITING, LineState.RETURNED),
    (LineState.WAITING, LineState.DROPPED),
    (LineState.PAID, LineState.RETURNED),
]


class PayoutLine(TenantModel):
    """One transfer to one person. The IBAN is not copied: its digest tells whether the verified one is still the same."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE (state, reason, updated_at)"

    batch = TenantForeignKey(PayoutBatch, related_name="lines")
    position = models.PositiveIntegerField()
    agent = TenantForeignKey(Agent, related_name="payout_lines")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    iban_digest = models.CharField(max_length=64)
    iban_end = models.CharField(max_length=4, help_text="the last four, by which people know it")
    state = models.CharField(max_length=8, choices=LineState, default=LineState.WAITING)
    reason = models.CharField(max_length=300, blank=True, help_text="why it came back or was not sent")

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "batch", "position"], name="commissions_payout_line_once"),
            models.UniqueConstraint(fields=["organization", "batch", "agent"], name="commissions_payout_agent_once"),
            models.CheckConstraint(name="commissions_payout_line_positive", condition=Q(amount_minor__gt=0)),
            known("commissions_payout_line_state_known", "state", LineState),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            NEVER_TRUNCATED,
            pgtrigger.ReadOnly(name="only_state_changes", exclude=["state", "reason", "updated_at"]),
            pgtrigger.FSM(name="transition", field="state", transitions=LINE_MOVES),
        ]

    def __str__(self) -> str:
        return f"line {self.position} of payout {self.batch_id} ({self.pk})"

    @property
    def reference(self) -> str:
        """The end-to-end id: the bank names it when it confirms or returns the transfer."""
        return f"PO{self.batch_id}-{self.position}"


class PayoutItem(TenantModel):
    """One part that a line pays. While its line waits (`is_open`, kept by a trigger) no other line can hold the part."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE (payment_id)"

    line = TenantForeignKey(PayoutLine, related_name="items")
    split = TenantForeignKey(CommissionSplit, related_name="payout_items")
    amount_minor = models.BigIntegerField()
    is_open = models.BooleanField(default=True)
    payment = TenantForeignKey(CommissionPayment, null=True, related_name="payout_items")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "split"], condition=Q(is_open=True), name="commissions_payout_item_open_once"
            ),
            models.CheckConstraint(name="commissions_payout_item_positive", condition=Q(amount_minor__gt=0)),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            NEVER_TRUNCATED,
            pgtrigger.ReadOnly(name="only_outcome_changes", exclude=["is_open", "payment", "updated_at"]),
        ]

    @property
    def currency(self) -> str:
        return str(self.line.currency)

    def __str__(self) -> str:
        return f"part {self.split_id} in payout line {self.line_id} ({self.pk})"
