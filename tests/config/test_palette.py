"""Typing a few letters leads to a page, a unit, a person or a list: only where one may go, in every language."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from core.actors import Actor
from core.places import PLACES, places
from core.roles import Role
from tests.conftest import member
from tests.crm import factories as crm


def signed_in(actor) -> Client:
    client = Client()
    client.force_login(actor.user)
    return client


@pytest.fixture
def stocked(organization):
    project = crm.project(organization, name="Marina Heights")
    crm.unit(project)
    crm.contact(organization, "Marina Example")


def asked(client: Client, words: str) -> list[str]:
    answer = client.get("/o/palm/admin/search/", {"s": words, "extended": "1"})
    assert answer.status_code == 200
    return re.findall(r'href="([^"]+)"', answer.content.decode())


def test_the_palette_finds_lists_pages_and_rows(stocked, manager, django_assert_max_num_queries):
    client = signed_in(manager)

    assert "/o/palm/whatsapp/templates/new/" in asked(client, "template")
    assert "/o/palm/admin/crm/property/" in asked(client, "unit")
    with django_assert_max_num_queries(20):
        found = asked(client, "marina")
    assert any(address.startswith("/o/palm/projects/") for address in found)
    assert any(address.startswith("/o/palm/owners/") for address in found)


def test_a_page_is_found_in_the_members_language_and_in_english(manager):
    client = signed_in(manager)
    client.cookies["django_language"] = "ar"

    assert "/o/palm/campaigns/" in asked(client, "الحملات")
    assert "/o/palm/campaigns/" in asked(client, "campaigns")


def test_nobody_is_led_to_a_page_that_he_may_not_open(organization, agent):
    agent = signed_in(agent)
    viewer = Actor(organization, member(organization, Role.VIEWER, "Vera"))

    assert "/o/palm/imports/new/" not in asked(signed_in(viewer), "upload")
    page = agent.get("/o/palm/search/", {"q": "campaigns"})
    assert [place.address for place in page.context["places"]] == ["/o/palm/campaigns/"]
    assert agent.get("/o/palm/search/", {"q": "imports"}).context["places"] == []


def test_every_place_exists_and_opens(admin):
    client = signed_in(admin)

    every = places(admin)

    assert len(every) == len(PLACES)
    # Somebody who is no agent is led on from the commissions of his own to those of the house.
    assert {place.address for place in every if client.get(place.address).status_code not in (200, 302)} == set()
