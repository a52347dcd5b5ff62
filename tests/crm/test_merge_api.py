"""Duplicates and merges at the API's door."""

from __future__ import annotations

import pytest
from django.test import Client

from core.actors import Actor
from crm.models import Contact, DuplicateCandidate, Merge
from tests.crm import factories
from tests.crm.doors import Caller


@pytest.fixture
def office(client: Client, manager: Actor) -> Caller:
    return Caller(client, manager)


@pytest.fixture
def phone(client: Client, agent: Actor) -> Caller:
    return Caller(client, agent)


def same_twice(actor: Actor, **fields: object) -> tuple[Contact, Contact]:
    first, second = (factories.contact(actor.organization, "Omar Khalifa Saeed", **fields) for _ in range(2))
    for contact in (first, second):
        factories.point(contact, "+971501112233")
    return first, second


def test_whoever_is_added_is_told_who_it_may_be(office: Caller, manager: Actor) -> None:
    known = factories.contact(manager.organization, "Omar Khalifa Saeed")
    factories.point(known, "+971501112233")

    added = office.post("contacts/", {"display_name": "عمر خليفة سعيد"})
    assert (added.status_code, added.json()["possible_duplicates"]) == (201, [])
    number = office.post("contact-points/", {"contact": added.json()["id"], "kind": "phone", "value": "050 111 2233"})

    (told,) = number.json()["possible_duplicates"]
    assert (told["id"], told["name"], told["is_obvious"]) == (known.pk, "Omar Khalifa Saeed", True)
    assert sorted(told["reasons"]) == ["the same name in other letters", "the same number +97150•••33"]


def test_a_unit_that_gained_a_p_number_is_told_too(office: Caller, manager: Actor) -> None:
    project = factories.project(manager.organization)
    known = factories.unit(project, building="Viridis B", unit_number="1204")

    added = office.post(
        "properties/", {"project": project.pk, "p_number": "7001", "building": "VIRIDIS B", "unit_number": "1204"}
    )

    (told,) = added.json()["possible_duplicates"]
    assert (told["id"], told["reasons"]) == (known.pk, ["the same building or cluster, and unit 1204"])


def test_from_the_list_to_the_merge_and_back(office: Caller, manager: Actor) -> None:
    first, second = same_twice(manager)
    assert office.post("duplicate-searches/").status_code == 201
    office.post("contact-points/", {"contact": first.pk, "kind": "email", "value": "omar@example.com"})
    (row,) = office.get("duplicates/?noun=contact&state=open&min_score=50&code=number").json()["results"]
    assert (row["first"], row["second"]) == (first.pk, second.pk)

    asked = {"noun": "contact", "survivor": second.pk, "other": first.pk}
    preview = office.post("merge-previews/", asked)
    assert (preview.status_code, preview.json()["moves"]) == (
        200,
        {"numbers that both have": 1, "numbers and addresses": 1},
    )
    merged = office.post("merges/", asked)
    assert (merged.status_code, merged.json()["survivor"]) == (201, second.pk)
    assert office.get("duplicates/?state=open").json()["results"] == []

    assert office.get(f"contacts/{first.pk}/").json()["id"] == second.pk
    refused = office.patch(f"contacts/{first.pk}/", {"language": "ar"})
    assert (refused.status_code, refused.json()["code"], refused.json()["details"]["survivor"]) == (
        409,
        "already_merged",
        second.pk,
    )
    again = office.post("merges/", asked)
    assert (again.status_code, again.json()["code"]) == (409, "already_merged")

    undone = office.post(f"merges/{merged.json()['id']}/reversal/")
    assert (undone.status_code, undone.json()["kept"]) == (201, [])
    assert office.get(f"contacts/{first.pk}/").json()["id"] == first.pk
    assert office.post(f"merges/{merged.json()['id']}/reversal/").json()["code"] == "merge_already_reversed"


def test_many_obvious_ones_at_once(office: Caller, manager: Actor) -> None:
    pair = same_twice(manager)
    names_only = [factories.contact(manager.organization, "Layla Haddad Noor") for _ in range(2)]
    search = office.post("duplicate-searches/").json()
    from django.utils import timezone

    from crm.services import duplicates

    duplicates.go_on(organization=manager.organization, search_id=search["id"], at=timezone.now())
    ids = list(DuplicateCandidate.objects.order_by("pk").values_list("pk", flat=True))

    answer = office.post("merge-batches/", {"duplicates": ids})

    assert (answer.status_code, len(answer.json()["merged"]), len(answer.json()["refused"])) == (201, 1, 1)
    assert Merge.objects.get().survivor_id == pair[0].pk
    assert Contact.objects.live().filter(pk__in=[each.pk for each in names_only]).count() == 2
    assert office.post("merge-batches/", {"duplicates": list(range(1, 102))}).status_code == 400


def test_agents_propose_and_do_not_merge(phone: Caller, agent: Actor, manager: Actor) -> None:
    first, second = same_twice(manager, assigned_to=agent.membership)
    hidden = factories.contact(manager.organization, "Omar Khalifa Saeed")

    proposed = phone.post("duplicates/", {"noun": "contact", "first": first.pk, "second": second.pk})
    assert proposed.status_code == 201
    assert "the same number +97150•••33" in proposed.json()["reasons"]
    assert phone.post("duplicates/", {"noun": "contact", "first": first.pk, "second": hidden.pk}).status_code == 404
    asked = {"noun": "contact", "survivor": first.pk, "other": second.pk}
    for address in ("merges/", "merge-previews/"):
        assert phone.post(address, asked).json()["code"] == "capability_missing"
    assert phone.post(f"duplicates/{proposed.json()['id']}/dismissal/").status_code == 403
    assert not Merge.objects.exists()


def test_bad_input_is_told_in_words(office: Caller, manager: Actor) -> None:
    first, second = same_twice(manager)
    wrong = [
        {"noun": "agent", "survivor": first.pk, "other": second.pk},
        {"noun": "contact", "survivor": 0, "other": second.pk},
        {"noun": "contact", "survivor": first.pk},
    ]
    assert {office.post("merges/", body).status_code for body in wrong} == {400}
    assert office.post("merges/", {"noun": "contact", "survivor": first.pk, "other": 2**62}).status_code == 404
    assert office.post("merges/", {"noun": "contact", "survivor": first.pk, "other": first.pk}).status_code == 422
    taken = {"noun": "contact", "survivor": first.pk, "other": second.pk, "take": ["password"]}
    assert office.post("merges/", taken).status_code == 422
