"""A commission and its parts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar, Self

import pgtrigger
from django.db import models
from django.db.models import F, Func, Q, Value

from commissions.models.plans import PlanVersion
from core.append_only import append_only
from core.models import Membership, TenantForeignKey, TenantModel, TenantQuerySet
from core.models.base import known
from core.roles import Reach
from crm.models import Agent, Contact, Deal

if TYPE_CHECKING:
    from core.actors import Actor


class Status(models.TextChoices):
    PENDING = "pending", "Pending"
    APPROVED = "approved", "Approved"
    PART_PAID = "part_paid", "Part paid"
    PAID = "paid", "Paid"
    DISPUTED = "disputed", "Disputed"
    CANCELLED = "cancelled", "Cancelled"


# Of which something is left to pay.
PAYABLE = [Status.APPROVED, Status.PART_PAID]

# The only moves there are. The database refuses every other (trigger `transition`), and asks for the rows behind each:
# the approval, the open dispute, the cancellation, the payments; what was paid of a cancelled one is clawed back.
TRANSITIONS: dict[Status, tuple[Status, ...]] = {
    Status.PENDING: (Status.APPROVED, Status.DISPUTED, Status.CANCELLED),
    Status.APPROVED: (Status.PART_PAID, Status.PAID, Status.DISPUTED, Status.CANCELLED),
    Status.PART_PAID: (Status.PAID, Status.APPROVED, Status.DISPUTED, Status.CANCELLED),
    Status.PAID: (Status.PART_PAID, Status.APPROVED, Status.DISPUTED, Status.CANCELLED),
    Status.DISPUTED: (Status.PENDING, Status.APPROVED, Status.PART_PAID, Status.PAID, Status.CANCELLED),
    Status.CANCELLED: (),
}

NEVER_TRUNCATED = append_only()[1]

# What a deferred trigger needs: by the end of the transaction the scope may be closed, so it opens that of its row.
OPEN_SCOPE = """
    scope_before := current_setting('majlis.organization', true);
    PERFORM set_config('majlis.organization', NEW.organization_id::text, true);
"""
CLOSE_SCOPE = "PERFORM set_config('majlis.organization', COALESCE(scope_before, ''), true);"


def _parts_sum(name: str, commission_id: str) -> pgtrigger.Trigger:
    """At commit, the parts of a commission are the commission, to the fils."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        declare=[("scope_before", "text"), ("whole", "bigint"), ("parts", "numeric")],
        func=f"""
            {OPEN_SCOPE}
            SELECT amount_minor INTO whole FROM commissions_commission WHERE id = {commission_id};
            SELECT sum(amount_minor) INTO parts FROM commissions_commissionsplit WHERE commission_id = {commission_id};
            {CLOSE_SCOPE}
            IF parts IS DISTINCT FROM whole THEN
                RAISE EXCEPTION 'commissions: the parts of commission % sum to %, not %', {commission_id}, parts, whole;
            END IF;
            RETURN NULL;
        """,  # noqa: S608 - our own column names
    )


class Side(models.TextChoices):
    """Who owes a commission. A lease has two; an adjustment is what the house itself owes, and a deduction what an agent
    owes the house, both by two persons' word."""

    SALE = "sale", "Sale"
    TENANT = "tenant", "Tenant"
    LANDLORD = "landlord", "Landlord"
    ADJUSTMENT = "adjustment", "Adjustment"
    DEDUCTION = "deduction", "Deduction"


OF_A_DEAL = (Side.SALE, Side.TENANT, Side.LANDLORD)


class CommissionQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Agents see commissions in which they have a part or which take from them; supervisors also their reports'."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        parts = CommissionSplit.objects.visible_to(actor).values("commission")
        return visible.filter(Q(pk__in=parts) | Q(taken_from__membership__in=actor.membership_ids))


