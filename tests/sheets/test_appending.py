"""Units that are made in Majlis get rows of their own in the sheet: once, below the last one, whatever dies on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.roles import Role
from core.tenancy import organization_scope
from crm import services
from crm.models import Project, Property
from sheets.models import CellChange, ImportRun, RowLink
from sheets.sync import linking, requests
from tests.live import Live, house, wait_for
from tests.sandbox.google import Google, running
from tests.sheets.linked import Office, lines
from tests.sheets.test_sync_crashes import _nudge, _recover

ROWS = lines(
    {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000001", "Status": "Rented"},
    {"P-NUMBER": 2, "PROJECT": "Vardon", "NAME": "Ledaan Dahari", "MOBILE": "0500000002", "Status": "Vacant "},
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
    return started(Office(google, manager))


def started(office: Office) -> Office:
    office.link(ROWS)
    office.sync()
    made(office, "90")  # before it is wanted: gets no row
    linking.change_linked_sheet(actor=office.actor, spreadsheet=office.sheet, appends=True, at=timezone.now())
    return office


def made(office: Office, number: str, **fields: Any) -> Property:
    return services.create_property(
        actor=office.actor, project=Project.objects.get(name="Vardon"), p_number=number, **fields
    )


def test_a_unit_made_here_is_shown_by_a_dry_run_and_appended_with_its_id(
    office: Office, client: Client, manager: Actor
) -> None:
    made(office, "91", view="=HYPERLINK(1)", status="vacant", asking_price="1200000")
    made(office, "92")
    elsewhere = services.create_project(actor=manager, name="Merrow")
    services.create_property(actor=manager, project=elsewhere, p_number="93")

    tried = office.sync(dry_run=True)
    assert (tried.counts["appended"], tried.counts["new"]) == (2, 0)
    assert len(office.cells()) == 3
    assert RowLink.objects.count() == 2
    run = office.sync()

    assert (run.status, run.counts["appended"], run.counts["written"]) == ("done", 2, 0), run.error
    assert [row[0] for row in office.cells()[1:]] == [1, 2, 91, 92]
    assert office.cells()[3][1:] == ["Vardon", "", "", "Vacant", 1200000, "=HYPERLINK(1)"]
    assert len(set(office.column("majlis_id"))) == 4
    assert not RowLink.objects.filter(awaits_row=True).exists()
    client.force_login(manager.user)  # type: ignore[arg-type]
    page = client.get(f"/o/palm/sheets/{office.sheet.pk}/syncs/{run.pk}/?side=added").content.decode()
    assert page.count("Appended row</span>") == 2
    assert "range=A4" in page
    before = Property.objects.values_list("pk", "updated_at")
    again = office.sync()
    assert (again.counts["appended"], again.counts["new"], again.counts["unchanged"]) == (0, 0, 4)
    assert list(before) == list(Property.objects.values_list("pk", "updated_at"))

    # From now on it is a row like any other.
    office.set(G4="Sea")
    services.update_property(actor=manager, property=Property.objects.get(p_number="92"), view="Park")
    office.sync()
    assert Property.objects.get(p_number="91").view == "Sea"
    assert office.column("View")[3] == "Park"
    assert office.sync().counts["appended"] == 0


def test_an_answer_that_was_lost_appends_nothing_twice(office: Office) -> None:
    made(office, "91")
    office.fault(kind="error", code=503, path=":batchUpdate", where="write", times=1, taken=True)

    lost = office.sync()

    assert (lost.status, office.column("P-NUMBER")) == ("failed", [1, 2, 91])
    assert RowLink.objects.get(awaits_row=True)
    run = office.sync()
    assert (run.status, run.counts["appended"], run.counts["new"]) == ("done", 0, 0), run.error
    assert office.column("P-NUMBER") == [1, 2, 91]
    assert not RowLink.objects.filter(awaits_row=True).exists()


def test_a_row_that_never_arrived_is_appended_by_the_next_sync_as_it_is_then(office: Office) -> None:
    unit = made(office, "91")
    made(office, "92")
    office.fault(kind="error", code=503, path=":batchUpdate", where="write", times=1)
    assert office.sync().status == "failed"
    services.update_property(actor=office.actor, property=unit, view="Sea")

    run = office.sync()

    assert run.status == "done", run.error
    assert office.column("View")[2] == "Sea"
    assert office.column("P-NUMBER").count(91) == 1


def test_the_option_is_set_on_the_page_and_by_the_api(office: Office, client: Client, manager: Actor) -> None:
    linking.change_linked_sheet(actor=manager, spreadsheet=office.sheet, appends=False, at=timezone.now())
    made(office, "91")
    assert office.sync().counts["appended"] == 0
    client.force_login(manager.user)  # type: ignore[arg-type]
    place = f"/o/palm/sheets/{office.sheet.pk}/"
    assert "get a row below the last one" in client.get(f"{place}mapping/").content.decode()
    fields = {f"column-{n}": office.sheet.mapping["columns"][name] for n, name in enumerate(office.sheet.header)}
    fixed = {"option-area_unit": "sqm", "name": "Stock", "interval": 3600, "account": office.account.pk}

    client.post(f"{place}mapping/", fields | fixed | {"appends": "yes"})

    office.sheet.refresh_from_db()
    assert office.sheet.appends_since
    assert "get a row below the last one" in client.get(place).content.decode()
    assert office.sync().counts["appended"] == 0  # made before it was wanted


def test_every_figure_opens_its_rows(office: Office, client: Client, manager: Actor) -> None:
    office.edit({"op": "insert_rows", "at": 3, "count": 1})
    office.set(A3="3", B3="Vardon", C3="Ruwais Tibi", E2="Sold")
    services.update_property(actor=manager, property=Property.objects.get(p_number="1"), status="vacant")
    office.edit({"op": "delete_rows", "at": 4, "count": 1})
    run = office.sync()

    assert [run.counts[name] for name in ("new", "conflicts", "gone")] == [1, 1, 1]
    client.force_login(manager.user)  # type: ignore[arg-type]
    page = f"/o/palm/sheets/{office.sheet.pk}/syncs/{run.pk}/"
    for side, text in (("new", "Ruwais Tibi"), ("clash", "Sold"), ("gone", "Ledaan Dahari")):
        assert f'href="?side={side}#cells"' in client.get(page).content.decode()
        shown = client.get(f"{page}?side={side}").content.decode()
        assert text in shown
        assert shown.count("list-item wrong-row") == 1
    assert CellChange.objects.filter(run=run).count() == 3
    calm = office.sync()
    assert "nothing to show" in client.get(f"/o/palm/sheets/{office.sheet.pk}/syncs/{calm.pk}/").content.decode()


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_killed_between_the_append_and_our_note_appends_nothing_twice(live: Live, settings: Any) -> None:
    live.start_sandbox()
    settings.SHEETS_API_URL = live.programs.env["SHEETS_API_URL"] = live.sandbox_url
    organization, members = house()
    with organization_scope(organization.pk):
        office = Office(Google(live.sandbox_url), Actor(organization, members[Role.MANAGER]))
        office.google.admin("configure", {"quota": None})
        started(office)
        made(office, "91")
        made(office, "92")
        # The rows stand in the sheet at once, and the answer comes too late.
        office.google.admin(
            "faults", {"kind": "slow", "where": "write", "path": ":batchUpdate", "delay": 20, "times": 9}
        )
        worker = live.start_worker(1)
        run = requests.request_sync(actor=office.actor, spreadsheet=office.sheet, at=timezone.now())
        assert run
        _nudge(live, organization, run)
        wait_for(lambda: 92 in office.column("P-NUMBER") or None, what="the appended rows")
        live.kill(worker)
        assert RowLink.objects.filter(awaits_row=True).count() == 2
        assert ImportRun.objects.get(pk=run.pk).status == "running"
        office.google.admin("faults", method="DELETE")

        _recover(organization)

        assert office.column("P-NUMBER") == [1, 2, 91, 92]
        assert len(set(office.column("majlis_id"))) == 4
        assert not RowLink.objects.filter(awaits_row=True).exists()
        assert office.sync().counts["unchanged"] == 4
        assert Property.objects.count() == 5
