"""From an offer to the keys."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core import events
from core.actors import Actor
from core.errors import CapabilityMissing, NotFound
from core.models import AuditEntry
from crm.errors import AgentNotActive, ClosedInFuture, PriceInvalid, StageMoveRefused, UnitAlreadyInDeal
from crm.events import DealClosed, DealReopened
from crm.models import Deal, Property
from crm.services import close_deal, create_deal, lose_deal, move_deal, reopen_deal
from tests.crm import factories

NOON = datetime(2026, 6, 1, 8, tzinfo=UTC)
TODAY = date(2026, 6, 1)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    said: list[object] = []
    monkeypatch.setitem(events._handlers, DealClosed, [said.append])
    monkeypatch.setitem(events._handlers, DealReopened, [said.append])
    return said


@pytest.fixture
def unit(manager: Actor) -> Property:
    return factories.unit(factories.project(manager.organization), status="available")


def test_a_sale_is_closed_once_and_the_unit_is_sold(manager: Actor, unit: Property, heard: list[object]) -> None:
    owner = factories.contact(manager.organization)
    factories.ownership(unit, owner, is_primary=True)
    leader = factories.agent(manager)
    deal = create_deal(actor=manager, property=unit, agent=leader, kind="sale", price_minor=50_000_000)
    assert (deal.stage, deal.currency, deal.seller) == ("offer", "AED", owner)

    close_deal(actor=manager, deal=deal, closed_on=TODAY, at=NOON)

    unit.refresh_from_db()
    assert (deal.stage, deal.closed_on, unit.status) == ("closed", TODAY, "sold")
    assert heard == [DealClosed(manager.organization.pk, deal.pk)]
    with pytest.raises(StageMoveRefused) as refusal:
        close_deal(actor=manager, deal=deal, closed_on=TODAY, at=NOON)
    assert refusal.value.message == "This deal is closed; from there it can become: contract."
    assert len(heard) == 1
    assert AuditEntry.objects.filter(action="crm.deal_closed").count() == 1


def test_a_lease_rents_the_unit(manager: Actor, unit: Property, heard: list[object]) -> None:
    deal = factories.deal(unit, factories.agent(manager), kind="lease")

    close_deal(actor=manager, deal=deal, closed_on=TODAY, at=NOON)

    unit.refresh_from_db()
    assert unit.status == "rented"


def test_a_deal_does_not_close_tomorrow(manager: Actor, unit: Property, heard: list[object]) -> None:
    deal = factories.deal(unit, factories.agent(manager))

    with pytest.raises(ClosedInFuture):
        close_deal(actor=manager, deal=deal, closed_on=date(2026, 6, 2), at=NOON)

    deal.refresh_from_db()
    assert (deal.stage, heard) == ("offer", [])


def test_a_lost_deal_may_come_back_and_a_closed_one_be_reopened(
    manager: Actor, unit: Property, heard: list[object]
) -> None:
    deal = factories.deal(unit, factories.agent(manager))
    lose_deal(actor=manager, deal=deal, reason="went elsewhere", at=NOON)
    with pytest.raises(StageMoveRefused):
        close_deal(actor=manager, deal=deal, closed_on=TODAY, at=NOON)
    reopen_deal(actor=manager, deal=deal, reason="came back", at=NOON)
    close_deal(actor=manager, deal=deal, closed_on=TODAY, at=NOON)

    reopen_deal(actor=manager, deal=deal, reason="the cheque bounced", at=NOON)

    unit.refresh_from_db()
    assert (deal.stage, deal.closed_on, unit.status) == ("contract", None, "reserved")
    assert heard == [DealClosed(manager.organization.pk, deal.pk), DealReopened(manager.organization.pk, deal.pk)]


def test_one_unit_has_one_accepted_sale(manager: Actor, unit: Property) -> None:
    leader = factories.agent(manager)
    first, second = factories.deal(unit, leader), factories.deal(unit, leader)
    move_deal(actor=manager, deal=first, stage="accepted", at=NOON)

    with pytest.raises(UnitAlreadyInDeal):
        move_deal(actor=manager, deal=second, stage="accepted", at=NOON)

    assert sorted(Deal.objects.values_list("stage", flat=True)) == ["accepted", "offer"]


def test_what_a_deal_needs(manager: Actor, agent: Actor, other_agent: Actor, unit: Property) -> None:
    leader = factories.agent(manager)
    with pytest.raises(PriceInvalid):
        create_deal(actor=manager, property=unit, agent=leader, kind="sale", price_minor=-1)
    archived = factories.agent(other_agent, status="archived")
    with pytest.raises(AgentNotActive):
        create_deal(actor=manager, property=unit, agent=archived, kind="sale", price_minor=1)
    own = factories.agent(agent)
    with pytest.raises(NotFound):
        create_deal(actor=agent, property=unit, agent=own, kind="sale", price_minor=1)
    assert agent.membership
    agent.membership.role = "viewer"
    with pytest.raises(CapabilityMissing):
        create_deal(
            actor=Actor(agent.organization, agent.membership), property=unit, agent=own, kind="sale", price_minor=1
        )

    assert not Deal.objects.exists()


def test_agents_close_their_own_deals_only(
    agent: Actor, other_agent: Actor, unit: Property, heard: list[object]
) -> None:
    own = factories.agent(agent)
    factories.assignment(own, unit.project)
    deal = create_deal(actor=agent, property=unit, agent=own, kind="sale", price_minor=1_000_00)

    with pytest.raises(NotFound):
        close_deal(actor=other_agent, deal=deal, closed_on=TODAY, at=NOON)
    assert not heard

    close_deal(actor=agent, deal=deal, closed_on=TODAY, at=NOON)
    assert deal.stage == "closed"
