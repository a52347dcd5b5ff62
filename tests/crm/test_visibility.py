"""Who sees what: agents their own, supervisors their team's, other houses nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.errors import NotFound
from core.models import AuditEntry
from core.tenancy import organization_scope
from crm import selectors, services
from crm.models import Agent, Contact, ContactPoint, Deal, Ownership, Project, ProjectAssignment, Property
from tests.crm import factories
from tests.crm.doors import Caller

NOUNS = ["projects", "properties", "ownerships", "contacts", "contact-points", "agents", "assignments", "deals"]


@pytest.fixture
def stock(agent: Actor) -> dict[str, Any]:
    """The agent's project with a unit, its owner, and a deal; and another project that nobody was given."""
    house = agent.organization
    project = factories.project(house)
    unit = factories.unit(project, status="available")
    owner = factories.contact(house)
    profile = factories.agent(agent)
    hidden = factories.unit(factories.project(house, "Pacifica"), status="available")
    factories.ownership(hidden, owner, is_primary=True)
    factories.ownership(hidden, factories.contact(house, "Hidden Owner"))
    return {
        "projects": project,
        "properties": unit,
        "ownerships": factories.ownership(unit, owner, is_primary=True),
        "contacts": owner,
        "contact-points": factories.point(owner, "+971501234567", is_primary=True),
        "agents": profile,
        "assignments": factories.assignment(profile, project),
        "deals": factories.deal(unit, profile),
    }


@pytest.mark.parametrize("noun", NOUNS)
def test_agents_see_their_own_and_supervisors_their_teams(
    client: Client, stock: dict[str, Any], agent: Actor, supervisor: Actor, other_agent: Actor, noun: str
) -> None:
    row = stock[noun]

    for sees in (agent, supervisor):
        caller = Caller(client, sees)
        assert [each["id"] for each in caller.get(f"{noun}/").json()["results"]] == [row.pk]
        assert caller.get(f"{noun}/{row.pk}/").status_code == 200
    stranger = Caller(client, other_agent)
    assert stranger.get(f"{noun}/").json()["results"] == []
    assert stranger.get(f"{noun}/{row.pk}/").status_code == 404


@pytest.mark.parametrize("noun", [*NOUNS, "property-types"])
def test_another_house_finds_nothing(client: Client, stock: dict[str, Any], outsider: Actor, noun: str) -> None:
    there = Caller(client, outsider)
    assert there.get(f"{noun}/").status_code == 404
    assert there.post(f"{noun}/", {"name": "Vardon"}).status_code == 404 if noun != "ownerships" else True
    with organization_scope(outsider.organization.pk):
        home = Caller(client, outsider, house="cedar")
        assert home.get(f"{noun}/").json()["results"] == []
        assert home.get(f"{noun}/{stock.get(noun, stock['projects']).pk}/").status_code == 404


def test_what_others_may_not_see_they_cannot_change(client: Client, stock: dict[str, Any], other_agent: Actor) -> None:
    before = [list(model.objects.order_by("pk").values()) for model in _models()]
    stranger = Caller(client, other_agent)
    unit, owner, point = stock["properties"].pk, stock["contacts"].pk, stock["contact-points"].pk
    deal, assignment = stock["deals"].pk, stock["assignments"].pk

    answers = [
        stranger.patch(f"properties/{unit}/", {"status": "sold"}),
        stranger.patch(f"contacts/{owner}/", {"display_name": "Mine"}),
        stranger.post(f"contacts/{owner}/disclosures/", {"reason": "calls"}),
        stranger.post(f"contacts/{owner}/bad-mark/", {"reason": "none"}),
        stranger.patch(f"contact-points/{point}/", {"notes": "mine"}),
        stranger.post(f"contact-points/{point}/verification/"),
        stranger.post(f"contact-points/{point}/do-not-contact/", {"reason": "none"}),
        stranger.post(f"assignments/{assignment}/completion/"),
        stranger.put(f"deals/{deal}/stage/", {"stage": "accepted"}),
        stranger.post(f"deals/{deal}/closure/"),
        stranger.post(f"deals/{deal}/loss/", {"reason": "none"}),
    ]

    assert {answer.status_code for answer in answers} == {404}
    unseen = stranger.post("contact-points/", {"contact": owner, "kind": "email", "value": "a@example.com"})
    assert (unseen.status_code, unseen.json()["errors"][0]["code"]) == (400, "does_not_exist")
    assert [list(model.objects.order_by("pk").values()) for model in _models()] == before
    assert not AuditEntry.objects.exists()


def test_services_do_not_trust_their_doors(stock: dict[str, Any], other_agent: Actor) -> None:
    with pytest.raises(NotFound):
        services.update_property(actor=other_agent, property=stock["properties"], status="sold")
    with pytest.raises(NotFound):
        services.update_contact(actor=other_agent, contact=stock["contacts"], display_name="Mine")
    with pytest.raises(NotFound):
        services.disclose_owner_number(actor=other_agent, contact=stock["contacts"], reason="calls", at=timezone.now())


def test_pages_count_and_show_only_what_is_seen(stock: dict[str, Any], agent: Actor, manager: Actor) -> None:
    at = timezone.now()
    units = selectors.unit_list(actor=agent)
    assert [(row.label, row.owner_names) for row in units.rows] == [(stock["properties"].label, ("Tareema Wadar",))]
    assert units.next == ""
    page = selectors.unit_page(actor=agent, unit_id=stock["properties"].pk, at=at)
    assert [point.shown for owner in page.owners for point in owner.points] == ["+97150•••67"]
    assert (page.assignments, page.deals) == ([stock["assignments"]], [stock["deals"]])
    contact = selectors.contact_page(actor=agent, contact_id=stock["contacts"].pk, at=at)
    assert [ownership.property for ownership in contact.owns] == [stock["properties"]]
    assert contact.may_disclose
    (project,) = selectors.project_list(actor=agent)
    assert (project.unit_count, project.available_count, project.owner_count, project.agent_count) == (1, 1, 1, 1)
    (load,) = selectors.agent_loads(actor=agent, today=date(2026, 6, 1))
    assert (load.assignment_count, load.open_deal_count, load.contact_count) == (1, 1, 0)

    services.disclose_owner_number(actor=agent, contact=stock["contacts"], reason="calls", at=at)
    told = selectors.contact_page(actor=agent, contact_id=stock["contacts"].pk, at=at)
    assert ([point.shown for point in told.points], told.may_disclose) == (["+971501234567"], False)

    assert len(selectors.unit_list(actor=manager).rows) == 2
    assert len(selectors.contact_page(actor=manager, contact_id=stock["contacts"].pk, at=at).owns) == 2
    with pytest.raises(NotFound):
        selectors.unit_page(actor=agent, unit_id=Property.objects.latest("pk").pk, at=at)


def test_units_are_paged_by_key(manager: Actor) -> None:
    project = factories.project(manager.organization)
    made = [factories.unit(project).pk for _ in range(5)]

    first = selectors.unit_list(actor=manager, limit=3)
    second = selectors.unit_list(actor=manager, limit=3, after=first.next)

    assert [row.unit_id for row in (*first.rows, *second.rows)] == made[::-1]
    assert second.next == ""


def _models() -> list[Any]:
    return [Agent, Contact, ContactPoint, Deal, Ownership, Project, ProjectAssignment, Property]
