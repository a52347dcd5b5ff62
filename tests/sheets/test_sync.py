"""The office works in its sheet and in Majlis at once, and neither loses a cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.actors import Actor
from crm import services
from crm.models import Contact, Ownership, Property
from sheets.models import Conflict, RowLink
from tests.sandbox.google import Google, running
from tests.sheets.linked import Office, lines

ROWS = lines(
    {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000001", "Status": "Rented"},
    {"P-NUMBER": 2, "PROJECT": "Vardon", "NAME": "Ledaan Dahari", "MOBILE": "0500000002", "Status": "Vacant "},
    {"P-NUMBER": 3, "PROJECT": "Vardon", "NAME": "Ruwais Tibi", "MOBILE": "0500000003", "Asking Price": "1.2M CASH"},
)


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with running() as found:
        found.admin("configure", {"quota": None})
        yield found


@pytest.fixture
def office(google: Google, manager: Actor, settings: Any) -> Office:
    settings.SHEETS_API_URL = google.url
    settings.SHEETS_RETRY_WAIT = 0.01
    google.admin("faults", method="DELETE")
    return Office(google, manager)


def unit(number: int) -> Property:
    found: Property = Property.objects.get(p_number=str(number))
    return found


def test_a_linked_sheet_comes_in_with_ids_in_a_hidden_column_and_again_changes_nothing(office: Office) -> None:
    office.link(ROWS)

    run = office.sync()

    assert (run.status, run.counts["new"], run.counts["written"]) == ("done", 3, 0), run.error
    assert [u.status for u in Property.objects.order_by("p_number")] == ["rented", "vacant", "off_market"]
    tab = office.state()["tabs"][0]
    ids = office.column("majlis_id")
    assert len(set(ids)) == 3
    assert all(RowLink.objects.filter(row_key=key).exists() for key in ids)
    assert tab["hidden_columns"]
    assert office.cells() == ROWS
    before = office.state()["version"]

    again = office.sync()

    assert (again.counts["unchanged"], again.counts["changed"], again.counts["written"]) == (3, 0, 0)
    assert office.state()["version"] == before
    assert office.sheet.status == "synced"


def test_a_cell_changed_in_the_sheet_comes_in_and_one_changed_here_goes_out(office: Office, manager: Actor) -> None:
    office.link(ROWS)
    office.sync()

    office.set(E2="Vacant", G3="Sea")
    services.update_property(actor=manager, property=unit(3), asking_price="1500000", status="available")
    run = office.sync()

    assert (unit(1).status, unit(2).view) == ("vacant", "Sea")
    assert office.column("Asking Price")[2] == "1500000 CASH"
    assert office.column("Status")[2] == "Available"
    assert (run.counts["changed"], run.counts["written"], run.counts["conflicts"]) == (2, 2, 0)
    assert sorted(run.cells.values_list("side", "row", "column", "before", "after")) == [
        ("app", 2, "Status", "Rented", "Vacant"),
        ("app", 3, "View", "", "Sea"),
        ("sheet", 4, "Asking Price", "1.2M CASH", "1500000 CASH"),
        ("sheet", 4, "Status", "", "Available"),
    ]

    again = office.sync()
    assert (again.counts["changed"], again.counts["written"]) == (0, 0)


def test_both_changed_to_different_values_is_a_conflict_that_a_person_decides(office: Office, manager: Actor) -> None:
    office.link(ROWS)
    office.sync()

    office.set(E2="Sold")
    services.update_property(actor=manager, property=unit(1), status="vacant")
    run = office.sync()

    conflict = Conflict.objects.get()
    assert (conflict.row, conflict.column, conflict.base, conflict.ours, conflict.theirs) == (
        2, "Status", "Rented", "Vacant", "Sold",
    )  # fmt: skip
    assert (unit(1).status, office.column("Status")[0], run.counts["conflicts"]) == ("vacant", "Sold", 1)
    office.sync()
    assert Conflict.objects.count() == 1

    office.resolve("ours")

    conflict.refresh_from_db()
    assert conflict.settled_at is not None
    assert (unit(1).status, office.column("Status")[0]) == ("vacant", "Vacant")
    assert office.sync().counts["written"] == 0
    assert not Conflict.objects.open().exists()


def test_the_other_decision_brings_the_sheets_value_in(office: Office, manager: Actor) -> None:
    office.link(ROWS)
    office.sync()
    office.set(E2="Sold")
    services.update_property(actor=manager, property=unit(1), status="vacant")
    office.sync()

    office.resolve("theirs")

    assert (unit(1).status, office.column("Status")[0]) == ("sold", "Sold")
    assert not Conflict.objects.filter(settled_at__isnull=True).exists()
    assert office.sync().counts["changed"] == 0


def test_both_changed_to_the_same_is_no_conflict(office: Office, manager: Actor) -> None:
    office.link(ROWS)
    office.sync()

    office.set(E2="Looks Vacant ", F4="1.5M CASH")
    services.update_property(actor=manager, property=unit(1), status="vacant")
    services.update_property(actor=manager, property=unit(3), asking_price="1500000")
    run = office.sync()

    assert (run.counts["conflicts"], run.counts["written"]) == (0, 0)
    assert not Conflict.objects.exists()
    assert office.column("Status")[0] == "Looks Vacant "


def test_sorted_inserted_and_copied_rows_are_harmless(office: Office, manager: Actor) -> None:
    office.link(ROWS)
    office.sync()
    known = set(Property.objects.values_list("pk", flat=True))

    office.edit(
        {"op": "sort", "column": "A", "descending": True, "from_row": 2},
        {"op": "insert_rows", "at": 3, "count": 2},
        {"op": "insert_columns", "at": "B", "count": 1, "header": "Note"},
    )
    services.update_property(actor=manager, property=unit(1), status="vacant")
    run = office.sync()

    assert run.status == "done", run.error
    assert set(Property.objects.values_list("pk", flat=True)) == known
    by_number = dict(zip(office.column("P-NUMBER"), office.column("Status"), strict=True))
    assert by_number[1] == "Vacant"
    assert (run.counts["new"], run.counts["gone"], run.counts["written"]) == (0, 0, 1)


def test_a_row_that_disappears_is_archived_and_comes_back(office: Office) -> None:
    office.link(ROWS)
    office.sync()

    office.edit({"op": "delete_rows", "at": 2, "count": 1})
    run = office.sync()
    assert (unit(1).status, run.counts["gone"], run.counts["archived"]) == ("archived", 1, 1)
    assert office.sync().counts["gone"] == 0

    office.edit({"op": "undo"})
    office.sync()
    assert unit(1).status == "rented"
    assert office.sync().counts["written"] == 0
    assert office.cells() == ROWS


def test_directions_are_kept(office: Office, manager: Actor) -> None:
    office.link(ROWS, directions={"Status": "sheet", "View": "app"})
    office.sync()

    services.update_property(actor=manager, property=unit(1), status="vacant", view="Park")
    office.set(G3="Sea")
    run = office.sync()

    assert (unit(1).status, office.column("Status")[0]) == ("rented", "Rented")
    assert (office.column("View")[:2], unit(2).view) == (["Park", ""], "")
    assert run.errors.filter(code="column_is_owned").count() == 2
    assert office.sync().counts["written"] == 0

    office.set(E2="")
    office.sync()
    assert unit(1).status == "rented"


def test_another_owner_in_the_sheet_ends_an_ownership_and_another_spelling_renames(office: Office) -> None:
    office.link(ROWS)
    office.sync()

    office.set(C2="Tareema Wadaar", C3="Hessa Noori", D3="0500000099")
    office.sync()

    assert Contact.objects.filter(display_name="Tareema Wadaar").count() == 1
    owned = Ownership.objects.filter(property=unit(2)).order_by("pk")
    assert [(o.contact.display_name, o.until is None, o.is_primary) for o in owned] == [
        ("Ledaan Dahari", False, True),
        ("Hessa Noori", True, True),
    ]
    assert Contact.objects.count() == 4
    assert office.sync().counts["changed"] == 0


def test_another_owner_here_goes_into_the_sheet(office: Office, manager: Actor) -> None:
    from django.utils import timezone

    office.link(ROWS)
    office.sync()
    buyer = services.create_contact(actor=manager, display_name="Hessa Noori")
    services.add_contact_point(actor=manager, contact=buyer, kind="phone", value="0500000099")

    services.set_owners(actor=manager, property=unit(2), owners=[services.Share(buyer)], at=timezone.now())
    office.sync()

    assert (office.column("NAME")[1], office.column("MOBILE")[1]) == ("Hessa Noori", "+971500000099")
    assert office.sync().counts["written"] == 0


def test_nothing_is_taken_for_a_formula_and_no_formula_is_overwritten(office: Office, manager: Actor) -> None:
    office.link(ROWS)
    office.sync()

    services.update_property(actor=manager, property=unit(1), view='=IMPORTXML("http://x")')
    office.edit({"op": "formula", "cell": "E3", "formula": '=CONCATENATE("Ren","ted")', "shown": "Rented"})
    office.sync()
    assert unit(2).status == "rented"
    assert office.column("View")[0] == '=IMPORTXML("http://x")'
    assert "G2" not in office.state()["tabs"][0]["formulas"]

    services.update_property(actor=manager, property=unit(2), status="vacant")
    run = office.sync()
    assert office.state()["tabs"][0]["formulas"] == {"E3": '=CONCATENATE("Ren","ted")'}
    assert list(run.errors.values_list("row", "column", "code")) == [(3, "Status", "cell_is_formula")]


def test_many_rows_gone_at_once_are_asked_about_and_nothing_is_changed(office: Office) -> None:
    rows = lines(*[{"P-NUMBER": n, "PROJECT": "Vardon", "Status": "Rented"} for n in range(1, 61)])
    office.link(rows)
    office.sync()

    office.edit({"op": "delete_rows", "at": 2, "count": 30})
    run = office.sync()

    assert (run.status, run.error_code) == ("failed", "too_many_rows_gone")
    assert "30 of 60 rows" in run.error
    assert not Property.objects.filter(status="archived").exists()
    assert office.sheet.last_error_code == "too_many_rows_gone"

    assert office.sync(accept_missing=True).status == "done"
    assert Property.objects.filter(status="archived").count() == 30


def test_a_dry_run_says_everything_and_does_nothing(office: Office, manager: Actor) -> None:
    office.link(ROWS)
    first = office.sync(dry_run=True)
    assert (first.status, first.counts["new"], Property.objects.count()) == ("previewed", 3, 0)
    assert "majlis_id" not in office.state()["tabs"][0]["values"][0]
    assert office.sheet.last_success_at is None

    office.sync()
    office.set(E2="Vacant")
    services.update_property(actor=manager, property=unit(2), view="Sea")
    version = office.state()["version"]

    run = office.sync(dry_run=True)

    assert sorted(run.cells.values_list("side", "row", "before", "after")) == [
        ("app", 2, "Rented", "Vacant"),
        ("sheet", 3, "", "Sea"),
    ]
    assert (unit(1).status, office.state()["version"]) == ("rented", version)


def test_rows_sorted_between_our_look_and_our_write_end_as_if_undisturbed(office: Office, manager: Actor) -> None:
    office.link(ROWS)
    office.sync()
    sort = {"op": "sort", "column": "A", "descending": True, "from_row": 2}
    office.fault(kind="person", where="write", when="before", times=1, ops=[sort])
    services.update_property(actor=manager, property=unit(1), view="Sea")

    run = office.sync()

    assert (run.status, run.counts["written"]) == ("done", 1)
    assert dict(zip(office.column("P-NUMBER"), office.column("View"), strict=True)) == {3: "", 2: "", 1: "Sea"}
    assert office.sync().counts["written"] == 0


def test_rows_sorted_while_they_get_their_ids_keep_what_they_are(office: Office) -> None:
    office.link(ROWS)
    sort = {"op": "sort", "column": "A", "descending": True, "from_row": 2}
    office.fault(kind="person", where="write", when="before", times=1, after=2, ops=[sort])

    office.sync()
    office.edit({"op": "insert_rows", "at": 2, "count": 1, "rows": [[9, "Vardon", "Noor Hadi"]]})
    office.fault(kind="person", where="write", when="before", times=1, ops=[{**sort, "descending": False}])
    run = office.sync()

    assert run.status == "done", run.error
    assert Property.objects.exclude(status="archived").count() == 4
    assert (office.sync().counts["unchanged"], RowLink.objects.filter(gone_at__isnull=True).count()) == (4, 4)


def test_a_copied_row_is_a_row_of_its_own_and_a_lost_id_is_found_by_its_cells(office: Office) -> None:
    office.link(ROWS)
    office.sync()
    rows = office.state()["tabs"][0]["values"]

    office.edit({"op": "append", "rows": [[4, *rows[1][1:]]]})
    office.edit({"op": "clear", "range": "AA3:AA3"})
    run = office.sync()

    assert (run.counts["new"], run.counts["gone"], run.counts["unchanged"]) == (1, 0, 3)
    assert len(set(office.column("majlis_id"))) == 4
    assert Property.objects.count() == 4


def test_co_owners_rows_of_one_unit_follow_each_other_at_once(office: Office) -> None:
    rows = lines(
        {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "Status": "Rented"},
        {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Ledaan Dahari", "Status": "Rented"},
    )
    office.link(rows)
    office.sync()

    office.set(E2="Vacant")
    office.sync()

    assert office.column("Status") == ["Vacant", "Vacant"]
    assert (office.sync().counts["written"], unit(1).ownerships.count()) == (0, 2)


def test_a_unit_deleted_here_is_not_made_again_by_its_row(office: Office, admin: Actor) -> None:
    from django.utils import timezone

    from core.services import soft_delete

    office.link(ROWS)
    office.sync()
    soft_delete(actor=admin, target=unit(1), at=timezone.now())

    run = office.sync()

    assert not Property.objects.live().filter(p_number="1").exists()
    assert list(run.errors.values_list("row", "code")) == [(2, "deleted_here")]


def test_an_emptied_cell_erases_only_where_the_sheet_owns_the_column(office: Office) -> None:
    rows = lines({"P-NUMBER": 1, "PROJECT": "Vardon", "View": "Sea", "Asking Price": "1.2M CASH", "Status": "Vacant"})
    office.link(rows, directions={"Asking Price": "sheet"})
    office.sync()

    office.set(F2="", G2="", E2="")
    office.sync()

    assert (unit(1).asking_price_minor, unit(1).price_note, unit(1).view, unit(1).status) == (None, "", "Sea", "vacant")
    assert office.sync().counts["changed"] == 0
