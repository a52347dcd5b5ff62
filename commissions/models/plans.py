"""How a commission is worked out and divided. A version is never changed: editing a plan adds one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q

from core.append_only import append_only
from core.models import Membership, TenantForeignKey, TenantModel, TenantQuerySet
from core.models.base import known
from core.roles import Reach
from crm.models.deals import DealKind

if TYPE_CHECKING:
    from core.actors import Actor


class RateKind(models.TextChoices):
    PERCENTAGE = "percentage", "Percentage of the price"
    FIXED = "fixed", "Fixed amount"
    SLABS = "slabs", "Slabs of the price"


class VatMode(models.TextChoices):
    NONE = "none", "No VAT"
    ON_TOP = "on_top", "VAT on top"
    INCLUSIVE = "inclusive", "VAT included"


class PlanQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Plans are the house's own business: only those who see the whole organisation see them."""
        visible = super().visible_to(actor)
        return visible if actor.reach is Reach.ORGANIZATION else visible.none()


class CommissionPlan(TenantModel):
    """A named way to work commissions of sales or of leases out. Of each kind one is the default: deals that close take
    its newest version."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    name = models.CharField(max_length=100)
    deal_kind = models.CharField(max_length=5, choices=DealKind, default=DealKind.SALE)
    is_default = models.BooleanField(default=False)
    created_by = TenantForeignKey(Membership, null=True, related_name="+")

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="commissions_plan_name_once"),
            models.UniqueConstraint(
                fields=["organization", "deal_kind"], condition=Q(is_default=True), name="commissions_one_default_plan"
            ),
            known("commissions_plan_deal_kind_known", "deal_kind", DealKind),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class PlanVersion(TenantModel):
    """The terms of a plan from one day on. Commissions keep the version that they were made with.

    Percentages are basis points, 250 is 2.5 %. `slabs` is a list of {"from_minor", "basis_points"}: each part of the
    price is rated by its own slab. `splits` is a list of {"role", "kind", "basis_points" or "fixed_minor"}
    (commissions/splitting.py). Amounts are minor units of `currency`, which is empty when there is none.
    """

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    plan = TenantForeignKey(CommissionPlan, related_name="versions")
    number = models.PositiveIntegerField()
    rate_kind = models.CharField(max_length=10, choices=RateKind)
    rate_basis_points = models.PositiveIntegerField(default=0)
    fixed_minor = models.BigIntegerField(default=0)
    slabs = models.JSONField(default=list)
    cap_minor = models.BigIntegerField(null=True)
    minimum_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    vat_mode = models.CharField(max_length=9, choices=VatMode, default=VatMode.NONE)
    vat_basis_points = models.PositiveIntegerField(default=0)
    splits = models.JSONField()
    note = models.CharField(max_length=300, blank=True)
    created_by = TenantForeignKey(Membership, null=True, related_name="+")
    at = models.DateTimeField()

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "plan", "number"], name="commissions_plan_version_once"),
            models.CheckConstraint(
                name="commissions_plan_version_rates_at_most_all",
                condition=Q(rate_basis_points__lte=10_000, vat_basis_points__lte=10_000, fixed_minor__gte=0),
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"version {self.number} of plan {self.plan_id} ({self.pk})"
