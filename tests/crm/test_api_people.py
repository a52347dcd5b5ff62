"""Contacts, numbers and disclosures at the API's door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.actors import Actor, system
from core.models import AuditEntry
from crm import services
from crm.errors import DisclosureLimit, PersonNeeded
from crm.models import Contact, ContactPoint, OwnerDisclosure
from tests.crm import factories
from tests.crm.doors import Caller


@pytest.fixture
def office(client: Client, manager: Actor) -> Caller:
    return Caller(client, manager)


@pytest.fixture
def owner(agent: Actor) -> Contact:
    """Owns a unit of a project that the agent works on, and has a number."""
    project = factories.project(agent.organization)
    factories.assignment(factories.agent(agent), project)
    contact = factories.contact(agent.organization)
    factories.ownership(factories.unit(project), contact, is_primary=True)
    factories.point(contact, "+971501234567", is_primary=True)
    return contact


def test_a_person_is_told_from_a_company_and_the_national_id_is_kept_secret(office: Caller) -> None:
    person = office.post(
        "contacts/", {"display_name": " Tareema  bint Wadar ", "national_id": "784-1980-1234567-1", "tags": ["vip"]}
    )
    assert person.status_code == 201
    shown = person.json()
    assert (shown["display_name"], shown["kind"]) == ("Tareema bint Wadar", "person")
    assert (shown["first_name"], shown["last_name"], shown["tags"]) == ("Tareema", "bint Wadar", ["vip"])
    assert "national_id" not in shown
    assert office.post("contacts/", {"display_name": "Wadar Holding LLC"}).json()["kind"] == "company"

    again = office.post("contacts/", {"display_name": "T. Wadar", "national_id": "784198012345671"})
    assert (again.status_code, again.json()["code"]) == (409, "already_there")
    with connection.cursor() as cursor:
        cursor.execute("SELECT national_id FROM crm_contact WHERE id = %s", [shown["id"]])
        (ciphertext,) = cursor.fetchone()
    assert "784" not in ciphertext[:20]
    assert Contact.objects.get(pk=shown["id"]).national_id == "784198012345671"
    entry = AuditEntry.objects.get(target_type="crm.contact", target_id=shown["id"])
    assert entry.after["national_id"] == "(encrypted)"
    assert Contact.objects.count() == 2


def test_a_renamed_contact_is_found_by_the_new_name(office: Caller, manager: Actor) -> None:
    contact = factories.contact(manager.organization)

    assert office.patch(f"contacts/{contact.pk}/", {"display_name": "نور هادي"}).status_code == 200

    assert [row["id"] for row in office.get("contacts/?search=هادي").json()["results"]] == [contact.pk]
    assert office.get("contacts/?search=Tareema").json()["results"] == []


def test_numbers_are_read_as_people_write_them(office: Caller, manager: Actor) -> None:
    contact = factories.contact(manager.organization)

    def add(kind: str, value: str, **more: Any) -> Any:
        return office.post("contact-points/", {"contact": contact.pk, "kind": kind, "value": value, **more})

    mobile = add("phone", "050 123 4567").json()
    assert (mobile["value"], mobile["line_type"], mobile["country"]) == ("+971501234567", "mobile", "AE")
    assert (mobile["status"], mobile["is_primary"]) == ("unverified", True)
    second = add("phone", "0044 7911 123456", is_primary=True).json()
    assert (second["value"], second["is_primary"]) == ("+447911123456", True)
    assert add("email", "Noor@Example.COM").json()["value"] == "noor@example.com"
    for kind, value, status, code in [
        ("phone", "+971 50 123 4567", 409, "already_there"),
        ("phone", "12", 422, "phone_invalid"),
        ("email", "nobody", 422, "email_invalid"),
        ("pigeon", "coo", 400, "invalid_input"),
    ]:
        refused = add(kind, value)
        assert (refused.status_code, refused.json()["code"]) == (status, code)

    points = ContactPoint.objects.order_by("pk").values_list("value", "is_primary")
    assert list(points) == [("+971501234567", False), ("+447911123456", True), ("noor@example.com", True)]
    assert [row["value"] for row in office.get("contacts/?search=0501234567").json()["results"][0]["points"]] == [
        "+44791•••56", "n•••@example.com", "+97150•••67",
    ]  # fmt: skip


def test_a_number_is_tried_and_forbidden_and_allowed_again(client: Client, owner: Contact, manager: Actor) -> None:
    point = ContactPoint.objects.get()
    office = Caller(client, manager)
    address = f"contact-points/{point.pk}/"

    tried = office.post(f"{address}verification/", {"is_valid": False}).json()
    assert tried["status"] == "invalid"
    assert tried["validated_at"] is not None
    assert office.post(f"{address}do-not-contact/", {"reason": "asked us"}).json()["status"] == "do_not_contact"
    refused = office.post(f"{address}verification/")
    assert (refused.status_code, refused.json()["code"]) == (409, "do_not_contact")
    assert office.delete(f"{address}do-not-contact/").status_code == 422  # no reason
    assert ContactPoint.objects.get().status == "do_not_contact"

    assert office.delete(f"{address}do-not-contact/?reason=called back").status_code == 204
    assert ContactPoint.objects.get().status == "unverified"
    told = AuditEntry.objects.filter(action="crm.contact_point_do_not_contact_lifted").get()
    assert told.after["reason"] == "called back"


def test_a_bad_contact_is_marked_and_taken_back(client: Client, agent: Actor, owner: Contact) -> None:
    caller = Caller(client, agent)

    assert caller.post(f"contacts/{owner.pk}/bad-mark/", {"reason": "shouts"}).json()["is_bad_contact"] is True
    assert caller.delete(f"contacts/{owner.pk}/bad-mark/?reason=apologised").status_code == 204

    owner.refresh_from_db()
    assert owner.is_bad_contact is False


def test_an_agent_asks_for_a_number_and_that_is_kept(client: Client, agent: Actor, owner: Contact) -> None:
    caller = Caller(client, agent)
    hidden = "+97150•••67"
    assert caller.get(f"contacts/{owner.pk}/").json()["points"][0]["value"] == hidden
    assert caller.get("contact-points/").json()["results"][0]["value"] == hidden
    assert caller.get("contacts/?search=12345").json()["results"] == []  # no way to feel for hidden digits

    silent = caller.post(f"contacts/{owner.pk}/disclosures/", {"reason": "  "})
    assert silent.status_code == 400
    assert not OwnerDisclosure.objects.exists()
    answer = caller.post(f"contacts/{owner.pk}/disclosures/", {"reason": "viewing on Friday"})

    assert answer.status_code == 201
    assert [point["value"] for point in answer.json()] == ["+971501234567"]
    shown = OwnerDisclosure.objects.get()
    assert (shown.membership, shown.contact, shown.door, shown.reason) == (
        agent.membership, owner, "api", "viewing on Friday",
    )  # fmt: skip
    assert shown.points == [ContactPoint.objects.get().pk]
    entry = AuditEntry.objects.get(action="crm.number_disclosed")
    assert "+971501234567" not in str(entry.after)


def test_managers_read_the_numbers_of_a_contact_whole_and_that_is_kept(office: Caller, owner: Contact) -> None:
    assert office.get("contact-points/").json()["results"][0]["value"] == "+97150•••67"
    assert not OwnerDisclosure.objects.exists()
    assert office.get(f"contacts/{owner.pk}/").json()["points"][0]["value"] == "+971501234567"
    assert OwnerDisclosure.objects.get().by_opening


def test_thirty_numbers_an_hour_and_no_more(agent: Actor, other_agent: Actor, owner: Contact) -> None:
    now = timezone.now()
    for minute in range(30):
        services.disclose_owner_number(actor=agent, contact=owner, reason="calls", at=now + timedelta(minutes=minute))

    with pytest.raises(DisclosureLimit) as refusal:
        services.disclose_owner_number(actor=agent, contact=owner, reason="calls", at=now + timedelta(minutes=59))
    assert refusal.value.code == "disclosure_limit"
    assert OwnerDisclosure.objects.count() == 30

    services.disclose_owner_number(actor=agent, contact=owner, reason="calls", at=now + timedelta(minutes=61))
    assert OwnerDisclosure.objects.count() == 31
    with pytest.raises(PersonNeeded):
        services.disclose_owner_number(actor=system(agent.organization), contact=owner, reason="calls", at=now)


def test_a_contact_without_a_number_discloses_nothing(office: Caller, manager: Actor) -> None:
    contact = factories.contact(manager.organization)

    answer = office.post(f"contacts/{contact.pk}/disclosures/", {"reason": "calls"})

    assert (answer.status_code, answer.json()["code"]) == (409, "contact_has_no_number")
    assert not OwnerDisclosure.objects.exists()


def test_what_an_agent_adds_is_the_agents(client: Client, agent: Actor, other_agent: Actor) -> None:
    assert agent.membership
    assert other_agent.membership
    caller = Caller(client, agent)

    made = caller.post("contacts/", {"display_name": "Walk In"}).json()
    assert made["assigned_to"] == agent.membership.pk
    away = caller.patch(f"contacts/{made['id']}/", {"assigned_to": other_agent.membership.pk})
    assert (away.status_code, away.json()["code"]) == (403, "assignee_not_allowed")

    assert Contact.objects.get().assigned_to == agent.membership
    assert Caller(client, other_agent).get(f"contacts/{made['id']}/").status_code == 404
