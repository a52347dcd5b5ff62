"""Money that comes back from who was paid too much: after a claw-back or a deduction, and the cheques that bounced."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q

from commissions.models.payments import Method
from commissions.models.reversals import Reversal
from core.append_only import append_only
from core.models import Membership, TenantForeignKey, TenantModel, TenantQuerySet
from core.roles import Reach
from crm.models import Agent, Contact
from ledger.models import Transfer

if TYPE_CHECKING:
    from core.actors import Actor


class RepaymentQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Agents see their own; supervisors also their reports'."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(agent__membership__in=actor.membership_ids)


class Repayment(TenantModel):
    """What an agent, or a referrer outside the house, paid of what they owe it; never more than that (the ledger)."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    agent = TenantForeignKey(Agent, null=True, related_name="repayments")
    contact = TenantForeignKey(Contact, null=True, related_name="repayments")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=13, choices=Method)
    received_on = models.DateField()
    reference = models.CharField(max_length=80)
    received_by = TenantForeignKey(Membership, null=True, related_name="+")
    transfer = TenantForeignKey(Transfer, related_name="+")
    at = models.DateTimeField()

    objects = RepaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "reference"], name="commissions_repayment_reference_once"),
            models.CheckConstraint(name="commissions_repayment_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="commissions_repayment_is_money", condition=~Q(method="set_off")),
            models.CheckConstraint(
                name="commissions_repayment_is_of_one",
                condition=Q(agent__isnull=False, contact__isnull=True) | Q(agent__isnull=True, contact__isnull=False),
            ),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"repayment {self.reference} ({self.pk})"


class RepaymentReversal(Reversal):
    """A repayment that was none, such as a bounced cheque: it is owed again."""

    repayment = TenantForeignKey(Repayment, related_name="reversals")

    class Meta(Reversal.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "repayment"], name="commissions_repayment_reversed_once"),
            models.CheckConstraint(name="commissions_repayment_reversal_says_why", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"reversal of repayment {self.repayment_id} ({self.pk})"
