"""What a row of the office's sheet becomes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.actors import Actor
from crm.models import Contact, ContactPoint, Ownership, Project, Property, PropertyType
from sheets.models import RowLink
from tests.sheets.imports import bring

WHOLE = {
    "P-NUMBER": 1000001.0, "AREA": "AL YUFRAH 2", "PROJECT": "VARDON @ AKOYA OXYGEN", "PLOT NUMBER": "1234-",
    "NAME": "Tareema Wadar", "MOBILE": 971500000001.0, "PHONE": "2000001-04", "SECONDARY MOBILE": "971|0",
    "EMAIL": "Tareema@Example.com", "View": "Single Row", "Unit Number": 12.0, "Layout": "RR-EE", "Status": "Vacant ",
    "Asking Price": "1.2M CASH", "SD": "SD", "Plot No": 77.0, "Registration": "AKOYA OXYGEN-XG1B", "Floor": 0,
    "Rooms": "3 B/R", "Actual Area": 167.25, "Municipality no": 6910001.0, "Mastre project": "AKOYA OXYGEN",
}  # fmt: skip


def test_a_whole_row_becomes_a_project_a_unit_an_owner_and_numbers(manager: Actor) -> None:
    run = bring(manager, WHOLE)

    assert run.status == "done", run.error
    project = Project.objects.get()
    assert (project.number, project.name, project.master_project, project.area) == (
        1, "Vardon", "Akoya Oxygen", "AL YUFRAH 2",
    )  # fmt: skip
    unit = Property.objects.get()
    assert (unit.p_number, unit.unit_number, unit.cluster, unit.registration, unit.municipality_number) == (
        "1000001", "12", "Vardon", "AKOYA OXYGEN-XG1B", "6910001",
    )  # fmt: skip
    assert (unit.status, unit.asking_price_minor, unit.price_note, unit.floor, unit.bedrooms, unit.area_sqm) == (
        "vacant", 120_000_000, "CASH", "", 3, Decimal("167.25"),
    )  # fmt: skip
    assert unit.extra == {"area": "AL YUFRAH 2", "SD": "SD", "Plot No": "77"}
    ownership = Ownership.objects.get()
    assert (ownership.property, ownership.is_primary, ownership.share_basis_points) == (unit, True, None)
    owner = ownership.contact
    assert (owner.display_name, owner.first_name, owner.last_name, owner.kind) == (
        "Tareema Wadar", "Tareema", "Wadar", "person",
    )  # fmt: skip
    points = ContactPoint.objects.order_by("id").values_list("kind", "value", "line_type", "status", "is_primary")
    assert list(points) == [
        ("phone", "+971500000001", "mobile", "valid", True),
        ("phone", "+97142000001", "fixed", "valid", False),
        ("email", "tareema@example.com", "", "valid", True),
    ]
    assert {name: run.counts[name] for name in ("read", "new", "changed", "unchanged", "errors", "skipped")} == {
        "read": 1, "new": 1, "changed": 0, "unchanged": 0, "errors": 0, "skipped": 0,
    }  # fmt: skip


def test_the_same_rows_again_change_nothing_and_a_changed_cell_only_itself(manager: Actor) -> None:
    bring(manager, WHOLE)
    unit = Property.objects.get()
    Property.objects.update(view="Sea", status="rented")

    again = bring(manager, WHOLE)
    assert (again.counts["unchanged"], again.counts["new"], again.counts["changed"]) == (1, 0, 0)

    changed = bring(manager, WHOLE | {"Asking Price": "1.3M", "View": " "})
    unit.refresh_from_db()
    assert (changed.counts["changed"], changed.counts["properties_changed"]) == (1, 1)
    assert (unit.asking_price_minor, unit.price_note, unit.view, unit.status) == (130_000_000, "", "Sea", "rented")
    assert changed.changes.get(target_type="crm.property").before == {
        "asking_price_minor": 120_000_000,
        "price_note": "CASH",
    }
    assert changed.samples["changed"] == [
        {"row": 2, "before": {"asking_price": "1.2M CASH"}, "after": {"asking_price": "1.3M"}}
    ]
    assert Contact.objects.count() == RowLink.objects.count() == 1


def test_rows_of_one_key_are_co_owners_and_what_they_contradict_is_said(manager: Actor) -> None:
    run = bring(
        manager,
        {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000001", "View": "Sea"},
        {"P-NUMBER": 1, "PROJECT": "VARDON@AKOYA", "NAME": "Ledaan Dahari", "MOBILE": "0500000001", "View": "Park"},
        {"P-NUMBER": 1, "PROJECT": "vardon", "NAME": "Ruwais Tibi", "Layout": "RR-EE"},
    )

    unit = Property.objects.get()
    assert (unit.view, unit.layout, Project.objects.count()) == ("Sea", "RR-EE", 1)
    owners = Ownership.objects.order_by("id").values_list("contact__display_name", "is_primary")
    assert list(owners) == [("Tareema Wadar", True), ("Ledaan Dahari", False), ("Ruwais Tibi", False)]
    doubts = run.errors.values_list("row", "column", "value", "severity", "code")
    assert list(doubts) == [(3, "View", "Park", "warning", "rows_differ")]


def test_a_name_alone_never_joins_and_neither_does_a_number(manager: Actor) -> None:
    rows = [
        {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar"},
        {"P-NUMBER": 2, "PROJECT": "Vardon", "NAME": "Tareema Wadar"},
        {"P-NUMBER": 3, "PROJECT": "Vardon", "NAME": "TAREEMA  WADAR", "MOBILE": "0500000001"},
        {"P-NUMBER": 4, "PROJECT": "Vardon", "NAME": "Ledaan Dahari", "MOBILE": "0500000001"},
        {"P-NUMBER": 5, "PROJECT": "Vardon", "NAME": "Mr. Tareema Wadar", "PHONE": "+971 50 000 0001"},
    ]
    bring(manager, *rows)

    owned = {o.property.p_number: o.contact_id for o in Ownership.objects.select_related("property")}
    assert Contact.objects.count() == 4
    assert owned["3"] == owned["5"]
    assert len({owned["1"], owned["2"], owned["3"], owned["4"]}) == 4

    again = bring(manager, *[row | {"Layout": "RR-EE"} for row in rows])
    assert (again.counts["changed"], again.counts["contacts_new"], again.counts["ownerships_new"]) == (5, 0, 0)
    assert Contact.objects.count() == 4


def test_who_is_joined_late_is_joined_whole(manager: Actor) -> None:
    bring(
        manager,
        {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000001"},
        {"P-NUMBER": 2, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0550000002"},
        {"P-NUMBER": 3, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000001 / 0550000002"},
    )

    contact = Contact.objects.get()
    assert sorted(contact.points.values_list("value", "is_primary")) == [
        ("+971500000001", True),
        ("+971550000002", False),
    ]
    assert contact.ownerships.count() == 3


def test_who_is_joined_late_has_a_primary_number_wherever_it_came_from(manager: Actor) -> None:
    bring(
        manager,
        {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "EMAIL": "t@wadar.example"},
        {"P-NUMBER": 2, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0550000002"},
        {"P-NUMBER": 3, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000003"},
        {
            "P-NUMBER": 4,
            "PROJECT": "Vardon",
            "NAME": "Tareema Wadar",
            "EMAIL": "t@wadar.example",
            "MOBILE": "0550000002",
        },
        {"P-NUMBER": 4, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000003"},
    )

    contact = Contact.objects.get()
    assert sorted(contact.points.values_list("value", "is_primary")) == [
        ("+971500000003", False),
        ("+971550000002", True),
        ("t@wadar.example", True),
    ]


def test_arabic_spellings_of_one_name_are_one_name(manager: Actor) -> None:
    bring(
        manager,
        {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "أحمد القاسمي", "MOBILE": "٠٥٠٠٠٠٠٠٠١"},
        {"P-NUMBER": 2, "PROJECT": "Vardon", "NAME": "احمد القاسمى", "MOBILE": "0500000001"},
    )

    assert Contact.objects.get().points.get().value == "+971500000001"


def test_a_unit_is_known_by_the_best_of_its_keys_and_refused_without(manager: Actor) -> None:
    run = bring(
        manager,
        {"PROJECT": "Vardon", "Registration": "XG1", "Unit Number": 5, "NAME": "A Person"},
        {"PROJECT": "Vardon", "Registration": "XG1", "Unit Number": 5, "NAME": "B Person"},
        {"PROJECT": "Vardon", "Unit Number": 7, "NAME": "C Person"},
        {"PROJECT": "VIRIDIS", "Building": "VIRIDIS A", "Unit Number": "VIRIDIS A", "NAME": "D Person"},
        {"PROJECT": "Vardon", "PLOT NUMBER": "12-", "NAME": "E Person"},
        {"P-NUMBER": 9, "NAME": "F Person"},
    )

    units = Property.objects.order_by("id").values_list("registration", "unit_number", "cluster")
    assert list(units) == [("XG1", "5", "Vardon"), ("", "7", "Vardon")]
    assert list(run.errors.values_list("row", "code")) == [
        (5, "unit_has_no_key"),
        (6, "unit_has_no_key"),
        (7, "project_missing"),
    ]
    assert run.counts["errors"] == 3
    assert Ownership.objects.count() == 3


def test_numbers_that_cannot_be_used_are_kept_and_marked(manager: Actor) -> None:
    run = bring(
        manager,
        {
            "P-NUMBER": 1, "PROJECT": "Vardon", "MOBILE": "03001234567", "PHONE": 97150000000.0, "EMAIL": "a.at.b",
            "SECONDARY MOBILE": "0500000001 & 0097433000001",
        },
    )  # fmt: skip

    owner = Contact.objects.get()
    assert (owner.display_name, owner.normalized_name) == ("Owner of Vardon 1", "")
    assert sorted(owner.points.values_list("kind", "value", "status", "is_primary")) == [
        ("email", "a.at.b", "invalid", False),
        ("phone", "+971500000001", "valid", True),
        ("phone", "+97433000001", "valid", False),
        ("phone", "03001234567", "review", False),
        ("phone", "97150000000", "invalid", False),
    ]
    assert list(run.errors.order_by("id").values_list("column", "code")) == [
        ("MOBILE", "phone_review"),
        ("PHONE", "phone_invalid"),
        ("EMAIL", "email_invalid"),
    ]


@pytest.mark.parametrize(
    ("written", "status", "purpose"),
    [
        ("Vacant ", "vacant", ""),
        ("Looks Vacant ", "vacant", ""),
        ("Available for Rent ", "available", "rent"),
        ("Sale as VOT", "available", "sale"),
        ("RENTED", "rented", ""),
    ],
)
def test_statuses_are_folded(manager: Actor, written: str, status: str, purpose: str) -> None:
    bring(manager, {"P-NUMBER": 1, "PROJECT": "Vardon", "Status": written})

    unit = Property.objects.get()
    assert (unit.status, unit.purpose) == (status, purpose)


def test_an_unknown_status_is_said_and_keeps_the_old_one(manager: Actor) -> None:
    bring(manager, {"P-NUMBER": 1, "PROJECT": "Vardon", "Status": "Rented"})

    run = bring(manager, {"P-NUMBER": 1, "PROJECT": "Vardon", "Status": "ask Omar"})

    assert Property.objects.get().status == "rented"
    assert list(run.errors.values_list("code", "value")) == [("status_unknown", "ask Omar")]


def test_what_stood_there_before_is_found_by_key_name_and_number(manager: Actor) -> None:
    """Another sheet, other columns: the same units and owners."""
    bring(manager, {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000001"})

    from tests.sheets.imports import comma_separated, commit, upload

    lines = [["Property ID", "Community", "Landlord", "Type", "Owner Mobile"],
             ["1", "vardon", "tareema wadar", "Villa", "971500000001"],
             ["2", "vardon", "tareema wadar", "villa", "971500000001"]]  # fmt: skip
    run = commit(manager, upload(manager, comma_separated(lines), "list.csv"))

    assert (run.counts["new"], run.counts["properties_new"], run.counts["contacts_new"]) == (2, 1, 0)
    assert Contact.objects.get().ownerships.count() == 2
    assert [kind.name for kind in PropertyType.objects.all()] == ["Villa"]
    assert set(Property.objects.values_list("property_type__name", flat=True)) == {"Villa"}
