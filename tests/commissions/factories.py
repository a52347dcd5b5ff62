"""A unit, an agent, a deal, and what is earned on it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import count

from commissions import services
from commissions.models import Commission, CommissionPayment, CommissionSplit, Method, SplitRole
from commissions.rating import Terms
from commissions.splitting import ALL_TO_THE_AGENT, Share, ShareKind
from core.actors import Actor
from crm.models import Agent, Contact, Deal, Project, Property

AT = datetime(2026, 3, 10, 8, 30, tzinfo=UTC)
CLOSED_ON = date(2026, 3, 8)
PAID_ON = date(2026, 3, 9)

_numbers = count(1)


def sales_profile(actor: Actor, **fields) -> Agent:
    """The agent that this person is."""
    assert actor.membership is not None
    return Agent.objects.create(
        organization=actor.organization,
        membership=actor.membership,
        **{"name": actor.membership.user.name, **fields},
    )


def closed_deal(agent: Agent, price: int = 500_000_00, currency: str = "AED", **fields) -> Deal:
    """A unit sold by that agent. The price is in minor units. No event is published: commissions are made by hand."""
    number = next(_numbers)
    project, _ = Project.objects.get_or_create(organization=agent.organization, number=1, defaults={"name": "Vardon"})
    unit = Property.objects.create(organization=agent.organization, project=project, p_number=f"P-{number}")
    fields = {"stage": "closed", "closed_on": CLOSED_ON, **fields}
    return Deal.objects.create(
        organization=agent.organization,
        property=unit,
        agent=agent,
        price_minor=price,
        currency=currency,
        **fields,
    )


def referrer(actor: Actor, name: str = "Layla") -> Contact:
    return Contact.objects.create(organization=actor.organization, display_name=name)


def plan(actor: Actor, name: str = "Plan", shares=ALL_TO_THE_AGENT, **terms):
    """The first version of a plan with those terms."""
    return services.create_plan(actor=actor, name=name, terms=Terms(**terms), shares=shares, at=AT)


def commission(actor: Actor, deal: Deal, **more) -> Commission:
    return services.create_commission(actor=actor, deal=deal, at=AT, **more)


def approved(maker: Actor, approver: Actor, deal: Deal, **more) -> Commission:
    made = commission(maker, deal, **more)
    services.approve_commission(actor=approver, commission=made, at=AT)
    made.refresh_from_db()
    return made


def parts(made: Commission) -> list[CommissionSplit]:
    return list(CommissionSplit.objects.filter(commission=made).order_by("position"))


def pay(actor: Actor, split: CommissionSplit, amount: str, reference: str, **more) -> CommissionPayment:
    fields = {"currency": "AED", "method": Method.BANK_TRANSFER, "paid_on": PAID_ON, "at": AT, **more}
    return services.record_payment(actor=actor, split=split, amount=amount, reference=reference, **fields)


def share(kind: ShareKind, basis_points: int, role: SplitRole = SplitRole.AGENT, **who) -> Share:
    return Share(role, kind, basis_points, **who)
