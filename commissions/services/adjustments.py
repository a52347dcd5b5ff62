"""Adding to what an agent gets, or taking from it, by hand: with a reason, and a second person who approves it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from commissions.errors import AdjustmentInvalid
from commissions.models import Commission, CommissionSplit, Side, SplitRole, Status
from commissions.models.commissions import OF_A_DEAL
from commissions.services.decisions import local_day, lock, refuse_beneficiary, refuse_debtor
from commissions.services.movements import checked_reason
from core import audit
from core.actors import Actor
from core.money import to_decimal, to_minor
from core.roles import Capability
from crm.models import Agent

ADJUSTABLE = {Status.APPROVED, Status.PART_PAID, Status.PAID}


@transaction.atomic
def adjust_commission(
    *, actor: Actor, commission: Commission, agent: Agent, amount: str, reason: str, at: datetime
) -> Commission:
    """Owe an agent more for the deal of an approved commission than that came to, or less. The house does, no client.

    `amount` is a decimal string in the currency of the commission: above zero it is owed to the agent, below zero by
    him (a deduction, which is set off against what he is paid next, or repaid). Either is a commission of its own that
    waits for somebody else's approval.
    Raises CommissionUnknown, AdjustmentInvalid, AmountInvalid, BeneficiaryMayNotDecide, ReasonMissing.
    """
    actor.require(Capability.COMMISSIONS_WRITE)
    commission = lock(actor, commission.pk)
    if commission.status not in ADJUSTABLE or commission.side not in OF_A_DEAL:
        raise AdjustmentInvalid("Only an approved commission of a deal is adjusted.", commission=commission.pk)
    found = Agent.objects.for_organization(actor.organization).live().filter(pk=agent.pk).first()
    if found is None:
        raise AdjustmentInvalid("There is no such agent here.", field="agent", agent=agent.pk)
    amount_minor = to_minor(amount, commission.currency)
    if amount_minor == 0:
        raise AdjustmentInvalid("An adjustment is above zero, or below it to take from an agent.", field="amount")
    reason = checked_reason(reason, most=280)
    takes = amount_minor < 0
    side = Side.DEDUCTION if takes else Side.ADJUSTMENT
    made: Commission = Commission.objects.create(
        organization=actor.organization,
        deal_id=commission.deal_id,
        side=side,
        plan_version_id=commission.plan_version_id,
        base_price_minor=abs(amount_minor),
        amount_minor=abs(amount_minor),
        currency=commission.currency,
        explanation=f"{side.value}: {reason}",
        earned_on=local_day(actor, at),
        created_by=actor.membership,
        taken_from=found if takes else None,
    )
    part = CommissionSplit.objects.create(
        organization=actor.organization,
        commission=made,
        position=1,
        role=SplitRole.HOUSE if takes else SplitRole.AGENT,
        agent=None if takes else found,
        amount_minor=made.amount_minor,
        currency=made.currency,
        explanation=made.explanation,
    )
    refuse_beneficiary(actor, [part], "adjust it")
    refuse_debtor(actor, made, "adjust it")
    after = {
        "of": commission.pk,
        "agent": found.pk,
        "amount": to_decimal(amount_minor, made.currency),
        "reason": reason,
    }
    audit.record(actor=actor, action="commissions.adjustment_made", target=made, after=after, at=at)
    return made
