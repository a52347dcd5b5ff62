"""When the client pays a commission, what of it came and what bounced; and what is held back of the parts meanwhile."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from commissions.models.commissions import CLOSE_SCOPE, NEVER_TRUNCATED, OPEN_SCOPE, Commission
from commissions.models.payments import Method
from commissions.models.plans import PlanQuerySet
from commissions.models.reversals import Reversal
from core.append_only import append_only
from core.models import Membership, TenantForeignKey, TenantModel
from ledger.models import Transfer


class Instalment(TenantModel):
    """A part of what the client owes, and when it is expected. `received_minor` is kept by the database (migration 0008).

    A commission without instalments may be paid out as soon as it is approved; with them, as they are received.
    Amount and day change only by a Rescheduling; one that is left out of the new schedule stays, with nothing to pay.
    """

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE (amount_minor, expected_on, updated_at)"

    commission = TenantForeignKey(Commission, related_name="instalments")
    position = models.PositiveSmallIntegerField()
    amount_minor = models.BigIntegerField(help_text="VAT included")
    received_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    expected_on = models.DateField()

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "commission", "position"], name="commissions_instalment_once"
            ),
            models.CheckConstraint(
                name="commissions_instalment_received_within_amount",
                condition=Q(amount_minor__gte=0, received_minor__gte=0, received_minor__lte=F("amount_minor")),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            NEVER_TRUNCATED,
            pgtrigger.ReadOnly(
                name="only_schedule_changes", exclude=["received_minor", "amount_minor", "expected_on", "updated_at"]
            ),
            pgtrigger.Trigger(
                name="rescheduled_by_somebody",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("amount_minor", "expected_on"),  # type: ignore[no-untyped-call]
                func="""
                    IF NOT EXISTS (SELECT FROM commissions_rescheduling r
                                    WHERE r.commission_id = NEW.commission_id AND r.at = NEW.updated_at) THEN
                        RAISE EXCEPTION 'commissions: nobody rescheduled instalment %', NEW.id;
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="instalments_sum",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("amount_minor"),  # type: ignore[no-untyped-call]
                timing=pgtrigger.Deferred,
                declare=[("scope_before", "text"), ("whole", "bigint"), ("parts", "numeric")],
                func=f"""
                    {OPEN_SCOPE}
                    SELECT amount_minor + vat_minor INTO whole FROM commissions_commission WHERE id = NEW.commission_id;
                    SELECT sum(amount_minor) INTO parts FROM commissions_instalment
                     WHERE commission_id = NEW.commission_id;
                    {CLOSE_SCOPE}
                    IF parts IS DISTINCT FROM whole THEN
                        RAISE EXCEPTION 'commissions: instalments of % sum to %, not %', NEW.commission_id, parts, whole;
                    END IF;
                    RETURN NULL;
                """,  # noqa: S608 - our own sentences
            ),
        ]

    def __str__(self) -> str:
        return f"instalment {self.position} of commission {self.commission_id} ({self.pk})"

    @property
    def due_minor(self) -> int:
        """What the client still owes of it."""
        return self.amount_minor - self.received_minor


class Rescheduling(TenantModel):
    """Somebody agreed with the client on other days or amounts, and why; `before` and `after` list [amount, day]."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    commission = TenantForeignKey(Commission, related_name="reschedulings")
    before = models.JSONField()
    after = models.JSONField()
    reason = models.CharField(max_length=300)
    rescheduled_by = TenantForeignKey(Membership, null=True, related_name="+")
    at = models.DateTimeField()

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="commissions_rescheduling_has_a_reason", condition=~Q(reason="")),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"rescheduling of commission {self.commission_id} ({self.pk})"


class Receipt(TenantModel):
    """Money of the client that arrived for an instalment, whole or in part."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    instalment = TenantForeignKey(Instalment, related_name="receipts")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=13, choices=Method)
    received_on = models.DateField()
    reference = models.CharField(max_length=80)
    received_by = TenantForeignKey(Membership, null=True, related_name="+")
    transfer = TenantForeignKey(Transfer, related_name="+")
    at = models.DateTimeField()

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "reference"], name="commissions_receipt_reference_once"),
            models.CheckConstraint(name="commissions_receipt_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="commissions_receipt_is_money", condition=~Q(method="set_off")),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"receipt {self.reference} ({self.pk})"


class ReceiptReversal(Reversal):
    """A receipt that was none, such as a bounced cheque: the instalment is due again."""

    receipt = TenantForeignKey(Receipt, related_name="reversals")

    class Meta(Reversal.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "receipt"], name="commissions_receipt_reversed_once"),
        ]

    def __str__(self) -> str:
        return f"reversal of receipt {self.receipt_id} ({self.pk})"


class HoldBack(TenantModel):
    """So much of each part is kept until a day, or until somebody says that it may go (a handover)."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    commission = TenantForeignKey(Commission, related_name="hold_backs")
    basis_points = models.PositiveIntegerField()
    until_on = models.DateField(null=True, help_text="from this day on it may go by itself; empty: until it is let go")
    reason = models.CharField(max_length=300)
    held_by = TenantForeignKey(Membership, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "commission"], name="commissions_held_back_once"),
            models.CheckConstraint(
                name="commissions_hold_back_is_a_share", condition=Q(basis_points__gt=0, basis_points__lte=10_000)
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"hold-back of commission {self.commission_id} ({self.pk})"


class HoldBackRelease(TenantModel):
    """What was held back may go: the keys were handed over."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    hold_back = TenantForeignKey(HoldBack, related_name="releases")
    reason = models.CharField(max_length=300)
    released_by = TenantForeignKey(Membership, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "hold_back"], name="commissions_hold_back_let_go_once"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"release of hold-back {self.hold_back_id} ({self.pk})"
