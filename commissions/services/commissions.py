"""Making a commission from a closed deal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import IntegrityError, transaction

from commissions import rating, splitting
from commissions.errors import CommissionExists, CommissionUnknown, DealNotClosed, SideInvalid, SplitInvalid
from commissions.models import Commission, CommissionSplit, PlanVersion, RateKind, Side, SplitRole, VatMode
from commissions.services.plans import default_version
from core import audit
from core.actors import Actor
from core.money import to_decimal, to_minor
from core.roles import Capability
from crm.models import Agent, Contact, Deal
from crm.models.deals import DealKind

# Who owes a commission of a sale, and of a lease.
SIDES = {DealKind.SALE: (Side.SALE,), DealKind.LEASE: (Side.TENANT, Side.LANDLORD)}


@transaction.atomic
def create_commission(
    *,
    actor: Actor,
    deal: Deal,
    at: datetime,
    plan_version: PlanVersion | None = None,
    shares: Sequence[splitting.Share] | None = None,
    price: str | None = None,
    side: Side | None = None,
) -> Commission:
    """Work out what a closed deal earned and who gets which part; it waits for somebody else's approval.

    `plan_version` defaults to the newest of the default plan, `shares` to the plan's own, `price` (a decimal string in
    the deal's currency) to the deal's. A lease has a commission of each `side`, the tenant's when none is named.
    Raises CommissionUnknown, SideInvalid, DealNotClosed, CommissionExists, PriceNotPositive,
    AmountInvalid, CurrencyMismatch, CommissionZero, SplitInvalid.
    """
    actor.require(Capability.COMMISSIONS_WRITE)
    deal, closed_on = _deal(actor, deal)
    kind = DealKind(deal.kind)
    side = side or SIDES[kind][0]
    if side not in SIDES[kind]:
        raise SideInvalid(f"A {kind.label.lower()} has no commission of that side.", field="side", side=side.value)
    version = plan_version or default_version(actor=actor, at=at, deal_kind=kind)
    price_minor = deal.price_minor if price is None else to_minor(price, deal.currency)
    own_rate = deal.agent.commission_basis_points if kind is DealKind.SALE else None
    rated = rating.rate(price_minor, deal.currency, terms_of(version), own_rate)
    wanted = shares if shares is not None else _of_plan(deal, version)
    _check_people(actor, wanted)
    parts = splitting.divide(rated.amount_minor, deal.currency, wanted)
    try:
        with transaction.atomic():
            commission: Commission = Commission.objects.create(
                organization=actor.organization,
                deal=deal,
                side=side,
                plan_version=version,
                base_price_minor=price_minor,
                amount_minor=rated.amount_minor,
                vat_minor=rated.vat_minor,
                currency=deal.currency,
                explanation=rated.explanation[:300],
                earned_on=closed_on,
                created_by=actor.membership,
            )
    except IntegrityError as error:
        if "commissions_one_per_deal" not in str(error):
            raise
        raise CommissionExists("This deal already has a commission of that side.", deal=deal.pk) from None
    CommissionSplit.objects.bulk_create(
        CommissionSplit(
            organization=actor.organization,
            commission=commission,
            position=position,
            role=part.share.role,
            agent_id=part.share.agent_id,
            contact_id=part.share.contact_id,
            basis_points=part.share.basis_points or None,
            amount_minor=part.amount_minor,
            currency=deal.currency,
            explanation=part.explanation,
        )
        for position, part in enumerate(parts, start=1)
    )
    after = {
        "deal": deal.pk,
        "side": side.value,
        "plan_version": version.pk,
        "amount": to_decimal(commission.amount_minor, commission.currency),
        "vat": to_decimal(commission.vat_minor, commission.currency),
        "currency": commission.currency,
        "splits": [[part.share.role, to_decimal(part.amount_minor, commission.currency)] for part in parts],
    }
    audit.record(actor=actor, action="commissions.commission_created", target=commission, after=after, at=at)
    return commission


def terms_of(version: PlanVersion) -> rating.Terms:
    """The terms that a version keeps."""
    return rating.Terms(
        rate_kind=RateKind(version.rate_kind),
        rate_basis_points=version.rate_basis_points,
        fixed_minor=version.fixed_minor,
        slabs=[rating.Slab(**slab) for slab in version.slabs],
        cap_minor=version.cap_minor,
        minimum_minor=version.minimum_minor,
        currency=version.currency,
        vat_mode=VatMode(version.vat_mode),
        vat_basis_points=version.vat_basis_points,
    )


def _deal(actor: Actor, deal: Deal) -> tuple[Deal, date]:
    """The deal as it is now, with its agent, and the day it closed."""
    deals = Deal.objects.for_organization(actor.organization).live().select_related("agent__membership")
    found: Deal | None = deals.filter(pk=deal.pk).first()
    if found is None:
        raise CommissionUnknown("There is no such deal here.", deal=deal.pk)
    if found.closed_on is None:
        raise DealNotClosed("Commissions come from closed deals; close the deal first.", deal=found.pk)
    return found, found.closed_on


def _of_plan(deal: Deal, version: PlanVersion) -> list[splitting.Share]:
    """The plan's shares with the people of the deal; a part for which nobody stands goes to the house."""
    shares = []
    for share in splitting.from_data(version.splits):
        agent_id = None
        if share.role is SplitRole.AGENT:
            agent_id = deal.agent_id
        elif share.role is SplitRole.SUPERVISOR:
            above = deal.agent.membership.reports_to_id
            supervisors = Agent.objects.for_organization(deal.organization).live().filter(membership=above)
            agent_id = supervisors.values_list("pk", flat=True).first() if above else None
        shares.append(splitting.named(share, agent_id=agent_id))
    return shares


def _check_people(actor: Actor, shares: Sequence[splitting.Share]) -> None:
    """Every share but the house's names one person of this organisation."""
    for share in shares:
        people = [share.agent_id, share.contact_id].count(None)
        if share.role is SplitRole.HOUSE and people != 2:
            raise SplitInvalid("The house's share names nobody.", role=share.role)
        if share.role is not SplitRole.HOUSE and people != 1:
            raise SplitInvalid("Say whose share it is: an agent, or for a referral a contact.", role=share.role)
        if share.contact_id and share.role is not SplitRole.REFERRER:
            raise SplitInvalid("Only a referral goes to a contact; other shares go to agents.", role=share.role)
    agents = {share.agent_id for share in shares if share.agent_id}
    contacts = {share.contact_id for share in shares if share.contact_id}
    known = Agent.objects.for_organization(actor.organization).live().filter(pk__in=agents)
    if known.count() != len(agents):
        raise SplitInvalid("There is no such agent here.", agents=sorted(agents))
    if contacts:
        found = Contact.objects.for_organization(actor.organization).live().filter(pk__in=contacts)
        if found.count() != len(contacts):
            raise SplitInvalid("There is no such contact here.", contacts=sorted(contacts))
