"""The history of units and contacts: kept by the database, whatever the door."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.tenancy import acting_through, organization_scope
from crm import services
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
        HistoryEntry.objects.all()
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

    for statement in ("UPDATE crm_historyentry SET source = ''", "DELETE FROM crm_historyentry"):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(statement)
    assert HistoryEntry.objects.get().source == "system"


def test_the_history_of_another_house_is_not_there(manager: Actor, outsider: Actor) -> None:
    unit = factories.unit(factories.project(manager.organization))
    Property.objects.filter(pk=unit.pk).update(status="sold")

    with organization_scope(outsider.organization.pk):
        assert not HistoryEntry.objects.exists()
