"""Units for agents: own ones only, numbers hidden until asked for, and asking is kept."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import OwnerDisclosure
from tests.crm import factories

NUMBER = "+971501112233"


def signed_in(actor):
    client = Client()
    client.force_login(actor.user)
    return client


@pytest.fixture
def unit(organization, agent):
    """A unit of a project that the agent holds, with an owner."""
    made = factories.unit(factories.project(organization), cluster="Cluster 14", unit_number="7")
    owner = factories.contact(organization, "Noura")
    factories.point(owner, NUMBER, is_primary=True)
    factories.ownership(made, owner, is_primary=True)
    factories.assignment(factories.agent(agent), made.project)
    return made


def test_an_agent_finds_own_units_by_any_name_and_nobody_elses(unit, agent, other_agent):
    address = reverse("units", args=["palm"])

    assert "Cluster 14 7" in signed_in(agent).get(address, {"q": "cluster 14"}).content.decode()
    assert "Cluster 14 7" not in signed_in(agent).get(address, {"q": "cluster 15"}).content.decode()
    assert "Cluster 14 7" not in signed_in(other_agent).get(address).content.decode()
    assert signed_in(other_agent).get(reverse("unit", args=["palm", unit.pk])).status_code == 404


def test_an_owners_number_is_shown_when_asked_for_and_that_is_kept(unit, agent):
    client = signed_in(agent)
    page = reverse("unit", args=["palm", unit.pk])
    owner = unit.ownerships.get().contact
    assert NUMBER not in client.get(page).content.decode()

    answer = client.post(reverse("disclosure", args=["palm", unit.pk, owner.pk]))

    assert answer.headers["Location"] == f"{page}#owner-{owner.pk}"
    assert NUMBER in client.get(page).content.decode()
    disclosure = OwnerDisclosure.objects.get()
    assert (disclosure.membership, disclosure.contact, disclosure.reason) == (
        agent.membership,
        owner,
        "Unit Cluster 14 7",
    )


def test_numbers_of_a_colleagues_unit_are_not_given(unit, other_agent):
    owner = unit.ownerships.get().contact

    answer = signed_in(other_agent).post(reverse("disclosure", args=["palm", unit.pk, owner.pk]))

    assert answer.status_code == 404
    assert not OwnerDisclosure.objects.exists()


def test_more_units_are_shown_by_the_page(organization, manager):
    project = factories.project(organization)
    units = [factories.unit(project) for _ in range(45)]
    client = signed_in(manager)
    address = reverse("units", args=["palm"])

    first = client.get(address).content.decode()
    second = client.get(address, {"after": units[5].pk}).content.decode()

    assert (first.count('class="list-item"'), second.count('class="list-item"')) == (40, 5)
    assert f"after={units[5].pk}" in first
