"""What open deals would earn if they closed today. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass

from commissions import rating, splitting
from commissions.models import CommissionPlan, PlanVersion, SplitRole
from commissions.services.commissions import SIDES, terms_of
from commissions.services.plans import STANDARD_PLANS, newest_version
from core.actors import Actor
from core.errors import DomainError
from core.roles import Capability
from crm.models import Agent, Deal
from crm.models.deals import DealKind, DealStage

# The nearest to closing first.
OPEN = [DealStage.CONTRACT, DealStage.ACCEPTED, DealStage.OFFER]
MOST = 200


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one agent would get of an open deal by the default plan, in minor units, of both sides of a lease; None where
    the plan does not fit the deal, and `reason` says so."""

    deal: Deal
    amount_minor: int | None
    reason: str


def foresee(*, actor: Actor, agent: Agent) -> list[Foreseen]:
    """The newest MOST open deals that an agent leads and the actor may see. At most four queries."""
    actor.require(Capability.COMMISSIONS_READ)
    plans = CommissionPlan.objects.for_organization(actor.organization).filter(is_default=True)
    versions = {plan.deal_kind: newest_version(plan) for plan in plans}
    deals = Deal.objects.visible_to(actor).live().filter(agent=agent, stage__in=OPEN)
    joined = deals.select_related("property__project", "agent").order_by("-pk")[:MOST]
    found = [_foreseen(deal, versions.get(deal.kind)) for deal in joined]
    return sorted(found, key=lambda one: OPEN.index(DealStage(one.deal.stage)))


def _foreseen(deal: Deal, version: PlanVersion | None) -> Foreseen:
    kind = DealKind(deal.kind)
    terms = terms_of(version) if version else STANDARD_PLANS[kind][1]
    shares = splitting.from_data(version.splits) if version else splitting.ALL_TO_THE_AGENT
    own_rate = deal.agent.commission_basis_points if kind is DealKind.SALE else None
    try:
        rated = rating.rate(deal.price_minor, deal.currency, terms, own_rate)
        parts = splitting.divide(rated.amount_minor, deal.currency, shares)
    except DomainError as refusal:
        return Foreseen(deal, None, refusal.message)
    own = [part for part in parts if part.share.role is SplitRole.AGENT]
    amount = sum(part.amount_minor for part in own)
    shared = [part.explanation for part in own] if amount != rated.amount_minor else []
    sides = len(SIDES[kind])
    twice = [f"x {sides}"] if sides > 1 else []
    return Foreseen(deal, amount * sides, ", ".join([rated.explanation, *shared, *twice]))
