"""The history of units and contacts: kept by the database, whatever the door."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.actors import Actor
from core.tenancy import acting_through, organization_scope
from crm import selectors, services
from crm.models import Contact, HistoryEntry, Ownership, Property
from tests.crm import factories
from tests.crm.doors import Caller


def kept(**of: Any) -> list[tuple[str, Any, Any]]:
    return list(HistoryEntry.objects.filter(**of).order_by("pk").values_list("field", "before", "after"))


def of_old(unit: Property) -> Property:
    """A unit that was there before this transaction, as units are in life."""
    Property.objects.filter(pk=unit.pk).update(created_at="2026-01-01T00:00Z")
    return unit


def test_a_price_and_a_status_are_kept_with_who_and_through_what(client: Client, manager: Actor) -> None:
    unit = factories.unit(factories.project(manager.organization), asking_price_minor=100_000_00)

    body = {"asking_price": "120000", "status": "available", "description": "A long way from the road"}
    answer = Caller(client, manager).patch(f"properties/{unit.pk}/", body)

    assert answer.status_code == 200
    assert sorted(kept(property_id=unit.pk)) == [
        ("price", {"minor": 100_000_00, "currency": "AED"}, {"minor": 120_000_00, "currency": "AED"}),
        ("status", "off_market", "available"),
    ]
    entry = HistoryEntry.objects.first()
    assert (entry.membership, entry.source) == (manager.membership, "api")


def test_raw_sql_is_caught_and_said_to_be_the_systems(manager: Actor) -> None:
    units = [factories.unit(factories.project(manager.organization, f"P{n}")) for n in range(3)]

    with connection.cursor() as cursor:
        cursor.execute("UPDATE crm_property SET purpose = 'rent' WHERE id = ANY(%s)", [[unit.pk for unit in units]])
        cursor.execute("UPDATE crm_property SET floor = '3'")

    entries = HistoryEntry.objects.all()
    assert {entry.property_id for entry in entries} == {unit.pk for unit in units}
    assert {(entry.field, entry.before, entry.after) for entry in entries} == {("purpose", "", "rent")}
    assert {(entry.membership_id, entry.source) for entry in entries} == {(None, "system")}


def test_owners_who_come_and_go_are_kept(manager: Actor) -> None:
    house = manager.organization
    unit = of_old(factories.unit(factories.project(house)))
    first, second = factories.contact(house, "Tareema Wadar"), factories.contact(house, "Nabil Hosh")
    with acting_through("page", membership_id=manager.membership.pk):
        services.set_owners(actor=manager, property=unit, owners=[services.Share(first)], at=timezone.now())
        services.set_owners(actor=manager, property=unit, owners=[services.Share(second, 10_000)], at=timezone.now())

    entries = HistoryEntry.objects.filter(property_id=unit.pk).order_by("pk")
    assert [(each.contact_id, each.before, each.after) for each in entries] == [
        (first.pk, None, {"share": None, "primary": True}),
        (first.pk, {"share": None, "primary": True}, None),
        (second.pk, None, {"share": 10_000, "primary": True}),
    ]
    assert {(each.membership_id, each.source) for each in entries} == {(manager.membership.pk, "page")}


def test_the_first_owners_of_a_unit_that_came_with_it_are_no_change(manager: Actor) -> None:
    unit = factories.unit(factories.project(manager.organization))
    factories.ownership(unit, factories.contact(manager.organization))

    assert not HistoryEntry.objects.exists()


def test_an_ownership_moved_to_another_contact_ends_for_one_and_begins_for_the_other(manager: Actor) -> None:
    house = manager.organization
    unit = factories.unit(factories.project(house))
    loser, survivor = factories.contact(house, "T Wadar"), factories.contact(house, "Tareema Wadar")
    owned = factories.ownership(unit, loser, share_basis_points=5_000)

    with acting_through("merge"):
        Ownership.objects.filter(pk=owned.pk).update(contact=survivor)

    entries = {each.contact_id: each for each in HistoryEntry.objects.filter(property_id=unit.pk)}
    assert entries[loser.pk].after is None
    assert entries[survivor.pk].before is None
    assert entries[survivor.pk].after == {"share": 5_000, "primary": False}
    assert entries[survivor.pk].source == "merge"


def test_of_a_contact_the_name_and_the_consent_are_kept_and_never_a_number(manager: Actor) -> None:
    contact = factories.contact(manager.organization, "T Wadar")
    point = factories.point(contact, "+971501234567", status="unverified")

    services.update_contact(actor=manager, contact=contact, display_name="Tareema Wadar")
    services.verify_contact_point(actor=manager, point=point, at=timezone.now())
    services.mark_do_not_contact(actor=manager, point=point, reason="asked so")

    assert kept(contact_id=contact.pk) == [
        ("name", "T Wadar", "Tareema Wadar"),
        ("consent", {"point": point.pk, "refused": False}, {"point": point.pk, "refused": True}),
    ]


def test_history_is_written_once(manager: Actor) -> None:
    contact = factories.contact(manager.organization, "T Wadar")
    Contact.objects.filter(pk=contact.pk).update(display_name="Tareema Wadar")

    with connection.cursor() as cursor:
        for statement in ("UPDATE crm_historyentry SET source = ''", "DELETE FROM crm_historyentry"):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                cursor.execute(statement)
    assert HistoryEntry.objects.get().source == "system"


def test_the_history_of_another_house_is_not_there(manager: Actor, outsider: Actor) -> None:
    unit = factories.unit(factories.project(manager.organization))
    Property.objects.filter(pk=unit.pk).update(status="sold")

    with organization_scope(outsider.organization.pk):
        assert not HistoryEntry.objects.exists()


def test_a_timeline_says_it_in_words_a_page_at_a_time(manager: Actor, django_assert_max_num_queries: Any) -> None:
    house = manager.organization
    unit = of_old(factories.unit(factories.project(house), status="off_market"))
    owner = factories.contact(house, "Tareema Wadar")
    with acting_through("sheet:12/run:34", membership_id=manager.membership.pk):
        Property.objects.filter(pk=unit.pk).update(status="available", asking_price_minor=1_200_000_00)
        factories.ownership(unit, owner, share_basis_points=10_000, is_primary=True)

    with django_assert_max_num_queries(4):  # the unit, the entries with who wrote them, the contacts
        first = selectors.unit_history(actor=manager, unit_id=unit.pk, limit=2)
    rest = selectors.unit_history(actor=manager, unit_id=unit.pk, limit=2, before=first.next)

    told = [*first.rows, *rest.rows]
    assert {(each.field_label, each.before, each.after, each.about) for each in told} == {
        ("Owner", "", "100 %, primary", "Tareema Wadar"),
        ("Status", "Off market", "Available", ""),
        ("Asking price", "", "AED 1,200,000.00", ""),
    }
    assert {(each.who, each.source_label, each.run_id) for each in told} == {("Mona", "Sheet, run 34", 34)}
    assert rest.next is None


def test_the_history_of_a_unit_one_does_not_see_is_not_there(client: Client, manager: Actor, agent: Actor) -> None:
    unit = factories.unit(factories.project(manager.organization))
    Property.objects.filter(pk=unit.pk).update(status="sold")

    assert Caller(client, agent).get(f"properties/{unit.pk}/history/").status_code == 404
    told = Caller(client, manager).get(f"properties/{unit.pk}/history/").json()
    assert [(each["field"], each["before"], each["after"], each["source"]) for each in told["results"]] == [
        ("status", "Off market", "Sold", "system")
    ]
    assert told["next"] is None


def test_the_back_office_lists_it_at_a_cost_that_does_not_grow(client: Client, manager: Actor) -> None:
    house = manager.organization
    unit = of_old(factories.unit(factories.project(house)))
    client.force_login(manager.user)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page = client.get(f"/o/palm/admin/crm/historyentry/?property_id={unit.pk}")
        assert page.status_code == 200
        assert b"Tareema" in page.content
        return len(queries)

    for number in range(3):
        factories.ownership(unit, factories.contact(house, f"Tareema {number}"))
    three = cost()
    for number in range(20):
        factories.ownership(unit, factories.contact(house, f"Tareema {number}"))
        Property.objects.filter(pk=unit.pk).update(project=factories.project(house, f"Pacifica {number}"))

    assert cost() == three + 1  # the projects
