"""A manager lets go of a linked sheet, and links it again: nothing is lost on the way, and every row is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.models import AuditEntry
from crm import services
from crm.models import Property
from sheets.models import Conflict, GoogleAccount, ImportRun, RowLink, Spreadsheet
from sheets.sync import linking, requests
from tests.crm.doors import Caller
from tests.sandbox.google import Google, running
from tests.sheets.linked import Office, lines

SHEETS = "/o/palm/sheets/"
ROWS = lines(
    *(
        {"P-NUMBER": n, "PROJECT": "Vardon", "NAME": f"Owner Number{n}", "Status": "Rented", "View": "Sea"}
        for n in range(1, 31)
    )
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
    office = Office(google, manager)
    office.link(ROWS)
    office.sync()
    return office


@pytest.fixture
def desk(manager: Actor) -> Client:
    client = Client()
    client.force_login(manager.user)  # type: ignore[arg-type]
    return client


def relink(office: Office) -> Spreadsheet:
    sheet = linking.link_sheet(
        actor=office.actor, account=office.account, address=office.document, tab_id=0, at=timezone.now()
    )
    linking.pause_sheet(actor=office.actor, spreadsheet=sheet, is_paused=False, at=timezone.now())
    office.sheet = sheet
    return sheet


def test_a_sheet_is_unlinked_on_its_page_and_linked_again_knows_its_rows(desk: Client, office: Office) -> None:
    office.set(E2="Sold")
    services.update_property(actor=office.actor, property=Property.objects.get(p_number="1"), status="vacant")
    office.sync()
    assert Conflict.objects.open().count() == 1
    page = f"{SHEETS}{office.sheet.pk}/"

    asked = desk.get(f"{page}unlinking/").content.decode()
    assert "The units of its 30 rows stay as they are" in asked
    assert "1 conflict is closed" in asked
    assert Spreadsheet.objects.linked().exists()
    told = desk.post(f"{page}unlinking/", {"ids": "leave"}, follow=True).content.decode()

    assert "Its units and its history stay" in told
    assert "Link it again" in told
    assert "Sync now" not in told
    assert (Property.objects.count(), RowLink.objects.filter(gone_at=None).count()) == (30, 30)
    conflict = Conflict.objects.get()
    assert (conflict.closed_because, conflict.resolution) == ("unlinked", "")
    assert "Closed because the sheet was unlinked" in desk.get("/o/palm/conflicts/?box=settled").content.decode()
    assert "Inventory" not in desk.get(SHEETS).content.decode()
    assert "Inventory" in desk.get(f"{SHEETS}?state=unlinked").content.decode()
    assert len(set(office.column("majlis_id"))) == 30
    refused = desk.post(f"{page}syncs/", {"now": ""}, follow=True).content.decode()
    assert "This sheet was unlinked: link it again by its address." in refused
    assert requests.request_due(organization=office.actor.organization, at=timezone.now()) == 0
    assert AuditEntry.objects.filter(action="sheets.sheet_unlinked").count() == 1

    # Meanwhile the office goes on: it sorts, and both sides change something.
    office.edit({"op": "sort", "column": "A", "descending": True, "header_rows": 1})
    row = office.column("P-NUMBER").index(7) + 2
    office.set(**{f"G{row}": "Park"})
    services.update_property(actor=office.actor, property=Property.objects.get(p_number="9"), view="Lake")
    before = office.sheet.pk
    assert relink(office).pk == before
    run = office.sync()

    assert (run.status, run.counts["new"], run.counts["gone"]) == ("done", 0, 0), run.error
    assert run.counts["conflicts"] == 1  # the two still differ
    assert Property.objects.get(p_number="7").view == "Park"
    assert office.column("View")[office.column("P-NUMBER").index(9)] == "Lake"
    assert Property.objects.count() == 30


def test_the_hidden_column_is_removed_when_that_is_asked_and_the_rows_are_matched_anew(
    office: Office, client: Client, manager: Actor
) -> None:
    api, place = Caller(client, manager), f"spreadsheets/{office.sheet.pk}/"

    assert api.get(f"{place}unlinking/").json() == {"rows": 30, "conflicts": 0}
    done = api.post(f"{place}unlinking/", {"remove_ids": True})
    assert (done.status_code, done.json()) == (200, {"closed": 0, "ids_left": ""})
    again = api.post(f"{place}unlinking/", {})
    assert (again.status_code, again.json()["code"]) == (409, "sheet_not_linked")

    assert "majlis_id" not in office.state()["tabs"][0]["values"][0]
    assert api.get("spreadsheets/?is_linked=true").json()["results"] == []
    assert Property.objects.exclude(status="archived").count() == 30
    office.set(E3="Sold")
    relink(office)
    run = office.sync()
    assert (run.status, run.counts["gone"], Property.objects.count()) == ("done", 0, 30), run.error
    assert Property.objects.get(p_number="2").status == "sold"


def test_an_account_that_lost_its_way_keeps_nobody_from_letting_go(desk: Client, office: Office) -> None:
    office.google.admin(f"spreadsheets/{office.document}", method="DELETE")

    told = desk.post(f"{SHEETS}{office.sheet.pk}/unlinking/", {"ids": "remove"}, follow=True).content.decode()

    assert "could not be removed" in told
    assert Spreadsheet.objects.get().unlinked_at
    gone = desk.post(f"{SHEETS}accounts/{office.account.pk}/removal/", follow=True).content.decode()
    assert "its key forgotten" in gone
    assert not GoogleAccount.objects.exists()
    assert desk.get(f"{SHEETS}{office.sheet.pk}/").status_code == 200


def test_a_sync_that_waits_is_called_off_and_one_that_runs_is_waited_for(desk: Client, office: Office) -> None:
    run = requests.request_sync(actor=office.actor, spreadsheet=office.sheet, at=timezone.now())
    assert run
    ImportRun.objects.filter(pk=run.pk).update(status="running")

    told = desk.post(f"{SHEETS}{office.sheet.pk}/unlinking/", follow=True).content.decode()

    assert "wait until it has finished" in told
    assert Spreadsheet.objects.linked().exists()
    ImportRun.objects.filter(pk=run.pk).update(status="queued")
    desk.post(f"{SHEETS}{office.sheet.pk}/unlinking/")
    run.refresh_from_db()
    assert (run.status, Spreadsheet.objects.linked().exists()) == ("cancelled", False)


def test_the_back_office_unlinks_and_removes_accounts_after_asking_once_more(
    office: Office, client: Client, admin: Actor
) -> None:
    client.force_login(admin.user)  # type: ignore[arg-type]
    desk = "/o/palm/admin/sheets/"
    account = {"action": "remove", "_selected_action": [office.account.pk]}
    sheet = {"action": "unlink", "_selected_action": [office.sheet.pk]}

    assert "could not be synced without it" in client.post(f"{desk}googleaccount/", account).content.decode()
    assert "its 30 rows and their units stay" in client.post(f"{desk}spreadsheet/", sheet).content.decode()
    assert Spreadsheet.objects.linked().exists()
    client.post(f"{desk}spreadsheet/", sheet | {"confirmed": "1", "remove_ids": "1"})
    assert not Spreadsheet.objects.linked().exists()
    assert "majlis_id" not in office.state()["tabs"][0]["values"][0]
    assert "no sync stops" in client.post(f"{desk}googleaccount/", account).content.decode()
    assert GoogleAccount.objects.exists()
    client.post(f"{desk}googleaccount/", account | {"confirmed": "1"})
    assert not GoogleAccount.objects.exists()
    runs = client.get(f"{desk}importrun/").content.decode()
    assert "Synced" in runs


def test_who_may_not_link_may_not_unlink(office: Office, client: Client, agent: Actor, outsider: Actor) -> None:
    for actor, expected in ((agent, 403), (outsider, 404)):
        answer = Caller(client, actor).post(f"spreadsheets/{office.sheet.pk}/unlinking/", {})
        assert answer.status_code == expected
    assert Spreadsheet.objects.linked().exists()


def test_the_database_keeps_an_unlinked_sheet_at_rest(office: Office) -> None:
    for change in ("unlinked_at = now()", "account_id = NULL", "is_paused = true, unlinked_at = now()"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE sheets_spreadsheet SET {change} WHERE id = %s", [office.sheet.pk])