class Commission(TenantModel):
    """What one deal earned, worked out once by one version of a plan. Only its status ever changes.

    `amount_minor` is net of VAT and is what the splits divide; the client owes amount and VAT.
    """

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE (status, updated_at)"

    deal = TenantForeignKey(Deal, related_name="commissions")
    side = models.CharField(max_length=10, choices=Side, default=Side.SALE)
    plan_version = TenantForeignKey(PlanVersion, related_name="commissions")
    base_price_minor = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    vat_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    explanation = models.CharField(max_length=300, help_text="how the amount came about, for people")
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    earned_on = models.DateField()
    created_by = TenantForeignKey(Membership, null=True, related_name="+", help_text="empty: Majlis itself")
    taken_from = TenantForeignKey(
        Agent, null=True, blank=True, related_name="deductions", help_text="who owes a deduction; else empty"
    )

    objects = CommissionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "deal", "side"],
                condition=~Q(status="cancelled") & Q(side__in=OF_A_DEAL),
                name="commissions_one_per_deal",
            ),
            known("commissions_commission_side_known", "side", Side),
            models.CheckConstraint(
                name="commissions_deduction_is_taken_from_somebody",
                condition=Q(side="deduction", taken_from__isnull=False)
                | (~Q(side="deduction") & Q(taken_from__isnull=True)),
            ),
            models.CheckConstraint(
                name="commissions_commission_amounts_positive",
                condition=Q(base_price_minor__gt=0, amount_minor__gt=0, vat_minor__gte=0),
            ),
        ]
        indexes = [
            # the pages of pending, approved, ... commissions, newest first
            models.Index(fields=["organization", "status", "-id"], name="commissions_by_status"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            NEVER_TRUNCATED,
            pgtrigger.ReadOnly(name="only_status_changes", exclude=["status", "updated_at"]),
            pgtrigger.FSM(
                name="transition",
                field="status",
                transitions=[(old, new) for old, allowed in TRANSITIONS.items() for new in allowed],
            ),
            pgtrigger.Trigger(
                name="starts_pending",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW.status <> 'pending' THEN
                        RAISE EXCEPTION 'commissions: a commission starts pending, not %', NEW.status;
                    END IF;
                    RETURN NEW;
                """,
            ),
            # A status is only ever the summary of rows that say who decided or paid.
            pgtrigger.Trigger(
                name="z_status_has_its_rows",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("status"),  # type: ignore[no-untyped-call]
                declare=[("payable", "numeric"), ("paid", "numeric"), ("fits", "boolean")],
                func="""
                    SELECT sum(amount_minor) FILTER (WHERE role <> 'house'), sum(paid_minor)
                      INTO payable, paid FROM commissions_commissionsplit WHERE commission_id = NEW.id;
                    fits := CASE NEW.status
                        WHEN 'pending' THEN paid = 0
                        WHEN 'approved' THEN paid = 0
                        WHEN 'part_paid' THEN paid > 0 AND paid < payable
                        WHEN 'paid' THEN paid > 0 AND paid = payable
                        WHEN 'cancelled' THEN EXISTS (
                            SELECT FROM commissions_cancellation WHERE commission_id = NEW.id)
                            AND paid = (SELECT COALESCE(sum(b.amount_minor), 0) FROM commissions_clawback b
                                          JOIN commissions_commissionsplit s ON s.id = b.split_id
                                         WHERE s.commission_id = NEW.id)
                        WHEN 'disputed' THEN EXISTS (
                            SELECT FROM commissions_dispute d WHERE d.commission_id = NEW.id AND NOT EXISTS (
                                SELECT FROM commissions_disputeresolution r WHERE r.dispute_id = d.id))
                        ELSE false END;
                    IF NEW.status IN ('approved', 'part_paid', 'paid') THEN
                        fits := fits AND EXISTS (SELECT FROM commissions_approval WHERE commission_id = NEW.id);
                    END IF;
                    IF NOT COALESCE(fits, false) THEN
                        RAISE EXCEPTION 'commissions: nothing makes commission % %', NEW.id, NEW.status;
                    END IF;
                    RETURN NEW;
                """,
            ),
            _parts_sum("parts_sum", "NEW.id"),
        ]

    def __str__(self) -> str:
        return f"commission of deal {self.deal_id} ({self.pk})"

    @property
    def total_minor(self) -> int:
        """What the client owes: the amount with VAT."""
        return self.amount_minor + self.vat_minor


class SplitRole(models.TextChoices):
    AGENT = "agent", "Agent"
    REFERRER = "referrer", "Referrer"
    SUPERVISOR = "supervisor", "Supervisor"
    HOUSE = "house", "House"


class CommissionSplitQuerySet(TenantQuerySet):
    def with_released(self, on: date) -> Self:
        """With `released_minor`: what of each part may have been paid by that day, by the client's money received so
        far and what is held back. All of it where neither is known."""
        released = Func(F("pk"), Value(on), function="commissions_released", output_field=models.BigIntegerField())
        return self.annotate(released_minor=released)

    def visible_to(self, actor: Actor) -> Self:
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(agent__membership__in=actor.membership_ids)


class CommissionSplit(TenantModel):
    """One part of a commission and whose it is. `paid_minor` is kept by the database from the payments alone."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    commission = TenantForeignKey(Commission, related_name="splits")
    position = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=10, choices=SplitRole)
    agent = TenantForeignKey(Agent, null=True, related_name="commission_splits")
    contact = TenantForeignKey(Contact, null=True, related_name="commission_splits")
    basis_points = models.PositiveIntegerField(null=True, help_text="empty for a fixed part")
    amount_minor = models.BigIntegerField()
    paid_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    explanation = models.CharField(max_length=300)

    objects = CommissionSplitQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "commission", "position"], name="commissions_split_once"),
            models.CheckConstraint(
                name="commissions_split_paid_within_amount",
                condition=Q(amount_minor__gte=0, paid_minor__gte=0, paid_minor__lte=F("amount_minor")),
            ),
            models.CheckConstraint(
                name="commissions_split_has_one_beneficiary",
                condition=Q(role="house", agent__isnull=True, contact__isnull=True)
                | Q(role__in=["agent", "supervisor"], agent__isnull=False, contact__isnull=True)
                | Q(role="referrer", agent__isnull=False, contact__isnull=True)
                | Q(role="referrer", agent__isnull=True, contact__isnull=False),
            ),
        ]
        indexes = [
            # the statement of one agent, newest first
            models.Index(fields=["organization", "agent", "-id"], name="commissions_split_of_agent"),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            NEVER_TRUNCATED,
            pgtrigger.ReadOnly(name="only_paid_changes", exclude=["paid_minor"]),
            _parts_sum("parts_sum", "NEW.commission_id"),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} of commission {self.commission_id} ({self.pk})"

    @property
    def due_minor(self) -> int:
        """What is left of this part, approved or not."""
        return 0 if self.role == SplitRole.HOUSE else self.amount_minor - self.paid_minor
