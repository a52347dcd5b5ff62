"""An admin sees the house as a member does: with a reason, for a while, and unable to change anything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.accounts import looking
from core.actors import Actor
from core.models import AuditEntry, Letter, Membership, Organization
from core.roles import Role
from crm.models import Property
from tests.conftest import member
from tests.crm import factories
from tests.hidden_number import text_of
from tests.permissions.asking import ENDLESS, Visitor, doors
from tests.permissions.world import OWN, build
from tests.routes import filled


def at_desk(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.user)
    return client


def look(client: Client, at: Actor | Membership, reason: str = "He says that his units are gone") -> Any:
    membership = at.membership if isinstance(at, Actor) else at
    return client.post(f"/o/palm/members/{membership.pk}/look/", {"reason": reason})  # type: ignore[union-attr]


def trail(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("pk"))


def test_an_admin_sees_the_agents_pages_and_comes_back(admin: Actor, agent: Actor, organization: Organization) -> None:
    mine = factories.unit(factories.project(organization, "Acuna"), cluster="C1", unit_number="7")
    factories.unit(factories.project(organization, "Vardon"), cluster="C1", unit_number="9")
    factories.assignment(factories.agent(agent), mine.project)
    desk = at_desk(admin)
    assert "Vardon" in desk.get("/o/palm/units/").content.decode()

    assert look(desk, agent).headers["Location"] == "/o/palm/"

    assert desk.get("/o/palm/").headers["Location"] == "/o/palm/inbox/"  # where an agent's day begins
    page = desk.get("/o/palm/units/").content.decode()
    assert "Acuna" in page
    assert "Vardon" not in page
    assert "You see Majlis as Omar does. Nothing can be changed." in page
    assert desk.get("/o/palm/admin/").status_code == 403

    assert desk.post("/me/looking/end/").headers["Location"] == "/o/palm/"

    page = desk.get("/o/palm/units/").content.decode()
    assert "Vardon" in page
    assert "You see Majlis" not in page
    [begun], [ended] = trail("core.looked_as_member"), trail("core.stopped_looking")
    assert (begun.user, begun.target_id, begun.after["reason"]) == (
        admin.user,
        agent.membership.pk,  # type: ignore[union-attr]
        "He says that his units are gone",
    )
    assert (ended.user, ended.target_id) == (admin.user, begun.target_id)
    assert Letter.objects.get().to == "omar@palm.example"


def test_nothing_can_be_changed_meanwhile(admin: Actor, manager: Actor, organization: Organization) -> None:
    unit = factories.unit(factories.project(organization, "Acuna"), cluster="C1", unit_number="7")
    desk = at_desk(admin)
    look(desk, manager)
    before = AuditEntry.objects.count()

    refused = desk.post(f"/o/palm/units/{unit.pk}/edit/", {"status": "sold"})

    assert refused.status_code == 403
    assert "You are looking as Mona: nothing can be changed. Stop looking first." in refused.content.decode()
    assert desk.post("/o/palm/admin/crm/property/add/", {}).status_code == 403
    assert Property.objects.get().updated_at == unit.updated_at
    assert AuditEntry.objects.count() == before
    assert desk.get("/o/palm/admin/").status_code == 200  # and the connection is well
    assert "You see Majlis as Mona does" in desk.get("/o/palm/admin/").content.decode()


def test_it_ends_by_itself_and_with_the_right_to_look(admin: Actor, agent: Actor, organization: Organization) -> None:
    desk = at_desk(admin)
    look(desk, agent)
    session = desk.session
    kept = session[looking.KEY]
    session[looking.KEY] = {**kept, "until": (timezone.now() - timedelta(seconds=1)).isoformat()}
    session.save()
    assert "You see Majlis" not in desk.get("/o/palm/units/").content.decode()
    assert looking.KEY not in desk.session

    member(organization, Role.ADMIN, "Basma")
    look(desk, agent)
    Membership.objects.filter(pk=admin.membership.pk).update(role=Role.VIEWER)  # type: ignore[union-attr]
    assert "You see Majlis" not in desk.get("/o/palm/units/").content.decode()


def test_who_may_look_as_whom(
    admin: Actor, manager: Actor, agent: Actor, outsider: Actor, organization: Organization
) -> None:
    other_admin = member(organization, Role.ADMIN, "Basma")
    suspended = member(organization, Role.AGENT, "Karim")
    Membership.objects.filter(pk=suspended.pk).update(suspended_at=timezone.now())

    assert look(at_desk(manager), agent).status_code == 403
    assert look(at_desk(agent), manager).status_code == 403
    desk = at_desk(admin)
    assert look(desk, other_admin).status_code == 422
    assert look(desk, admin).status_code == 422
    assert look(desk, suspended).status_code == 404
    assert look(desk, outsider).status_code == 404
    assert look(desk, agent, "  ").status_code == 422
    assert look(desk, agent, "x" * 301).status_code == 422
    assert look(desk, agent).status_code == 302
    assert look(desk, manager).status_code == 403  # one at a time, and an agent looks as nobody
    assert len(trail("core.looked_as_member")) == 1


def test_the_list_of_members_leads_there(admin: Actor, agent: Actor, manager: Actor) -> None:
    desk = at_desk(admin)
    given = {"action": "look", "_selected_action": [agent.membership.pk]}  # type: ignore[union-attr]
    led = desk.post("/o/palm/admin/core/membership/", given)
    assert led.headers["Location"] == f"/o/palm/members/{agent.membership.pk}/look/"  # type: ignore[union-attr]
    assert "See Majlis as Omar does" in desk.get(led.headers["Location"]).content.decode()
    given["_selected_action"].append(manager.membership.pk)  # type: ignore[union-attr]
    assert "Choose one member." in desk.post("/o/palm/admin/core/membership/", given, follow=True).content.decode()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_page_answers_whoever_looks_as_it_answers_the_member(
    organization: Organization, manager: Actor, second_manager: Actor, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    world = build(organization, manager, second_manager)
    other, himself = world.actors["admin"], world.actors["manager"]
    himself_there = Visitor(world, himself)
    looks = Visitor(world, other)
    assert look(looks.client, himself).status_code == 302
    differing = {}
    for door in doors():
        if door.verb != "get" or door.route.startswith("api/") or ENDLESS.search(door.route):
            continue
        address = door.address(world, OWN) or filled(door.route, lambda name: "1")
        seen, wanted = _status(looks.client, address), _status(himself_there.client, address)
        if seen != wanted:
            differing[door.route] = (wanted, seen)
    # This one plans in a table of its own before it shows anything, and so meets the second wall.
    assert differing == {"o/<slug:organization>/imports/<int:run_id>/reversal/": (200, 403)}


def _status(client: Client, address: str) -> int:
    answer = client.get(address)
    text_of(answer)  # read to its end, so that its file is closed
    return int(answer.status_code)
