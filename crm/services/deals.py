"""Sales and leases, from the offer to the day they are concluded."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from core import audit, events
from core.actors import Actor
from core.errors import NotFound
from core.money import decimals
from core.roles import Capability
from crm.errors import AgentNotActive, ClosedInFuture, PriceInvalid, StageMoveRefused, UnitAlreadyInDeal
from crm.events import DealClosed, DealReopened
from crm.models import Agent, Contact, Deal, Property
from crm.models.agents import AgentStatus
from crm.models.deals import DealKind, DealStage
from crm.models.stock import PropertyStatus

# From each stage, the stages that may follow. A small office goes from an offer to the keys in one day.
MOVES: dict[str, frozenset[str]] = {
    DealStage.OFFER: frozenset({DealStage.ACCEPTED, DealStage.CONTRACT, DealStage.CLOSED, DealStage.LOST}),
    DealStage.ACCEPTED: frozenset({DealStage.OFFER, DealStage.CONTRACT, DealStage.CLOSED, DealStage.LOST}),
    DealStage.CONTRACT: frozenset({DealStage.ACCEPTED, DealStage.CLOSED, DealStage.LOST}),
    DealStage.CLOSED: frozenset({DealStage.CONTRACT}),
    DealStage.LOST: frozenset({DealStage.OFFER}),
}
CLOSED_STATUS = {DealKind.SALE: PropertyStatus.SOLD, DealKind.LEASE: PropertyStatus.RENTED}


@transaction.atomic
def create_deal(
    *,
    actor: Actor,
    property: Property,
    agent: Agent,
    kind: str,
    price_minor: int,
    currency: str = "",
    seller: Contact | None = None,
    buyer: Contact | None = None,
    notes: str = "",
) -> Deal:
    """Open a deal over a unit, at the stage of an offer. For a lease the price is the annual rent.

    The seller is the unit's primary owner when none is named. Raises PriceInvalid, AgentNotActive, and NotFound for a
    unit or an agent that the actor does not see.
    """
    actor.require(Capability.DEALS_WRITE)
    currency = currency or property.currency
    decimals(currency)
    if price_minor <= 0:
        raise PriceInvalid("The price of a deal is more than zero.", price_minor=price_minor)
    if not Property.objects.visible_to(actor).filter(pk=property.pk).exists():
        raise NotFound("There is no such unit here.")
    if not Agent.objects.visible_to(actor).filter(pk=agent.pk).exists():
        raise NotFound("There is no such agent here.")
    if agent.status != AgentStatus.ACTIVE:
        raise AgentNotActive(f"{agent.name} is {agent.status}: deals are led by active agents.", agent=agent.pk)
    if seller is None:
        ownership = property.ownerships.current().filter(is_primary=True).select_related("contact").first()
        seller = ownership.contact if ownership else None
    deal = Deal.objects.create(
        organization=actor.organization,
        property=property,
        agent=agent,
        kind=DealKind(kind),
        price_minor=price_minor,
        currency=currency,
        seller=seller,
        buyer=buyer,
        notes=notes,
    )
    audit.record(actor=actor, action="crm.deal_created", target=deal, after=audit.snapshot(deal))
    return deal


@transaction.atomic
def move_deal(*, actor: Actor, deal: Deal, stage: str, at: datetime) -> Deal:
    """Take an open deal to its next stage (offer, accepted, contract). Closing and losing have services of their own.

    Raises StageMoveRefused, and UnitAlreadyInDeal when another sale of the unit is already accepted.
    """
    actor.require(Capability.DEALS_WRITE)
    if stage not in {DealStage.OFFER, DealStage.ACCEPTED, DealStage.CONTRACT} or deal.stage == DealStage.CLOSED:
        raise _refused(deal, stage)
    return _move(actor, deal, stage, None, at)


@transaction.atomic
def close_deal(*, actor: Actor, deal: Deal, closed_on: date, at: datetime) -> Deal:
    """The deal is concluded: the unit is sold or rented, and DealClosed is published.

    Raises StageMoveRefused (also when somebody closed it at the same instant) and ClosedInFuture.
    """
    actor.require(Capability.DEALS_WRITE)
    today = at.astimezone(ZoneInfo(actor.organization.time_zone)).date()
    if closed_on > today:
        raise ClosedInFuture(f"{closed_on} has not come yet; a deal closes today or before.", closed_on=str(closed_on))
    deal = _move(actor, deal, DealStage.CLOSED, closed_on, at)
    _set_status(actor, deal.property, CLOSED_STATUS[DealKind(deal.kind)], deal, at)
    events.publish(DealClosed(organization_id=actor.organization.pk, deal_id=deal.pk))
    return deal


@transaction.atomic
def lose_deal(*, actor: Actor, deal: Deal, reason: str, at: datetime) -> Deal:
    """The deal comes to nothing. Raises StageMoveRefused."""
    actor.require(Capability.DEALS_WRITE)
    return _move(actor, deal, DealStage.LOST, None, at, reason=reason)


@transaction.atomic
def reopen_deal(*, actor: Actor, deal: Deal, reason: str, at: datetime) -> Deal:
    """A closed deal goes back to its contract, a lost one to its offer. Of closed ones DealReopened is published first.

    Whoever earned from it may refuse. Raises StageMoveRefused.
    """
    actor.require(Capability.DEALS_WRITE)
    if deal.stage == DealStage.LOST:
        return _move(actor, deal, DealStage.OFFER, None, at, reason=reason)
    actor.require(Capability.COMMISSIONS_APPROVE)
    deal = _move(actor, deal, DealStage.CONTRACT, None, at, reason=reason)
    _set_status(actor, deal.property, PropertyStatus.RESERVED, deal, at)
    events.publish(DealReopened(organization_id=actor.organization.pk, deal_id=deal.pk))
    return deal


def _move(actor: Actor, deal: Deal, stage: str, closed_on: date | None, at: datetime, reason: str = "") -> Deal:
    """One conditional UPDATE: of two who move a deal at once, one wins and the other is told."""
    visible = Deal.objects.visible_to(actor).filter(pk=deal.pk)
    allowed = [before for before, after in MOVES.items() if stage in after]
    before = visible.values_list("stage", flat=True).first()
    if before is None:
        raise NotFound("There is no such deal here.")
    try:
        with transaction.atomic():
            moved = visible.filter(stage=before, stage__in=allowed).update(
                stage=stage, closed_on=closed_on, updated_at=at
            )
    except IntegrityError:
        raise UnitAlreadyInDeal(
            "Another sale of this unit is already accepted; lose that one first.", property=deal.property_id
        ) from None
    if not moved:
        raise _refused(visible.get(), stage)
    audit.record(
        actor=actor,
        action=f"crm.deal_{stage}",
        target=deal,
        before={"stage": before},
        after={"stage": stage, **({"reason": reason} if reason else {})},
        at=at,
    )
    deal.refresh_from_db()
    return deal


def _refused(deal: Deal, stage: str) -> StageMoveRefused:
    possible = ", ".join(sorted(MOVES[deal.stage]))
    return StageMoveRefused(
        f"This deal is {deal.get_stage_display().lower()}; from there it can become: {possible}.",
        stage=deal.stage,
        wanted=stage,
    )


def _set_status(actor: Actor, unit: Property, status: str, deal: Deal, at: datetime) -> None:
    before = unit.status
    if before == status:
        return
    unit.status = status
    unit.save(update_fields=["status", "updated_at"])
    audit.record(
        actor=actor,
        action="crm.property_status_changed",
        target=unit,
        before={"status": before},
        after={"status": status, "deal": deal.pk},
        at=at,
    )
