"""Projects, units and owners at the API's door."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from core import events
from core.actors import Actor
from core.models import AuditEntry
from crm.events import OwnershipChanged
from crm.models import Ownership, Project, Property, PropertyType
from tests.crm import factories
from tests.crm.doors import Caller


@pytest.fixture
def office(client: Client, manager: Actor) -> Caller:
    return Caller(client, manager)


def test_a_project_is_numbered_paused_and_archived(office: Caller) -> None:
    made = office.post("projects/", {"name": "  Vardon   Heights ", "budget": "1250000.50"})
    assert made.status_code == 201
    first = made.json()
    assert (first["number"], first["name"], first["budget"]) == (1, "Vardon Heights", "1250000.50")
    assert office.post("projects/", {"name": "Pacifica", "number": 40}).json()["number"] == 40
    assert office.post("projects/", {"name": "Acuna"}).json()["number"] == 41

    address = f"projects/{first['id']}/"
    assert office.patch(address, {"status": "paused"}).json()["status"] == "paused"
    assert office.patch(address, {"status": "archived"}).json()["status"] == "archived"
    refused = office.patch(address, {"status": "completed"})
    assert (refused.status_code, refused.json()["code"]) == (409, "status_move_refused")
    assert refused.json()["detail"] == "It is Archived; from there it can become: Active."

    entries = AuditEntry.objects.filter(target_type="crm.project", target_id=first["id"]).order_by("id")
    assert [entry.action for entry in entries] == ["crm.project_added", "crm.project_changed", "crm.project_changed"]
    assert (entries[1].before, entries[1].after) == ({"status": "active"}, {"status": "paused"})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "Vardon"}, 409, "already_there"),
        ({"name": "Other", "number": 7}, 409, "already_there"),
        ({"name": "Other", "budget": "-1"}, 422, "price_invalid"),
        ({"name": "Other", "budget": 12.5}, 400, "invalid_input"),
        ({"name": "Other", "budget": "a lot"}, 422, "amount_invalid"),
        ({"name": "Other", "currency": "XYZ"}, 422, "currency_unknown"),
        ({"name": " "}, 400, "invalid_input"),
        ({}, 400, "invalid_input"),
    ],
)
def test_a_project_that_cannot_be(office: Caller, manager: Actor, body: Any, status: int, code: str) -> None:
    factories.project(manager.organization, "Vardon", number=7)

    answer = office.post("projects/", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Project.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_a_unit_is_made_changed_and_found(office: Caller, manager: Actor) -> None:
    project = factories.project(manager.organization)
    villa = office.post("property-types/", {"name": "Villa"}).json()
    made = office.post(
        "properties/",
        {
            "project": project.pk,
            "property_type": villa["id"],
            "building": "VIRIDIS A",
            "unit_number": "1204",
            "asking_price": "1200000.00",
            "area_sqm": "167.5",
            "bedrooms": 3,
            "amenities": ["pool"],
        },
    )
    assert made.status_code == 201
    unit = made.json()
    assert (unit["label"], unit["property_type"], unit["asking_price"]) == ("VIRIDIS A 1204", "Villa", "1200000.00")

    changed = office.patch(f"properties/{unit['id']}/", {"status": "available", "price_note": "1.2M CASH"}).json()
    assert (changed["status"], changed["price_note"]) == ("available", "1.2M CASH")
    found = [row["id"] for row in office.get("properties/?search=viridis 1204").json()["results"]]
    assert found == [unit["id"]]
    assert office.get("properties/?search=viridis 1205").json()["results"] == []
    assert office.get(f"properties/?project={project.pk}&status=available").json()["results"][0]["id"] == unit["id"]
    assert office.get(f"properties/?project={10**17}").json()["results"] == []
    assert office.get(f"properties/?project={10**30}").status_code == 400


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "property_has_no_key"),
        ({"unit_number": "12"}, 422, "property_has_no_key"),
        ({"p_number": "77"}, 409, "already_there"),
        ({"p_number": "78", "asking_price": "-1"}, 422, "price_invalid"),
        ({"p_number": "78", "area_sqm": "0"}, 422, "value_invalid"),
        ({"p_number": "78", "property_type": 999_999}, 400, "invalid_input"),
        ({"p_number": "78", "bedrooms": 99_999}, 400, "invalid_input"),
        ({"p_number": "78", "status": "gone"}, 400, "invalid_input"),
    ],
)
def test_a_unit_that_cannot_be(office: Caller, manager: Actor, body: Any, status: int, code: str) -> None:
    project = factories.project(manager.organization)
    factories.unit(project, p_number="77")

    answer = office.post("properties/", {"project": project.pk, **body})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Property.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_a_unit_moves_only_where_it_can(office: Caller, manager: Actor) -> None:
    unit = factories.unit(factories.project(manager.organization), status="reserved", asking_price_minor=100)

    refused = office.patch(f"properties/{unit.pk}/", {"status": "archived"})
    assert (refused.status_code, refused.json()["code"]) == (409, "status_move_refused")
    other_currency = office.patch(f"properties/{unit.pk}/", {"currency": "KWD"})
    assert (other_currency.status_code, other_currency.json()["details"]["field"]) == (422, "asking_price")

    unit.refresh_from_db()
    assert (unit.status, unit.currency, unit.asking_price_minor) == ("reserved", "AED", 100)
    changed = office.patch(f"properties/{unit.pk}/", {"currency": "KWD", "asking_price": "1.005"}).json()
    assert (changed["currency"], changed["asking_price"]) == ("KWD", "1.005")


def test_agents_keep_their_units_up_to_date_and_no_more(client: Client, agent: Actor) -> None:
    project = factories.project(agent.organization)
    unit = factories.unit(project, p_number="77", status="available")
    factories.assignment(factories.agent(agent), project)
    caller = Caller(client, agent)

    heard = caller.patch(f"properties/{unit.pk}/", {"status": "sold", "asking_price": "900000.00"})
    assert (heard.status_code, heard.json()["status"]) == (200, "sold")
    refused = caller.patch(f"properties/{unit.pk}/", {"p_number": "78", "status": "available"})
    assert (refused.status_code, refused.json()["code"]) == (403, "field_not_yours")
    assert caller.post("properties/", {"project": project.pk, "p_number": "79"}).status_code == 403
    assert caller.post("projects/", {"name": "Mine"}).status_code == 403
    assert caller.delete(f"properties/{unit.pk}/").status_code == 403

    unit.refresh_from_db()
    assert (unit.p_number, unit.status, Property.objects.count()) == ("77", "sold", 1)


def test_a_deleted_unit_frees_its_number(office: Caller, manager: Actor) -> None:
    project = factories.project(manager.organization)
    unit = factories.unit(project, p_number="77")
    factories.ownership(unit, factories.contact(manager.organization))

    assert office.delete(f"properties/{unit.pk}/").status_code == 204

    assert office.get(f"properties/{unit.pk}/").status_code == 404
    assert office.get("ownerships/").json()["results"] == []
    assert office.post("properties/", {"project": project.pk, "p_number": "77"}).status_code == 201


def test_owners_change_and_the_history_stays(office: Caller, manager: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []
    monkeypatch.setitem(events._handlers, OwnershipChanged, [heard.append])
    house = manager.organization
    unit = factories.unit(factories.project(house))
    first, second, third = (factories.contact(house, name) for name in ("Tareema Wadar", "Noor Hadi", "Sami Kader"))
    address = f"properties/{unit.pk}/owners/"

    halves = [{"contact": owner.pk, "share_basis_points": 5_000} for owner in (first, second)]
    answer = office.put(address, {"since": "2024-01-01", "owners": halves})
    assert answer.status_code == 200
    assert [(row["contact"], row["is_primary"]) for row in answer.json()] == [(first.pk, True), (second.pk, False)]
    assert office.put(address, {"since": "2024-02-01", "owners": halves}).status_code == 200
    assert heard == [OwnershipChanged(house.pk, unit.pk)]  # saying the same again changes nothing

    sold = [{"contact": second.pk, "share_basis_points": 7_500, "is_primary": True}, {"contact": third.pk}]
    assert office.put(address, {"since": "2025-03-01", "owners": sold}).status_code == 200

    rows = Ownership.objects.order_by("pk").values_list("contact", "share_basis_points", "is_primary", "until")
    assert [(*row[:3], row[3] and row[3].isoformat()) for row in rows] == [
        (first.pk, 5_000, True, "2025-03-01"),
        (second.pk, 5_000, False, "2025-03-01"),
        (second.pk, 7_500, True, None),
        (third.pk, None, False, None),
    ]
    assert len(heard) == 2
    current = office.get(f"ownerships/?property={unit.pk}&is_current=true").json()["results"]
    assert {row["contact_name"] for row in current} == {"Noor Hadi", "Sami Kader"}
    assert office.get(f"properties/?owner={third.pk}").json()["results"][0]["id"] == unit.pk


@pytest.mark.parametrize(
    ("shares", "status", "code"),
    [
        ([{"share_basis_points": 6_000}, {"share_basis_points": 5_000}], 409, "shares_exceed_whole"),
        ([{"is_primary": True}, {"is_primary": True}], 422, "value_invalid"),
        ([{"share_basis_points": 0}, {}], 400, "invalid_input"),
        ([{"contact": 999_999}], 400, "invalid_input"),
    ],
)
def test_owners_that_cannot_be(office: Caller, manager: Actor, shares: Any, status: int, code: str) -> None:
    unit = factories.unit(factories.project(manager.organization))
    present = factories.ownership(unit, factories.contact(manager.organization), is_primary=True)
    owners = [{"contact": factories.contact(manager.organization).pk, **share} for share in shares]

    answer = office.put(f"properties/{unit.pk}/owners/", {"owners": owners})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Ownership.objects.get() == present
    assert Ownership.objects.get().until is None


def test_owners_do_not_begin_before_those_they_follow(office: Caller, manager: Actor) -> None:
    unit = factories.unit(factories.project(manager.organization))
    factories.ownership(unit, factories.contact(manager.organization), is_primary=True, since="2025-01-01")
    newcomer = factories.contact(manager.organization)

    body = {"since": "2024-12-31", "owners": [{"contact": newcomer.pk}]}
    answer = office.put(f"properties/{unit.pk}/owners/", body)

    assert (answer.status_code, answer.json()["code"]) == (422, "value_invalid")
    assert Ownership.objects.get().until is None


def test_property_types_are_unique_and_renamed(office: Caller) -> None:
    villa = office.post("property-types/", {"name": "Villa"}).json()
    again = office.post("property-types/", {"name": "Villa"})
    assert (again.status_code, again.json()["code"]) == (409, "already_there")

    assert office.patch(f"property-types/{villa['id']}/", {"name": "Town villa"}).json()["name"] == "Town villa"
    assert PropertyType.objects.count() == 1
