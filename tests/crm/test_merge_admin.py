"""Duplicates in the back office."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from crm.models import Contact, DuplicateCandidate, Merge
from crm.services import duplicates, merging
from tests.crm import factories
from tests.crm.test_admin import inlines

BACK = "/o/palm/admin/crm/"


@pytest.fixture
def office(manager: Actor) -> Client:
    client = Client()
    client.force_login(manager.user)
    return client


@pytest.fixture
def pair(manager: Actor) -> tuple[Contact, Contact]:
    first, second = (factories.contact(manager.organization, name) for name in ("Omar Khalifa Saeed", "عمر خليفة سعيد"))
    for contact in (first, second):
        factories.point(contact, "+971501112233")
    duplicates.look_for_duplicates(actor=manager, noun="contact", ids=[first.pk], at=timezone.now())
    return first, second


def test_whoever_is_added_is_told_who_it_may_be(office: Client, manager: Actor) -> None:
    factories.contact(manager.organization, "Omar Khalifa Saeed")

    given = {"display_name": "عمر خليفة سعيد", "kind": "person", **inlines("points", "ownerships")}
    told = office.post(f"{BACK}contact/add/", given, follow=True).content.decode()
    assert Contact.objects.live().count() == 2
    assert "It may be the same" not in told  # a name alone says nothing

    twin = Contact.objects.get(display_name="عمر خليفة سعيد")
    factories.point(Contact.objects.exclude(pk=twin.pk).get(), "+971501112233")
    number = {"contact": twin.pk, "kind": "phone", "value": "050 111 2233"}
    told = office.post(f"{BACK}contactpoint/add/", number, follow=True).content.decode()
    assert "It may be the same as Omar Khalifa Saeed" in told
    assert "the same name in other letters" in told
    assert "the same number +97150•••33" in told


def test_from_the_list_to_the_merge_and_back(office: Client, pair: tuple[Contact, Contact]) -> None:
    listed = office.get(f"{BACK}duplicatecandidate/?code=number&score=75&state__exact=open").content.decode()
    assert "the same name in other letters" in listed
    candidate = DuplicateCandidate.objects.get()
    address = office.get(f"{BACK}duplicatecandidate/{candidate.pk}/change/")["Location"]
    assert "numbers that both have" in office.get(address).content.decode()

    given = {"noun": "contact", "survivor": pair[0].pk, "other": pair[1].pk}
    done = office.post(f"{BACK}duplicatecandidate/compare/", given)
    assert done["Location"].endswith(f"{BACK}contact/{pair[0].pk}/change/")
    assert office.get(f"{BACK}contact/{pair[1].pk}/change/")["Location"] == done["Location"]
    trail = office.get(f"{BACK}contact/{pair[0].pk}/history/").content.decode()
    assert "crm.contact_merged_away" in trail

    made = Merge.objects.get()
    assert "numbers that both have" in office.get(f"{BACK}merge/{made.pk}/change/").content.decode()
    office.post(f"{BACK}merge/", {"action": "undo", "_selected_action": [made.pk]})
    made.refresh_from_db()
    assert made.reversed_at


def test_two_chosen_contacts_are_compared(office: Client, pair: tuple[Contact, Contact]) -> None:
    chosen = {"action": "merge_two", "_selected_action": [pair[0].pk, pair[1].pk]}

    assert "compare/?noun=contact" in office.post(f"{BACK}contact/", chosen)["Location"]
    told = office.post(f"{BACK}contact/", chosen | {"_selected_action": [pair[0].pk]}, follow=True)
    assert "Choose exactly two" in told.content.decode()


def test_many_obvious_ones_after_a_look(office: Client, pair: tuple[Contact, Contact]) -> None:
    chosen = {"action": "merge_obvious", "_selected_action": [DuplicateCandidate.objects.get().pk]}

    assert "Omar Khalifa Saeed" in office.post(f"{BACK}duplicatecandidate/", chosen).content.decode()
    assert not Merge.objects.exists()
    office.post(f"{BACK}duplicatecandidate/", chosen | {"confirmed": "1"})
    assert Merge.objects.get().survivor_id == pair[0].pk


def test_a_refusal_is_a_message(office: Client, pair: tuple[Contact, Contact], manager: Actor) -> None:
    third = factories.contact(manager.organization, "Third")
    first = merging.merge(actor=manager, noun="contact", survivor_id=pair[0].pk, other_id=pair[1].pk, at=timezone.now())
    merging.merge(actor=manager, noun="contact", survivor_id=pair[0].pk, other_id=third.pk, at=timezone.now())

    told = office.post(f"{BACK}merge/", {"action": "undo", "_selected_action": [first.pk]}, follow=True)

    assert "undo merge" in told.content.decode()
    assert Merge.objects.standing().count() == 2
