"""Linked sheets through the API, the back office and the command: who may, what is refused, what comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from core.actors import Actor
from crm import services
from crm.models import Property
from sheets.models import Conflict, GoogleAccount, ImportRun, Spreadsheet
from tests.crm.doors import Caller
from tests.sandbox.google import Google, running
from tests.sheets.linked import Office, lines

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
    return Office(google, manager)


@pytest.fixture
def desk(client: Client, manager: Actor) -> Caller:
    return Caller(client, manager)


def in_conflict(office: Office) -> Conflict:
    """The status of unit 1: `Vacant` here, `Sold` in the sheet."""
    office.link(ROWS)
    office.sync()
    office.set(E2="Sold")
    services.update_property(actor=office.actor, property=Property.objects.get(p_number="1"), status="vacant")
    office.sync()
    return Conflict.objects.get()


def test_an_account_goes_in_by_the_api_and_its_key_never_comes_out(office: Office, desk: Caller) -> None:
    GoogleAccount.objects.all().delete()

    made = desk.post("google-accounts/", {"key": office.google.key, "name": "Office"})

    assert (made.status_code, made.json()["email"]) == (201, office.google.email)
    assert desk.post("google-accounts/", {"key": json.dumps(office.google.key)}).json()["id"] == made.json()["id"]
    assert "private_key" not in desk.get("google-accounts/").content.decode() + made.content.decode()
    wrong = desk.post("google-accounts/", {"key": {"type": "user"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "google_account_invalid")
    assert desk.delete(f"google-accounts/{made.json()['id']}/").status_code == 204
    assert not GoogleAccount.objects.exists()


def test_a_tab_is_linked_changed_started_and_synced_by_the_api(office: Office, desk: Caller) -> None:
    made = office.google.admin(
        "spreadsheets",
        {"title": "Inventory", "shared_with": {office.account.email: "writer"},
         "tabs": [{"title": "Sheet1", "rows": ROWS}]},
    )  # fmt: skip
    account = office.account.pk
    told = desk.get(f"google-accounts/{account}/document/?address={made['id']}").json()
    assert (told["title"], told["tabs"][0]["title"]) == ("Inventory", "Sheet1")
    nowhere = desk.get(f"google-accounts/{account}/document/?address=https://example.com/")
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "document_unknown")

    given = {"account": account, "address": made["id"], "tab_id": told["tabs"][0]["tab_id"]}
    linked = desk.post("spreadsheets/", given).json()
    assert (linked["is_paused"], linked["mapping"]["columns"]["P-NUMBER"]) == (True, "p_number")
    again = desk.post("spreadsheets/", given)
    assert (again.status_code, again.json()["code"]) == (409, "sheet_already_linked")
    assert desk.post("spreadsheets/", given | {"interval": 5}).status_code == 400
    assert desk.post("spreadsheets/", given | {"account": 10**9}).status_code == 404

    place = f"spreadsheets/{linked['id']}/"
    changed = desk.patch(place, {"directions": {"View": "app"}, "interval": 900, "name": "Stock"}).json()
    assert (changed["directions"], changed["interval"], changed["name"]) == ({"View": "app"}, 900, "Stock")
    unknown = desk.patch(place, {"directions": {"Nothing": "app"}})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "mapping_unknown")

    asked = desk.post(f"{place}syncs/", {"dry_run": True})
    assert (asked.status_code, asked.json()["is_dry_run"], asked.json()["kind"]) == (202, True, "google")
    busy = desk.post(f"{place}syncs/")
    assert (busy.status_code, busy.json()["code"]) == (409, "sync_under_way")
    assert desk.delete(f"imports/{asked.json()['id']}/commit/").json()["status"] == "cancelled"
    committed = desk.post(f"imports/{asked.json()['id']}/commit/")
    assert (committed.status_code, committed.json()["code"]) == (409, "import_not_open")
    assert desk.delete(f"{place}pause/").json()["is_paused"] is False
    assert desk.put(f"{place}pause/").json()["is_paused"] is True
    assert [each["id"] for each in desk.get("spreadsheets/?is_stale=true").json()["results"]] == []


def test_conflicts_are_decided_by_the_api_and_a_run_tells_its_cells(office: Office, desk: Caller) -> None:
    conflict = in_conflict(office)

    listed = desk.get("conflicts/?state=open").json()["results"]
    assert [(each["ours"], each["theirs"]) for each in listed] == [("Vacant", "Sold")]
    assert desk.put(f"conflicts/{conflict.pk}/resolution/", {"resolution": "mine"}).status_code == 400
    decided = desk.put(f"conflicts/{conflict.pk}/resolution/", {"resolution": "ours"}).json()
    assert (decided["resolution"], decided["settled_at"]) == ("ours", None)
    stale = {"resolution": "theirs", "state": listed[0]["state"]}
    told = desk.put(f"conflicts/{conflict.pk}/resolution/", stale)
    assert (told.status_code, told.json()["code"]) == (409, "conflict_moved")
    changed = desk.post("conflicts/resolutions/", {"ids": [conflict.pk], "resolution": "theirs"}).json()
    assert [each["resolution"] for each in changed] == ["theirs"]
    assert desk.post("conflicts/resolutions/", {"ids": [10**9], "resolution": "ours"}).status_code == 404

    office.sync_asked()
    late = desk.put(f"conflicts/{conflict.pk}/resolution/", {"resolution": "theirs"})
    assert (late.status_code, late.json()["code"]) == (409, "conflict_already_resolved")
    run = ImportRun.objects.order_by("pk").last()
    assert run
    cells = desk.get(f"imports/{run.pk}/cells/").json()["results"]
    assert [(each["side"], each["before"], each["after"]) for each in cells] == [("app", "Vacant", "Sold")]


def test_agents_may_not_and_others_see_nothing(office: Office, client: Client, agent: Actor, outsider: Actor) -> None:
    conflict = in_conflict(office)
    places = [
        ("get", "google-accounts/"), ("get", "spreadsheets/"), ("get", "conflicts/"),
        ("post", f"spreadsheets/{office.sheet.pk}/syncs/"), ("put", f"spreadsheets/{office.sheet.pk}/pause/"),
        ("put", f"conflicts/{conflict.pk}/resolution/"), ("delete", f"google-accounts/{office.account.pk}/"),
    ]  # fmt: skip

    for actor, expected in ((agent, 403), (outsider, 404)):
        for verb, place in places:
            assert getattr(Caller(client, actor), verb)(place).status_code == expected, place

    conflict.refresh_from_db()
    office.sheet.refresh_from_db()
    assert (conflict.resolution, office.sheet.is_paused) == ("", False)


def test_the_back_office_takes_a_key_syncs_and_decides_after_asking_once_more(
    office: Office, client: Client, admin: Actor
) -> None:
    conflict = in_conflict(office)
    client.force_login(admin.user)  # type: ignore[arg-type]
    desk = "/o/palm/admin/sheets/"

    key = SimpleUploadedFile("key.json", json.dumps(office.google.key).encode())
    assert client.post(f"{desk}googleaccount/add/", {"key": key, "name": "Again"}).status_code == 302
    page = client.get(f"{desk}googleaccount/{office.account.pk}/change/").content.decode()
    assert office.google.email in page
    assert "PRIVATE KEY" not in page
    wrong = client.post(f"{desk}googleaccount/add/", {"key": SimpleUploadedFile("key.json", b"{}")})
    assert "This is not the key file of a service account" in wrong.content.decode()
    forget = {"action": "remove", "_selected_action": [office.account.pk]}
    asked = client.post(f"{desk}googleaccount/", forget).content.decode()
    assert f"{office.sheet.name} could not be synced without it" in asked
    kept = client.post(f"{desk}googleaccount/", forget | {"confirmed": "1"}, follow=True)
    assert "link them with another account first" in kept.content.decode()

    chosen = {"action": "theirs_right", "_selected_action": [conflict.pk]}
    asked = client.post(f"{desk}conflict/?state=open", chosen).content.decode()
    assert "1 cell is decided" in asked
    conflict.refresh_from_db()
    assert conflict.resolution == ""
    moved = chosen | {"confirmed": "1", f"seen-{conflict.pk}": "another state"}
    told = client.post(f"{desk}conflict/?state=open", moved, follow=True).content.decode()
    assert "Nothing was decided" in told
    client.post(f"{desk}conflict/?state=open", moved | {f"seen-{conflict.pk}": conflict.state})
    conflict.refresh_from_db()
    assert conflict.resolution == "theirs"
    assert "Vacant" in client.get(f"{desk}conflict/?state=resolved").content.decode()
    assert "Vacant" not in client.get(f"{desk}conflict/?state=settled").content.decode()

    run = ImportRun.objects.filter(status="done").latest("pk")
    shown = client.get(f"{desk}importrun/{run.pk}/change/")
    assert shown["Location"] == f"/o/palm/sheets/{office.sheet.pk}/syncs/{run.pk}/"
    assert client.get(shown["Location"]).status_code == 200
    assert f'href="/o/palm/sheets/{office.sheet.pk}/"' in client.get(f"{desk}spreadsheet/").content.decode()

    ImportRun.objects.filter(status="queued").delete()
    sheet = {"_selected_action": [office.sheet.pk]}
    client.post(f"{desk}spreadsheet/", sheet | {"action": "try_out"})
    assert ImportRun.objects.get(status="queued").is_dry_run
    busy = client.post(f"{desk}spreadsheet/", sheet | {"action": "sync_now"}, follow=True).content.decode()
    assert "wait until it has finished" in busy
    client.post(f"{desk}spreadsheet/", sheet | {"action": "pause"})
    assert Spreadsheet.objects.get().is_paused


def test_stale_sheets_are_found_by_every_door(office: Office, client: Client, admin: Actor) -> None:
    office.link(ROWS)
    client.force_login(admin.user)  # type: ignore[arg-type]

    stale = "/o/palm/admin/sheets/spreadsheet/?freshness=stale"
    assert office.sheet.name in client.get(stale).content.decode()
    assert "Sheets stale" in client.get("/o/palm/admin/").content.decode()
    office.sync()
    assert office.sheet.name not in client.get(stale).content.decode()
    Spreadsheet.objects.update(interval=60, last_success_at="2026-01-01T00:00:00Z")
    assert office.sheet.name in client.get(stale).content.decode()


def test_the_command_syncs_says_what_it_would_do_and_what_went_wrong(office: Office) -> None:
    office.link(ROWS)

    def told(*options: str) -> str:
        out = StringIO()
        call_command("sync_sheets", "--organization", "palm", *options, stdout=out)
        return out.getvalue()

    assert "2 new" in told("--dry-run")
    assert not Property.objects.exists()
    outcome = json.loads(told("--json", "--due"))
    assert [(each["status"], each["counts"]["new"]) for each in outcome] == [("done", 2)]
    assert "No linked sheet is to be synced." in told("--due")
    assert "2 unchanged" in told("--sheet", str(office.sheet.pk))
    with pytest.raises(CommandError, match="There is no linked sheet"):
        told("--sheet", "999999")
    office.google.admin(f"spreadsheets/{office.document}", method="DELETE")
    with pytest.raises(CommandError, match="Not synced"):
        told()
