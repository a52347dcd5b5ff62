"""A sale or a lease: what commissions come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import pgtrigger
from django.db import models
from django.db.models import Q

from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey
from core.models.base import LIVE, known
from core.roles import Reach
from crm.models.agents import Agent
from crm.models.contacts import Contact
from crm.models.stock import Property

if TYPE_CHECKING:
    from core.actors import Actor


class DealKind(models.TextChoices):
    SALE = "sale", "Sale"
    LEASE = "lease", "Lease"


class DealStage(models.TextChoices):
    OFFER = "offer", "Offer made"
    ACCEPTED = "accepted", "Offer accepted"
    CONTRACT = "contract", "Contract signed"
    CLOSED = "closed", "Closed"
    LOST = "lost", "Lost"


class DealQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Agents see the deals they are part of."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(agent__membership__in=actor.membership_ids)


# FOR SHARE: whoever archives the agent at this moment waits, or is waited for. What was closed stays his.
ARCHIVED_AGENTS_LEAD_NONE = pgtrigger.Trigger(
    name="archived_agents_lead_none",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("agent_id", "stage", "deleted_at"),  # type: ignore[no-untyped-call]
    condition=pgtrigger.Q(new__stage__in=["offer", "accepted", "contract"], new__deleted_at__isnull=True),
    declare=[("standing", "text")],
    func="""
        SELECT status INTO standing FROM crm_agent WHERE id = NEW.agent_id FOR SHARE;
        IF standing = 'archived' THEN
            RAISE EXCEPTION 'Agent % is archived and leads no open deal.', NEW.agent_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'crm_deal_agent_not_archived', TABLE = 'crm_deal';
        END IF;
        RETURN NEW;
    """,
)


class Deal(SoftDeleteModel):
    """One transaction over one unit. For a lease the price is the annual rent."""

    property = TenantForeignKey(Property, related_name="deals")
    kind = models.CharField(max_length=5, choices=DealKind, default=DealKind.SALE)
    seller = TenantForeignKey(Contact, null=True, blank=True, related_name="sales")
    buyer = TenantForeignKey(Contact, null=True, blank=True, related_name="purchases")
    agent = TenantForeignKey(Agent, related_name="deals", help_text="who leads the deal")
    price_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="AED")
    stage = models.CharField(max_length=8, choices=DealStage, default=DealStage.OFFER)
    closed_on = models.DateField(null=True, blank=True)
    notes = models.TextField(blank=True)

    objects = DealQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="crm_deal_price_positive", condition=Q(price_minor__gt=0)),
            models.CheckConstraint(
                name="crm_deal_closed_has_a_date",
                condition=(Q(stage="closed") & Q(closed_on__isnull=False))
                | (~Q(stage="closed") & Q(closed_on__isnull=True)),
            ),
            models.UniqueConstraint(
                fields=["organization", "property"],
                condition=LIVE & Q(kind="sale", stage__in=["accepted", "contract"]),
                name="crm_deal_one_open_sale_per_unit",
            ),
            known("crm_deal_kind_known", "kind", DealKind),
            known("crm_deal_stage_known", "stage", DealStage),
        ]
        indexes = [
            # the pipeline of an organisation by stage, newest first
            models.Index(fields=["organization", "stage", "-id"], name="crm_deal_by_stage"),
        ]
        triggers = [ARCHIVED_AGENTS_LEAD_NONE]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of property {self.property_id} ({self.pk})"
