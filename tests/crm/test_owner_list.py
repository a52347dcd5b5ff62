"""The list of owners: who is on it, what narrows it, and that hidden digits stay hidden."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from crm import selectors
from tests.crm import factories
from tests.crm.doors import Caller


@pytest.fixture
def owners(manager: Actor) -> dict[str, Any]:
    """Three owners, and one contact who owns nothing any more."""
    organization = manager.organization
    bay, hills = factories.project(organization, "Bay"), factories.project(organization, "Hills")
    fatima = factories.contact(organization, "Fatima Al Zaabi", language="ar")
    jean = factories.contact(organization, "Jean Moreau", language="fr", nationality="FR", is_bad_contact=True)
    silent = factories.contact(organization, "ليلى")
    former = factories.contact(organization, "Former Owner")
    factories.point(fatima, "+971501234567", is_primary=True)
    factories.point(jean, "+97142345678", line_type="fixed")
    for contact, project in [(fatima, bay), (fatima, hills), (jean, hills), (silent, bay)]:
        factories.ownership(factories.unit(project), contact)
    factories.ownership(factories.unit(bay), former, until=timezone.localdate())
    return {"fatima": fatima, "jean": jean, "silent": silent, "bay": bay, "hills": hills}


def listed(actor: Actor, asked: str = "", **given: Any) -> selectors.OwnerList:
    return selectors.owner_list(actor=actor, asked=QueryDict(asked), at=timezone.now(), **given)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("", "fatima jean silent"),
        ("q=fatima", "fatima"),
        ("q=050 123 4567", "fatima"),
        ("q=ليلى", "silent"),
        ("q=former", ""),
        ("project={bay}", "fatima silent"),
        ("project={bay},{hills}", "fatima jean silent"),
        ("language=ar", "fatima"),
        ("bad_contact=true", "jean"),
        ("bad_contact=false", "fatima silent"),
        ("has_number=true", "fatima"),
        ("has_number=false", "jean silent"),
        ("units_min=2", "fatima"),
        ("nationality=fr", "jean"),
        ("project={hills}&has_number=false", "jean"),
    ],
)
def test_each_filter_means_the_same_on_the_page_and_over_the_api(asked, names, owners, manager, client):
    asked = asked.format(bay=owners["bay"].pk, hills=owners["hills"].pk)

    shown = {row.contact_id for row in listed(manager, asked).rows}
    told = asked.replace("q=", "search=").replace("bad_contact=", "is_bad_contact=")
    answered = Caller(client, manager).get(f"contacts/?is_owner=true&{told}").json()["results"]

    assert shown == {owners[name].pk for name in names.split()}
    assert {row["id"] for row in answered} == shown


def test_pages_by_name_show_everyone_once(owners, manager):
    seen, after = [], ""
    while True:
        page = listed(manager, "sort=name", after=after, limit=1)
        seen += [row.name for row in page.rows]
        if not (after := page.next):
            break

    assert seen == ["Fatima Al Zaabi", "Jean Moreau", "ليلى"]


def test_numbers_hide_their_middle_from_everybody_and_units_count_as_far_as_one_sees(owners, manager, agent, outsider):
    factories.assignment(factories.agent(agent), owners["bay"])

    row = next(row for row in listed(manager).rows if row.contact_id == owners["fatima"].pk)
    assert ([point.shown for point in row.points], row.unit_count) == (["+97150•••67"], 2)
    mine = {row.name: row.unit_count for row in listed(agent).rows}
    assert mine == {"Fatima Al Zaabi": 1, "ليلى": 1}
    assert listed(outsider).rows == []
    assert listed(agent, "q=1234").rows == []  # not by a few hidden digits


def test_a_list_costs_the_same_however_many_there_are(owners, manager, django_assert_num_queries):
    # the page, which numbers this member was shown, the numbers, how many units each has, and the count
    with django_assert_num_queries(5):
        listed(manager, counted=True)
    for number in range(30):
        contact = factories.contact(manager.organization, f"Owner {number}")
        factories.point(contact, f"+97150{number:07}")
        factories.ownership(factories.unit(owners["bay"]), contact)
    with django_assert_num_queries(5):
        assert listed(manager, counted=True).count == 33


def test_the_page_shows_owners_keeps_views_and_pages_on(owners, manager, client: Client):
    client.force_login(manager.user)
    for number in range(45):
        factories.ownership(factories.unit(owners["bay"]), factories.contact(manager.organization, f"Owner {number}"))

    page = client.get("/o/palm/owners/?sort=name").content.decode()
    assert page.count('class="list-item"') == 40
    assert "48 owners" in page
    assert "+97150•••67" in page
    assert "1234567" not in page
    kept = client.post("/o/palm/views/owners/", {"asked": "bad_contact=true", "name": "Bad"})
    assert client.get(kept["Location"]).content.decode().count('class="list-item"') == 1
    wrong = client.get("/o/palm/owners/?units_min=many&language=fr").content.decode()
    assert (wrong.count('class="list-item"'), 'data-tone="warn"' in wrong) == (1, True)


def test_an_office_without_owners_is_told_where_they_come_from(manager, client: Client):
    client.force_login(manager.user)

    assert "No owners yet" in client.get("/o/palm/owners/").content.decode()


def test_only_who_may_read_numbers_takes_the_list_along(owners, manager, agent, client: Client):
    client.force_login(manager.user)
    file = client.post("/o/palm/lists/owners/export/", {"format": "csv", "asked": "bad_contact=true"})
    text = b"".join(file.streaming_content).decode()  # type: ignore[arg-type]
    assert "Jean Moreau" in text
    assert "Fatima" not in text

    client.force_login(agent.user)
    assert "lists/owners/export" not in client.get("/o/palm/owners/").content.decode()
    assert client.post("/o/palm/lists/owners/export/", {"format": "csv", "asked": ""}).status_code == 403
