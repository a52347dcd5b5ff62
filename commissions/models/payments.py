"""Money that left for a beneficiary, and the cheques that came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q

from commissions.models.commissions import CommissionSplit
from commissions.models.reversals import Reversal
from core.append_only import append_only
from core.models import Membership, TenantForeignKey, TenantModel, TenantQuerySet
from core.roles import Reach
from ledger.models import Transfer

if TYPE_CHECKING:
    from core.actors import Actor


class Method(models.TextChoices):
    BANK_TRANSFER = "bank_transfer", "Bank transfer"
    CHEQUE = "cheque", "Cheque"
    CASH = "cash", "Cash"
    SET_OFF = "set_off", "Set off against a claw-back"


# How money can come in: nothing is set off by it.
RECEIVED_BY = [choice for choice in Method.choices if choice[0] != Method.SET_OFF]


class PaymentQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(split__agent__membership__in=actor.membership_ids)

    def standing(self) -> Self:
        """Payments that were not taken back."""
        return self.filter(reversals__isnull=True)


class CommissionPayment(TenantModel):
    """A payment of one split, whole or in part. Inserting it raises the split's paid_minor (migration 0002)."""

    database_privileges: ClassVar[str] = "SELECT, INSERT"

    split = TenantForeignKey(CommissionSplit, related_name="payments")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=13, choices=Method)
    paid_on = models.DateField()
    reference = models.CharField(max_length=80)
    notes = models.CharField(max_length=300, blank=True)
    paid_by = TenantForeignKey(Membership, null=True, related_name="+")
    transfer = TenantForeignKey(Transfer, related_name="+")
    at = models.DateTimeField()

    objects = PaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "reference"], name="commissions_payment_reference_once"),
            models.UniqueConstraint(fields=["organization", "transfer"], name="commissions_payment_transfer_once"),
            models.CheckConstraint(name="commissions_payment_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="commissions_payment_has_a_reference", condition=~Q(reference="")),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.reference} ({self.pk})"


class PaymentReversal(Reversal):
    """A payment that did not arrive, such as a bounced cheque: its amount is due again."""

    payment = TenantForeignKey(CommissionPayment, related_name="reversals")

    class Meta(Reversal.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "payment"], name="commissions_payment_reversed_once"),
        ]

    def __str__(self) -> str:
        return f"reversal of payment {self.payment_id} ({self.pk})"
