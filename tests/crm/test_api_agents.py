"""Agents, their work and their bank details at the API's door."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from core import events
from core.actors import Actor
from core.models import AuditEntry
from crm.events import AgentArchived, AssignmentTransferred
from crm.models import Agent, BankDetails, Contact, Deal, ProjectAssignment
from tests.crm import factories
from tests.crm.doors import Caller

IBAN = "AE070331234567890123456"


@pytest.fixture
def office(client: Client, manager: Actor) -> Caller:
    return Caller(client, manager)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    said: list[object] = []
    for event in (AssignmentTransferred, AgentArchived):
        monkeypatch.setitem(events._handlers, event, [said.append])
    return said


def test_a_member_becomes_an_agent_once(office: Caller, agent: Actor, other_agent: Actor) -> None:
    assert agent.membership
    assert other_agent.membership
    body = {"membership": agent.membership.pk, "whatsapp_number": "050 123 4567", "commission_basis_points": 250}
    made = office.post("agents/", body)
    assert made.status_code == 201
    assert (made.json()["name"], made.json()["whatsapp_number"]) == ("Omar", "+971501234567")

    again = office.post("agents/", {"membership": agent.membership.pk})
    assert (again.status_code, again.json()["detail"]) == (409, "This member is an agent already.")
    taken = office.post("agents/", {"membership": other_agent.membership.pk, "whatsapp_number": "+971501234567"})
    assert (taken.status_code, taken.json()["code"]) == (409, "already_there")
    assert Agent.objects.count() == 1


def test_an_agent_is_given_a_project_once(office: Caller, agent: Actor) -> None:
    project, other = factories.project(agent.organization), factories.project(agent.organization, "Pacifica")
    unit = factories.unit(project)
    profile = factories.agent(agent)
    body = {"agent": profile.pk, "project": project.pk}

    assert office.post("assignments/", body).status_code == 201
    again = office.post("assignments/", body)
    assert (again.status_code, again.json()["code"]) == (409, "already_assigned")
    stray = office.post("assignments/", {"agent": profile.pk, "project": other.pk, "property": unit.pk})
    assert (stray.status_code, stray.json()["code"]) == (422, "property_not_of_project")
    assert office.patch(f"agents/{profile.pk}/", {"status": "inactive"}).status_code == 200
    away = office.post("assignments/", {"agent": profile.pk, "project": other.pk})
    assert (away.status_code, away.json()["code"]) == (409, "agent_not_active")
    assert ProjectAssignment.objects.count() == 1


def test_supervisors_assign_their_team_what_they_see(
    client: Client, supervisor: Actor, agent: Actor, other_agent: Actor
) -> None:
    project, hidden = factories.project(agent.organization), factories.project(agent.organization, "Pacifica")
    factories.assignment(factories.agent(supervisor), project)
    mine, foreign = factories.agent(agent), factories.agent(other_agent)
    caller = Caller(client, supervisor)

    assert caller.post("assignments/", {"agent": mine.pk, "project": project.pk}).status_code == 201
    assert caller.post("assignments/", {"agent": foreign.pk, "project": project.pk}).status_code == 400
    assert caller.post("assignments/", {"agent": mine.pk, "project": hidden.pk}).status_code == 400
    assert Caller(client, agent).post("assignments/", {"agent": mine.pk, "project": project.pk}).status_code == 403
    assert ProjectAssignment.objects.count() == 2


def test_a_transfer_names_the_successor_and_moves_open_work(
    office: Caller, agent: Actor, other_agent: Actor, heard: list[object]
) -> None:
    house = agent.organization
    project = factories.project(house)
    unit, elsewhere = factories.unit(project), factories.unit(factories.project(house, "Pacifica"))
    old, new = factories.agent(agent), factories.agent(other_agent)
    assignment = factories.assignment(old, project)
    owner = factories.contact(house, assigned_to=agent.membership)
    stranger = factories.contact(house, assigned_to=agent.membership)
    factories.ownership(unit, owner, is_primary=True)
    open_deal, lost, other = (
        factories.deal(unit, old),
        factories.deal(unit, old, stage="lost"),
        factories.deal(elsewhere, old),
    )

    answer = office.post(f"assignments/{assignment.pk}/transfer/", {"successor": new.pk})

    assert answer.status_code == 201
    begun = answer.json()
    assert (begun["agent"], begun["project"], begun["status"]) == (new.pk, project.pk, "active")
    assignment.refresh_from_db()
    assert (assignment.status, assignment.successor) == ("transferred", new)
    leaders = {deal.pk: Deal.objects.get(pk=deal.pk).agent for deal in (open_deal, lost, other)}
    assert leaders == {open_deal.pk: new, lost.pk: old, other.pk: old}
    assert Contact.objects.get(pk=owner.pk).assigned_to == other_agent.membership
    assert Contact.objects.get(pk=stranger.pk).assigned_to == agent.membership
    assert heard == [AssignmentTransferred(house.pk, assignment.pk, new.pk)]

    again = office.post(f"assignments/{assignment.pk}/transfer/", {"successor": new.pk})
    assert (again.status_code, again.json()["code"]) == (409, "assignment_ended")
    itself = office.post(f"assignments/{begun['id']}/transfer/", {"successor": new.pk})
    assert (itself.status_code, itself.json()["code"]) == (422, "value_invalid")
    assert len(heard) == 1


def test_agents_complete_their_own_work(client: Client, agent: Actor, other_agent: Actor) -> None:
    assignment = factories.assignment(factories.agent(agent), factories.project(agent.organization))

    assert Caller(client, other_agent).post(f"assignments/{assignment.pk}/completion/").status_code == 404
    assert Caller(client, agent).post(f"assignments/{assignment.pk}/completion/").json()["status"] == "completed"


def test_an_agent_who_leaves_hands_everything_over(
    office: Caller, agent: Actor, other_agent: Actor, heard: list[object]
) -> None:
    house = agent.organization
    old, new = factories.agent(agent), factories.agent(other_agent)
    unit = factories.unit(factories.project(house))
    assignment = factories.assignment(old, unit.project, property=unit)
    deal = factories.deal(factories.unit(factories.project(house, "Pacifica")), old)
    contact = factories.contact(house, assigned_to=agent.membership)

    refused = office.post(f"agents/{old.pk}/archive/")
    assert (refused.status_code, refused.json()["code"]) == (409, "agent_has_open_work")
    assert refused.json()["detail"] == "Omar still has 1 assignments, 1 deals, 1 contacts; name who takes over."
    old.refresh_from_db()
    assert (old.status, heard) == ("active", [])

    done = office.post(f"agents/{old.pk}/archive/", {"successor": new.pk})

    assert (done.status_code, done.json()["status"]) == (201, "archived")
    assert Deal.objects.get(pk=deal.pk).agent == new
    assert Contact.objects.get(pk=contact.pk).assigned_to == other_agent.membership
    assert heard == [AssignmentTransferred(house.pk, assignment.pk, new.pk), AgentArchived(house.pk, old.pk, new.pk)]
    late = office.post("assignments/", {"agent": old.pk, "project": unit.project.pk})
    assert (late.status_code, late.json()["code"]) == (409, "agent_not_active")
    assert office.patch(f"agents/{old.pk}/", {"status": "archived"}).status_code == 200
    assert office.patch(f"agents/{new.pk}/", {"status": "archived"}).status_code == 409
    assert office.patch(f"agents/{old.pk}/", {"status": "active"}).json()["status"] == "active"


def test_bank_details_take_two_people(client: Client, admin: Actor, manager: Actor, agent: Actor) -> None:
    profile = factories.agent(agent)
    office, head = Caller(client, manager), Caller(client, admin)
    address = f"agents/{profile.pk}/bank-details/"
    given = {"holder": "Omar Said", "bank_name": "First Bank", "iban": "AE07 0331 2345 6789 0123 456"}

    wrong = office.put(address, {**given, "iban": "AE07 0331 2345 6789 0123 457"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "iban_invalid")
    assert not BankDetails.objects.exists()
    written = office.put(address, given)
    assert (written.status_code, written.json()["iban"]) == (200, "•••3456")
    assert office.get(address).status_code == 403
    assert office.post(f"{address}verification/").status_code == 403
    with connection.cursor() as cursor:
        cursor.execute("SELECT iban FROM crm_bankdetails")
        assert IBAN not in cursor.fetchone()[0]

    assert head.get(address).json()["iban"] == IBAN
    verified = head.post(f"{address}verification/").json()
    assert verified["verified_by"] == admin.membership.pk  # type: ignore[union-attr]

    assert office.put(address, given).json()["verified_at"] is not None  # the same again is no change
    assert office.put(address, {**given, "holder": "O. Said"}).json()["verified_at"] is None
    assert head.put(address, given).status_code == 200
    own = head.post(f"{address}verification/")
    assert (own.status_code, own.json()["code"]) == (403, "bank_details_need_another_person")
    assert BankDetails.objects.get().verified_at is None
    trail: list[Any] = list(AuditEntry.objects.filter(target_type="crm.bankdetails").values_list("before", "after"))
    assert "0331" not in str(trail)


def test_a_deal_over_the_api(client: Client, manager: Actor, agent: Actor) -> None:
    project = factories.project(agent.organization)
    unit, profile = factories.unit(project, status="available"), factories.agent(agent)
    factories.assignment(profile, project)
    caller, office = Caller(client, agent), Caller(client, manager)
    body = {"property": unit.pk, "agent": profile.pk, "price": "500000.00"}

    refused = caller.post("deals/", {**body, "price": "-1"})
    assert (refused.status_code, refused.json()["code"]) == (422, "price_invalid")
    made = caller.post("deals/", body)
    assert made.status_code == 201
    deal = made.json()
    assert (deal["price"], deal["currency"], deal["kind"], deal["stage"]) == ("500000.00", "AED", "sale", "offer")
    address = f"deals/{deal['id']}/"
    assert caller.put(f"{address}stage/", {"stage": "contract"}).json()["stage"] == "contract"
    early = caller.post(f"{address}closure/", {"closed_on": "2999-01-01"})
    assert (early.status_code, early.json()["code"]) == (422, "deal_closed_in_future")
    assert caller.delete(f"{address}loss/?reason=none").status_code == 404
    assert Deal.objects.get().stage == "contract"

    assert caller.post(f"{address}loss/", {"reason": "went elsewhere"}).json()["stage"] == "lost"
    assert caller.delete(f"{address}loss/?reason=came back").status_code == 204
    assert Deal.objects.get().stage == "offer"
    assert office.get("deals/?stage=offer").json()["results"][0]["id"] == deal["id"]
