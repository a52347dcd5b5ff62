"""What lists cost: the same with six rows as with sixty."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.actors import Actor
from core.models import Organization
from crm import selectors
from tests.conftest import member
from tests.crm import factories

API = [
    "projects", "property-types", "properties", "ownerships", "contacts", "contact-points", "agents", "assignments",
    "deals",
]  # fmt: skip
ADMIN = [
    "project",
    "propertytype",
    "property",
    "ownership",
    "contact",
    "contactpoint",
    "agent",
    "projectassignment",
    "deal",
]


def grow(house: Organization, count: int, start: int = 0) -> None:
    """So many projects, each with a unit that two people own, an agent with work, and a deal."""
    from crm.models import PropertyType

    for number in range(start, start + count):
        project = factories.project(house, f"Project {number}")
        kind = PropertyType.objects.create(organization=house, name=f"Type {number}")
        unit = factories.unit(project, property_type=kind, status="available")
        for nth in range(2):
            owner = factories.contact(house, f"Owner {number}-{nth}")
            factories.ownership(unit, owner, is_primary=nth == 0)
            factories.point(owner, f"+97150{number:05}{nth:02}", is_primary=True)
        actor = Actor(house, member(house, "agent", f"Agent{number}"))  # type: ignore[arg-type]
        profile = factories.agent(actor)
        factories.assignment(profile, project, property=unit)
        factories.deal(unit, profile, seller=owner)


def cost(call: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        call()
    return len(queries)


def test_api_lists_cost_the_same_however_many(client: Client, manager: Actor) -> None:
    client.force_login(manager.user)  # type: ignore[arg-type]

    def costs() -> dict[str, int]:
        return {name: cost(lambda name=name: client.get(f"/api/v1/palm/{name}/").json()["results"][0]) for name in API}

    grow(manager.organization, 6)
    six = costs()
    grow(manager.organization, 54, start=6)

    # 1 organisation, 2 scope, 2 session and user, 1 membership, 1 page of rows with what they join
    expected = dict.fromkeys(API, 7) | {"contacts": 8}  # and 1 of their numbers
    assert six == expected
    assert costs() == expected


def test_back_office_lists_cost_the_same_however_many(client: Client, manager: Actor) -> None:
    client.force_login(manager.user)  # type: ignore[arg-type]

    def costs() -> dict[str, int]:
        return {name: cost(lambda name=name: client.get(f"/o/palm/admin/crm/{name}/")) for name in ADMIN}

    grow(manager.organization, 6)
    costs()
    six = costs()
    grow(manager.organization, 54, start=6)

    assert costs() == six
    assert max(six.values()) <= 16


def test_back_office_pages_cost_the_same_however_much_hangs_on_a_row(client: Client, manager: Actor) -> None:
    client.force_login(manager.user)  # type: ignore[arg-type]
    house = manager.organization
    project = factories.project(house)
    unit, contact, profile = factories.unit(project), factories.contact(house), factories.agent(manager)
    pages = [f"project/{project.pk}", f"property/{unit.pk}", f"contact/{contact.pk}", f"agent/{profile.pk}"]

    def hang(count: int) -> None:
        for number in range(count):
            actor = Actor(house, member(house, "agent", f"A{number}-{count}"))  # type: ignore[arg-type]
            agent = factories.agent(actor)
            factories.assignment(agent, project)
            factories.assignment(agent, project, property=unit)
            factories.deal(unit, agent)
            factories.ownership(unit, factories.contact(house))
            other = factories.unit(factories.project(house, f"Other {number}-{count}"))
            factories.ownership(other, contact)
            factories.point(contact, f"+97150{count:03}{number:04}")
            factories.assignment(profile, other.project, property=other)

    def costs() -> dict[str, int]:
        return {page: cost(lambda page=page: client.get(f"/o/palm/admin/crm/{page}/change/")) for page in pages}

    hang(2)
    costs()
    few = costs()
    hang(10)
    costs()  # the first look at a contact is kept

    assert costs() == few


@pytest.mark.parametrize(("role", "more"), [("manager", 0), ("agent", 0), ("supervisor", 1)])
def test_selectors_keep_their_promises(
    role: str, more: int, request: pytest.FixtureRequest, django_assert_num_queries: Any
) -> None:
    actor: Actor = request.getfixturevalue(role)
    house, at = actor.organization, timezone.now()
    grow(house, 6)
    from crm.models import Contact, Project, Property

    profile = factories.agent(actor)
    for project in Project.objects.all():
        factories.assignment(profile, project)
    unit, contact = Property.objects.first(), Contact.objects.first()
    assert unit
    assert contact
    told = 1  # which numbers this member was shown
    own = int(role != "manager")  # what words are looked for among
    asked: list[tuple[int, Any]] = [
        (2 + own, lambda who: selectors.unit_list(actor=who, asked={"q": "project 5"})),
        (5 + told, lambda who: selectors.unit_page(actor=who, unit_id=unit.pk, at=at)),
        (3 + told, lambda who: selectors.contact_list(actor=who, at=at)),
        (4 + told, lambda who: selectors.contact_page(actor=who, contact_id=contact.pk, at=at)),
        (4, lambda who: selectors.project_list(actor=who)),
        (1, lambda who: selectors.agent_loads(actor=who, today=date(2026, 6, 1))),
    ]

    for queries, ask in asked:
        fresh = Actor(house, actor.membership)
        with django_assert_num_queries(queries + more):
            assert ask(fresh)
