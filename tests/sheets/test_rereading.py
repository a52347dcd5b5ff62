"""Somebody changes what the cells of a linked sheet mean: the sheet is read anew, and never overwritten by mistake."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from core.actors import Actor
from crm import services
from crm.models import Property
from sheets.errors import DirectionFixed
from sheets.models import CellChange, Conflict
from sheets.sync import linking
from tests.sandbox.google import Google, running
from tests.sheets.linked import Office

HEADER = ("P-NUMBER", "PROJECT", "NAME", "SIZE", "View", "Outlook", "AREA")


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
    office = Office(google, manager)
    office.link(
        [
            list(HEADER),
            [1, "Vardon", "Tareema Wadar", 1000, "Sea", "Park", "Marsa"],
            [2, "Vardon", "Ledaan Dahari", 2000, "Sea", "", "Marsa"],
            [3, "Vardon", "Ruwais Tibi", 3000, "", "Lake", "Marsa"],
        ]
    )
    change(office, columns={"SIZE": "area_size", "Outlook": ""})
    office.sync()
    return office


def change(office: Office, **document: Any) -> None:
    linking.change_linked_sheet(actor=office.actor, spreadsheet=office.sheet, document=document, at=timezone.now())


def size(number: int) -> Any:
    found: Decimal | None = Property.objects.get(p_number=str(number)).area_sqm
    return found


def test_square_feet_instead_of_metres_are_shown_by_a_dry_run_and_read_anew(office: Office, manager: Actor) -> None:
    assert size(1) == 1000
    services.update_property(actor=manager, property=Property.objects.get(p_number="2"), area_sqm="500")
    services.update_property(actor=manager, property=Property.objects.get(p_number="3"), layout="B")
    office.sync()
    before = office.cells()
    services.update_property(actor=manager, property=Property.objects.get(p_number="3"), area_sqm="77")
    change(office, options={"area_unit": "sqft"})

    tried = office.sync(dry_run=True)

    told = list(CellChange.objects.filter(run=tried, side="app").order_by("row").values_list("side", "after"))
    assert told == [("app", "1000"), ("app", "500")]
    assert (tried.counts["changed"], tried.counts["conflicts"], tried.counts["written"]) == (2, 1, 0)
    assert size(1) == 1000
    done = office.sync()
    assert (done.status, done.counts["changed"], done.counts["conflicts"]) == ("done", 2, 1), done.error
    assert (size(1), size(2), size(3)) == (Decimal("92.90"), Decimal("46.45"), 77)
    assert office.cells() == before  # the sheet was not touched
    assert Conflict.objects.open().get().theirs == "3000"
    again = office.sync()
    assert (again.counts["changed"], again.counts["written"], again.counts["conflicts"]) == (0, 0, 1)
    change(office, options={"area_unit": "sqm"})
    office.sync()
    assert (size(1), size(2)) == (1000, 500)


def test_another_column_for_a_field_comes_in_and_its_empty_cells_take_nothing(office: Office) -> None:
    change(office, columns={"View": "", "Outlook": "view"})

    run = office.sync()

    assert (run.status, run.counts["conflicts"], run.counts["changed"]) == ("done", 0, 2), run.error
    assert [u.view for u in Property.objects.order_by("p_number")] == ["Park", "Sea", "Lake"]
    assert office.column("View") == ["Sea", "Sea", ""]
    assert office.column("Outlook") == ["Park", "", "Lake"]


def test_a_column_that_is_mapped_only_now_comes_in_as_at_first_meeting(office: Office, manager: Actor) -> None:
    services.update_property(actor=manager, property=Property.objects.get(p_number="1"), layout="A-1")
    change(office, columns={"Outlook": "layout"})

    run = office.sync()

    assert (run.counts["conflicts"], run.counts["written"]) == (0, 0)
    assert [u.layout for u in Property.objects.order_by("p_number")] == ["Park", "", "Lake"]


def test_another_constant_is_given_to_every_row(office: Office) -> None:
    change(office, constants={"property_type": "Villa"})
    tried = office.sync(dry_run=True)
    assert tried.counts["changed"] == 3
    office.sync()
    assert {u.property_type.name for u in Property.objects.all()} == {"Villa"}

    change(office, constants={"property_type": "Flat"})
    run = office.sync()

    assert (run.counts["changed"], CellChange.objects.filter(run=run, after="Flat").count()) == (3, 3)
    assert {u.property_type.name for u in Property.objects.all()} == {"Flat"}
    assert office.sync().counts["unchanged"] == 3


def test_a_column_that_is_only_read_cannot_be_given_to_majlis(office: Office, client: Any, manager: Actor) -> None:
    with pytest.raises(DirectionFixed):
        linking.change_linked_sheet(
            actor=manager, spreadsheet=office.sheet, directions={"AREA": "app"}, at=timezone.now()
        )
    client.force_login(manager.user)
    page = client.get(f"/o/palm/sheets/{office.sheet.pk}/mapping/").content.decode()
    assert page.count("has nothing of its own to write") == 1
    assert "This column is not synced" in page
