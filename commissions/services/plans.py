"""Plans and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from django.db import IntegrityError, transaction

from commissions import rating, splitting
from commissions.errors import PlanInvalid, PlanNameTaken
from commissions.models import CommissionPlan, PlanVersion
from core import audit
from core.actors import Actor, system
from core.roles import Capability
from crm.models.deals import DealKind

# What a house that chose nothing pays by: 2.5 % of a price, and 5 % of a year's rent from each side of a lease.
STANDARD_PLANS = {
    DealKind.SALE: ("Standard 2.5 %", rating.Terms()),
    DealKind.LEASE: ("Standard lease 5 %", rating.Terms(rate_basis_points=rating.LEASE_BASIS_POINTS)),
}


@transaction.atomic
def create_plan(
    *,
    actor: Actor,
    name: str,
    terms: rating.Terms,
    shares: Sequence[splitting.Share],
    at: datetime,
    is_default: bool = False,
    note: str = "",
    deal_kind: DealKind = DealKind.SALE,
) -> PlanVersion:
    """A new plan with its first version. Raises PlanInvalid, SplitInvalid, PlanNameTaken."""
    actor.require(Capability.COMMISSIONS_WRITE)
    name = name.strip()
    if not name or len(name) > 100:
        raise PlanInvalid("A plan needs a name of at most 100 characters.", field="name")
    try:
        with transaction.atomic():
            plan = CommissionPlan.objects.create(
                organization=actor.organization, name=name, deal_kind=deal_kind, created_by=actor.membership
            )
    except IntegrityError:
        raise PlanNameTaken(f"There is a plan named {name}; add a version to it instead.", name=name) from None
    audit.record(actor=actor, action="commissions.plan_created", target=plan, after={"name": name}, at=at)
    version = new_plan_version(actor=actor, plan=plan, terms=terms, shares=shares, at=at, note=note)
    if is_default:
        make_default(actor=actor, plan=plan, at=at)
    return version


@transaction.atomic
def new_plan_version(
    *,
    actor: Actor,
    plan: CommissionPlan,
    terms: rating.Terms,
    shares: Sequence[splitting.Share],
    at: datetime,
    note: str = "",
) -> PlanVersion:
    """Edit a plan: commissions made so far keep their version, new ones take this. Raises PlanInvalid, SplitInvalid."""
    actor.require(Capability.COMMISSIONS_WRITE)
    rating.check(terms)
    splitting.check(shares)
    if any(share.kind is splitting.ShareKind.FIXED for share in shares) and not terms.currency:
        raise PlanInvalid("A fixed share needs the plan's currency.", field="currency")
    CommissionPlan.objects.for_organization(actor.organization).select_for_update().get(pk=plan.pk)
    latest = newest_version(plan)
    version = PlanVersion.objects.create(
        organization=actor.organization,
        plan=plan,
        number=latest.number + 1 if latest else 1,
        **asdict(terms) | {"slabs": [asdict(slab) for slab in terms.slabs]},
        splits=splitting.to_data(shares),
        note=note[:300],
        created_by=actor.membership,
        at=at,
    )
    terms_fields = ["number", *asdict(terms), "splits"]
    audit.record(
        actor=actor,
        action="commissions.plan_version_added",
        target=plan,
        before=audit.snapshot(latest, terms_fields) if latest else {},
        after=audit.snapshot(version, terms_fields),
        at=at,
    )
    return version


@transaction.atomic
def make_default(*, actor: Actor, plan: CommissionPlan, at: datetime) -> None:
    """From now on, deals of the plan's kind that close take its newest version."""
    actor.require(Capability.COMMISSIONS_WRITE)
    plans = CommissionPlan.objects.for_organization(actor.organization)
    list(plans.order_by("pk").select_for_update().values_list("pk"))
    plans.filter(is_default=True, deal_kind=plan.deal_kind).update(is_default=False, updated_at=at)
    plans.filter(pk=plan.pk).update(is_default=True, updated_at=at)
    plan.is_default = True
    audit.record(actor=actor, action="commissions.plan_made_default", target=plan, after={"name": plan.name}, at=at)


def newest_version(plan: CommissionPlan) -> PlanVersion | None:
    """The terms that a new commission takes. One query."""
    return PlanVersion.objects.filter(organization=plan.organization_id, plan=plan).order_by("-number").first()


def default_version(*, actor: Actor, at: datetime, deal_kind: DealKind = DealKind.SALE) -> PlanVersion:
    """The newest version of the default plan for sales or leases. A house that has none gets the standard one of that
    kind, all to the agent."""
    name, terms = STANDARD_PLANS[deal_kind]
    plans = CommissionPlan.objects.for_organization(actor.organization).filter(deal_kind=deal_kind)
    plan = plans.filter(is_default=True).first()
    version = newest_version(plan) if plan else None
    if version is not None:
        return version
    try:
        with transaction.atomic():
            return create_plan(
                actor=system(actor.organization),
                name=name,
                terms=terms,
                shares=splitting.ALL_TO_THE_AGENT,
                at=at,
                is_default=True,
                deal_kind=deal_kind,
            )
    except (IntegrityError, PlanNameTaken):  # somebody else's deal closed at the same moment
        plan = plans.filter(name=name).first()
        version = newest_version(plan) if plan else None
        if version is None:
            raise PlanInvalid("The standard plan has no version; choose a default plan.") from None
        return version
