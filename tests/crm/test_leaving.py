"""An agent leaves (scenario 22): one action moves everything, and the doors close at that moment."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from core import members
from core.actors import Actor
from core.models import ApiToken, AuditEntry, Membership
from core.roles import Role
from core.services import issue_token
from crm import selectors, services
from crm.errors import AgentHasReports, AgentHasWork, AgentNotActive, DecidedByAnother, NotLeft
from crm.models import Agent, Contact, Deal, Departure, DepartureExport, ProjectAssignment
from messaging import live
from messaging.models import Conversation, Message, Participant
from messaging.services.inbound import suggested_assignee
from tests.conftest import PASSWORD, member
from tests.crm import factories
from tests.crm.doors import Caller
from tests.messaging.factories import channel as make_channel
from tests.messaging.factories import conversation as make_conversation

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def omar(agent: Actor) -> Agent:
    return factories.agent(agent, whatsapp_number="+971501110000")


@pytest.fixture
def huda(other_agent: Actor) -> Agent:
    return factories.agent(other_agent)


def leave(actor: Actor, agent: Agent, successor: Agent | None, **chosen: Any) -> Departure:
    return services.agent_leaves(actor=actor, agent=agent, successor=successor, reason="resigned", at=NOON, **chosen)


def test_one_action_moves_everything_and_leaves_nothing_orphaned(
    manager: Actor, agent: Actor, other_agent: Actor, omar: Agent, huda: Agent
) -> None:
    house = manager.organization
    third = factories.agent(Actor(house, member(house, Role.AGENT, "Khalid")))
    vardon, pacifica = factories.project(house), factories.project(house, "Pacifica")
    unit = factories.unit(pacifica)
    factories.assignment(omar, vardon)
    factories.assignment(omar, pacifica)
    deals = [factories.deal(factories.unit(vardon), omar), factories.deal(unit, omar)]
    closed = factories.deal(factories.unit(vardon), omar, stage="closed", closed_on="2026-01-05")
    owner, prospect = (factories.contact(house, name, assigned_to=agent.membership) for name in ("Noura", "Zaid"))
    factories.ownership(unit, owner)
    number = make_channel(house, owner=agent.membership)
    talks = [make_conversation(number, each, assigned_to=agent.membership) for each in (owner, prospect)]
    over = make_conversation(number, factories.contact(house, "Rami"), assigned_to=agent.membership, status="closed")

    departure = leave(manager, omar, huda, successors={pacifica.pk: third})

    held = ProjectAssignment.objects.active().values_list("project", "agent")
    assert set(held) == {(vardon.pk, huda.pk), (pacifica.pk, third.pk)}
    assert [Deal.objects.get(pk=deal.pk).agent for deal in deals] == [huda, third]
    assert Deal.objects.get(pk=closed.pk).agent == omar
    assert Contact.objects.get(pk=owner.pk).assigned_to == third.membership
    assert Contact.objects.get(pk=prospect.pk).assigned_to == huda.membership
    assert [Conversation.objects.get(pk=talk.pk).assigned_to for talk in talks] == [third.membership, huda.membership]
    assert Conversation.objects.get(pk=over.pk).assigned_to == huda.membership
    assert {message.conversation_id: message.body for message in Message.objects.filter(type="system")} == {
        talks[0].pk: "Handed over from Omar to Khalid.",
        talks[1].pk: "Handed over from Omar to Huda.",
    }
    assert Participant.objects.filter(conversation=talks[1], membership=huda.membership, left_at=None).exists()
    number.refresh_from_db()
    assert number.owner is None
    prospect.refresh_from_db()
    assert suggested_assignee(actor=manager, channel=number, contact=prospect, text="") == huda.membership
    omar.refresh_from_db()
    assert (omar.status, omar.whatsapp_number, departure.whatsapp_number) == ("archived", "", "+971501110000")
    assert departure.moved == {
        "assignments": sorted(ProjectAssignment.objects.filter(agent=omar).values_list("pk", flat=True)),
        "deals": [deal.pk for deal in deals],
        "contacts": [owner.pk, prospect.pk],
    }
    assert AuditEntry.objects.filter(action="crm.agent_left").exists()


def test_without_a_successor_nothing_happens(manager: Actor, agent: Actor, omar: Agent) -> None:
    talk = make_conversation(
        make_channel(manager.organization), factories.contact(manager.organization), assigned_to=agent.membership
    )

    with pytest.raises(AgentHasWork, match="1 conversations"):
        leave(manager, omar, None)

    omar.refresh_from_db()
    talk.refresh_from_db()
    assert (omar.status, talk.assigned_to) == ("active", agent.membership)
    assert not Departure.objects.exists()
    assert Membership.objects.get(pk=agent.membership.pk).suspended_at is None


def test_sessions_and_tokens_die_at_once_and_do_not_come_back_with_the_person(
    manager: Actor, agent: Actor, omar: Agent
) -> None:
    phone = Client()
    assert phone.post("/sign-in/", {"login": "omar@palm.example", "password": PASSWORD}).status_code == 302
    _token, secret = issue_token(actor=agent, name="script", at=datetime.now(UTC))
    script = {"headers": {"Authorization": f"Bearer {secret}"}}
    assert phone.get("/o/palm/units/").status_code == 200
    assert Client().get("/api/v1/palm/contacts/", **script).status_code == 200

    leave(manager, omar, None)

    assert phone.get("/o/palm/units/").status_code in {302, 404}
    assert Client().get("/api/v1/palm/contacts/", **script).status_code == 401
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    services.agent_returns(actor=manager, agent=omar, at=NOON + timedelta(days=1))
    assert phone.get("/o/palm/units/").headers["Location"].startswith("/sign-in/")
    assert Client().get("/api/v1/palm/contacts/", **script).status_code == 401
    assert phone.post("/sign-in/", {"login": "omar@palm.example", "password": PASSWORD}).status_code == 302
    assert phone.get("/o/palm/units/").status_code == 200


def test_an_open_stream_ends_within_a_second(
    manager: Actor, agent: Actor, omar: Agent, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as committed:
        members.suspend_member(actor=manager, membership=agent.membership, reason="", at=NOON)

    async def listen(membership_id: int, until_closed: float) -> bool:
        heard = live.changes(
            organization_id=manager.organization.pk,
            membership_id=membership_id,
            heartbeat_seconds=5,
            gather_seconds=0,
            lifetime_seconds=5,
        )
        await anext(heard)
        committed[0]()
        try:
            async with asyncio.timeout(until_closed):
                async for _ in heard:
                    return False
        except TimeoutError:
            return False
        return True

    async def both() -> tuple[bool, bool]:
        return await listen(agent.membership.pk, 1), await listen(manager.membership.pk, 1)

    assert asyncio.run(both()) == (True, False)


def test_a_supervisors_team_is_pointed_to_somebody_else(manager: Actor, supervisor: Actor, agent: Actor) -> None:
    salim = factories.agent(supervisor)

    with pytest.raises(AgentHasReports):
        leave(manager, salim, None)
    assert Membership.objects.get(pk=supervisor.membership.pk).suspended_at is None

    leave(manager, salim, None, team_to=manager.membership)
    assert Membership.objects.get(pk=agent.membership.pk).reports_to == manager.membership


def test_who_takes_the_team_over_may_come_from_it(manager: Actor, supervisor: Actor, agent: Actor) -> None:
    house = manager.organization
    colleague = member(house, Role.AGENT, "Khalid", reports_to=supervisor.membership)

    leave(manager, factories.agent(supervisor), None, team_to=agent.membership)

    assert Membership.objects.get(pk=colleague.pk).reports_to == agent.membership
    assert Membership.objects.get(pk=agent.membership.pk).reports_to is None


def test_coming_back_takes_nothing_from_anybody(
    manager: Actor, agent: Actor, other_agent: Actor, omar: Agent, huda: Agent
) -> None:
    contact = factories.contact(manager.organization, assigned_to=agent.membership)
    leave(manager, omar, huda)
    with pytest.raises(NotLeft):
        leave(manager, omar, huda)
    services.update_agent(actor=manager, agent=huda, whatsapp_number="+971501110000")

    back = services.agent_returns(actor=manager, agent=omar, at=NOON + timedelta(days=3))

    assert (back.status, back.whatsapp_number) == ("active", "")
    assert Contact.objects.get(pk=contact.pk).assigned_to == other_agent.membership
    assert Membership.objects.get(pk=agent.membership.pk).suspended_at is None
    with pytest.raises(NotLeft):
        services.agent_returns(actor=manager, agent=omar, at=NOON)
    leave(manager, omar, huda)
    assert Departure.objects.count() == 2


def test_those_who_left_are_given_nothing_whoever_writes_the_row(
    manager: Actor, agent: Actor, omar: Agent, huda: Agent
) -> None:
    house = manager.organization
    deal = factories.deal(factories.unit(factories.project(house)), huda)
    contact = factories.contact(house)
    leave(manager, omar, huda)

    def refused(statement: str, *values: Any) -> str:
        with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
        return str(refusal.value.__cause__.diag.constraint_name)

    gives_deal = "UPDATE crm_deal SET agent_id = %s WHERE id = %s"
    assert refused(gives_deal, omar.pk, deal.pk) == "crm_deal_agent_not_archived"
    gives_contact = "UPDATE crm_contact SET assigned_to_id = %s WHERE id = %s"
    assert refused(gives_contact, agent.membership.pk, contact.pk) == "crm_contact_assignee_not_suspended"
    with pytest.raises(AgentNotActive):
        services.update_contact(actor=manager, contact=contact, assigned_to=agent.membership)


def test_nobody_suspends_himself_nor_those_above_nor_the_last_admin(
    admin: Actor, manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    for actor, target, refusal in (
        (admin, admin, members.OwnMembership),
        (manager, second_manager, members.RankTooHigh),
        (manager, admin, members.RankTooHigh),
    ):
        with pytest.raises(refusal):
            members.suspend_member(actor=actor, membership=target.membership, reason="", at=NOON)
    with pytest.raises(IntegrityError, match="last admin"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE core_membership SET suspended_at = now() WHERE id = %s", [admin.membership.pk])
    second = Actor(admin.organization, member(admin.organization, Role.ADMIN, "Adam"))
    members.suspend_member(actor=second, membership=admin.membership, reason="", at=NOON)
    with pytest.raises(IntegrityError, match="last admin"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE core_membership SET role = 'agent' WHERE id = %s", [second.membership.pk])
    members.suspend_member(actor=manager, membership=agent.membership, reason="", at=NOON)
    assert set(Membership.objects.filter(suspended_at__isnull=False)) == {admin.membership, agent.membership}


def test_a_copy_of_his_work_needs_another_admin(
    client: Client, admin: Actor, manager: Actor, agent: Actor, omar: Agent, huda: Agent
) -> None:
    contact = factories.contact(manager.organization, "Noura", assigned_to=agent.membership)
    factories.point(contact, "+971501234567")
    departure = leave(admin, omar, huda)
    client.force_login(admin.user)
    client.post(reverse("departure-exports", args=["palm", departure.pk]), {"reason": "the lawyer asks"})
    export = DepartureExport.objects.get()
    copy = reverse("departure-export", args=["palm", export.pk, "contacts"])
    assert client.get(copy).status_code == 409
    with pytest.raises(DecidedByAnother):
        services.decide_departure_export(actor=admin, export=export, is_allowed=True, at=NOON)
    with pytest.raises(IntegrityError, match="decided_by_another"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE crm_departureexport SET decided_by_id = requested_by_id, decided_at = now(), is_allowed = true"
        )

    second = Actor(admin.organization, member(admin.organization, Role.ADMIN, "Adam"))
    client.force_login(second.user)
    decision = reverse("departure-export-decision", args=["palm", export.pk])
    assert client.post(decision, {"decision": "allow"}).status_code == 302
    assert client.get(copy).status_code == 404  # it is for the one who asked
    client.force_login(admin.user)
    text = b"".join(client.get(copy)).decode()
    assert "Noura" in text
    assert "1234567" not in text
    assert AuditEntry.objects.filter(action="core.list_exported").exists()
    client.force_login(manager.user)
    assert client.post(decision, {"decision": "allow"}).status_code == 403


def test_the_page_shows_what_moves_and_does_it(
    client: Client, manager: Actor, agent: Actor, omar: Agent, huda: Agent, django_assert_max_num_queries: Any
) -> None:
    factories.assignment(omar, factories.project(manager.organization))
    address = reverse("leaving", args=["palm", omar.pk])
    client.force_login(agent.user)
    assert client.get(address).status_code == 403
    client.force_login(manager.user)
    assert "Omar" in client.get(reverse("agents", args=["palm"])).content.decode()

    with django_assert_max_num_queries(22):
        page = client.get(address).content.decode()
    assert "assignments" in page
    refused = client.post(address, {"reason": "resigned"})
    assert refused.status_code == 422
    assert "name who takes over" in refused.content.decode()
    assert client.post(address, {"reason": "resigned", "successor": huda.pk}).status_code == 302

    assert "resigned" in client.get(address).content.decode()
    assert client.post(reverse("returning", args=["palm", omar.pk])).status_code == 302
    assert Agent.objects.get(pk=omar.pk).status == "active"


def test_over_the_api(client: Client, manager: Actor, outsider: Actor, omar: Agent, huda: Agent) -> None:
    project = factories.project(manager.organization)
    factories.assignment(omar, project)
    office = Caller(client, manager)

    asked = office.get(f"agents/{omar.pk}/leaving/").json()
    assert asked["work"] == [{"noun": "assignments", "count": 1, "moves": True}]
    assert (asked["needs_successor"], asked["has_left"]) == (True, False)
    body = {"successor": huda.pk, "successors": [{"project": project.pk, "successor": huda.pk}], "reason": "resigned"}
    left = office.post(f"agents/{omar.pk}/departure/", body)
    assert left.status_code == 201
    assert len(left.json()["moved"]["assignments"]) == 1
    assert office.delete(f"agents/{omar.pk}/departure/").status_code == 204
    assert selectors.leaving(actor=manager, agent_id=omar.pk).work == []
