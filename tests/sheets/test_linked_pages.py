"""A manager links a Google sheet on the pages, without script; and says which side is right where both changed a cell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.tenancy import organization_scope
from crm import services
from crm.models import Property
from sheets.models import Conflict, GoogleAccount, ImportRun, Spreadsheet
from sheets.sync import linking, performing
from tests.sandbox.google import Google, running
from tests.sheets.linked import Office, lines

SHEETS = "/o/palm/sheets/"
CONFLICTS = "/o/palm/conflicts/"
ROWS = lines(
    {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "رنا عزيز", "MOBILE": "0500000001", "Status": "Rented"},
    {"P-NUMBER": 2, "PROJECT": "Vardon", "NAME": "Ledaan Dahari", "MOBILE": "0500000002", "Status": "Vacant "},
    {"P-NUMBER": 3, "PROJECT": "Vardon", "NAME": "Ruwais Tibi", "MOBILE": "12", "Asking Price": "1.2M CASH"},
)


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with running() as found:
        found.admin("configure", {"quota": None})
        yield found


@pytest.fixture(autouse=True)
def at_the_sandbox(google: Google, settings: Any) -> None:
    settings.SHEETS_API_URL = google.url
    settings.SHEETS_RETRY_WAIT = 0.01
    google.admin("faults", method="DELETE")


@pytest.fixture
def office(google: Google, manager: Actor) -> Office:
    return Office(google, manager)


@pytest.fixture
def desk(manager: Actor) -> Client:
    return signed_in(manager)


def signed_in(actor: Actor) -> Client:
    client = Client()
    client.force_login(actor.user)  # type: ignore[arg-type]
    return client


def shown(desk: Client, address: str, status: int = 200) -> str:
    answer = desk.get(address)
    assert answer.status_code == status
    return str(answer.content.decode())


def work(manager: Actor) -> None:
    """What a worker would do now."""
    with organization_scope(manager.organization.pk):
        for run in ImportRun.objects.filter(kind="google", status="queued"):
            performing.perform(organization=manager.organization, run_id=run.pk, at=timezone.now())


def test_the_whole_way_from_the_key_to_the_first_sync(desk: Client, manager: Actor, google: Google) -> None:
    assert "No sheet is linked yet" in shown(desk, SHEETS)
    assert "First an account" in shown(desk, f"{SHEETS}new/")

    wrong = desk.post(f"{SHEETS}accounts/", {"key": SimpleUploadedFile("key.json", b"{}")})
    assert wrong.status_code == 422
    assert "not the key file of a service account" in wrong.content.decode()
    key = SimpleUploadedFile("key.json", json.dumps(google.key).encode())
    assert desk.post(f"{SHEETS}accounts/", {"key": key, "name": "Office"}).status_code == 302
    page = shown(desk, f"{SHEETS}accounts/")
    assert google.email in page
    assert "PRIVATE KEY" not in page
    account = GoogleAccount.objects.get()

    tabs = [{"title": "Sheet1", "rows": ROWS}, {"title": "Empty"}]
    made = google.admin("spreadsheets", {"title": "Inventory", "tabs": tabs})
    asked = {"account": account.pk, "address": made["id"], "table": "crm.units"}
    unshared = desk.post(f"{SHEETS}new/", asked)
    assert unshared.status_code == 422
    assert f"Share the document with {google.email}" in unshared.content.decode()
    nonsense = desk.post(f"{SHEETS}new/", asked | {"address": "my sheet"})
    assert "the document&#x27;s address from the browser" in nonsense.content.decode()

    made = google.admin("spreadsheets", {"title": "Inventory", "tabs": tabs, "shared_with": {google.email: "writer"}})
    asked["address"] = f"https://docs.google.com/spreadsheets/d/{made['id']}/edit#gid=0"
    assert "Link this tab" in desk.post(f"{SHEETS}new/", asked).content.decode()
    empty = desk.post(f"{SHEETS}new/", asked | {"tab": made["tabs"][1]["id"]})
    assert (empty.status_code, Spreadsheet.objects.count()) == (422, 0)
    sent = desk.post(f"{SHEETS}new/", asked | {"tab": made["tabs"][0]["id"]})
    sheet = Spreadsheet.objects.get()
    assert sent["Location"] == f"{SHEETS}{sheet.pk}/mapping/"
    assert "linked already" in desk.post(f"{SHEETS}new/", asked | {"tab": made["tabs"][0]["id"]}).content.decode()

    mapping = shown(desk, f"{SHEETS}{sheet.pk}/mapping/")
    assert "رنا عزيز" in mapping
    tried = desk.post(f"{SHEETS}{sheet.pk}/mapping/", chosen(sheet, **{"direction-5": "sheet", "dry_run": ""}))
    run = ImportRun.objects.get()
    assert tried["Location"] == f"{SHEETS}{sheet.pk}/syncs/{run.pk}/"
    assert "Waiting for a worker" in shown(desk, tried["Location"])
    work(manager)
    assert "This is what a sync would do now" in shown(desk, tried["Location"])
    assert not Property.objects.exists()
    sheet.refresh_from_db()
    assert (sheet.directions["Asking Price"], sheet.is_paused) == ("sheet", True)

    desk.post(f"{SHEETS}{sheet.pk}/pause/", {"is_paused": "no"})
    desk.post(f"{SHEETS}{sheet.pk}/syncs/", {"now": ""})
    again = desk.post(f"{SHEETS}{sheet.pk}/syncs/", {"now": ""}, follow=True)
    assert "being synced right now" in again.content.decode()
    work(manager)
    page = shown(desk, f"{SHEETS}{sheet.pk}/")
    assert "just now" in page
    assert Property.objects.count() == 3
    assert "Inventory · Sheet1" in shown(desk, SHEETS)
    done = ImportRun.objects.latest("pk")
    wrong_rows = shown(desk, f"/o/palm/imports/{done.pk}/rows/")
    assert "range=A4" in wrong_rows
    assert desk.get(f"/o/palm/imports/{done.pk}/")["Location"] == f"{SHEETS}{sheet.pk}/syncs/{done.pk}/"


def chosen(sheet: Spreadsheet, **changes: Any) -> dict[str, Any]:
    """What the form of the columns sends."""
    fields = {f"column-{n}": sheet.mapping["columns"][name] for n, name in enumerate(sheet.header)}
    fixed = {"option-area_unit": "sqm", "name": sheet.name, "interval": sheet.interval, "account": sheet.account_id}
    return fields | fixed | changes


def conflicting(office: Office, *numbers: int) -> list[Conflict]:
    """Units whose status is `Vacant` here and `Sold` in the sheet."""
    office.link(ROWS)
    office.sync()
    for number in numbers:
        office.set(**{f"E{number + 1}": "Sold"})
        services.update_property(
            actor=office.actor, property=Property.objects.get(p_number=str(number)), status="available"
        )
    office.sync()
    return list(Conflict.objects.order_by("row"))


def test_a_conflict_is_shown_with_both_sides_and_decided(desk: Client, office: Office, manager: Actor) -> None:
    assert "Nothing is in conflict" in shown(desk, CONFLICTS)
    (conflict,) = conflicting(office, 1)

    page = shown(desk, CONFLICTS)
    unit = Property.objects.get(p_number="1")
    for text in ("Sold", "Available", "Rented", f"/o/palm/units/{unit.pk}/", "range=A2", manager.user.name):  # type: ignore[union-attr]
        assert text in page
    assert "No conflict fits" in shown(desk, f"{CONFLICTS}?q=nothing-like-it")
    assert "Sold" in shown(desk, f"{CONFLICTS}?q=2&column=Status&sheet={office.sheet.pk}")
    for place in (SHEETS, "/o/palm/units/"):
        assert "1 conflict" in shown(desk, place)

    sent = desk.post(f"{CONFLICTS}decisions/", {"one": f"theirs-{conflict.pk}", "query": "box=open"})
    assert sent["Location"] == f"{CONFLICTS}?box=open"
    assert "waits for the next sync" in shown(desk, f"{CONFLICTS}?box=decided")
    work(manager)

    unit.refresh_from_db()
    assert unit.status == "sold"
    assert "The sheet is right" in shown(desk, f"{CONFLICTS}?box=settled")
    late = desk.post(f"{CONFLICTS}decisions/", {"one": f"ours-{conflict.pk}"}, follow=True)
    assert "this is settled already" in late.content.decode()


def test_of_two_who_decide_at_once_the_second_is_told(desk: Client, office: Office, manager: Actor) -> None:
    (conflict,) = conflicting(office, 1)
    seen = {f"seen-{conflict.pk}": conflict.state}

    desk.post(f"{CONFLICTS}decisions/", {"one": f"theirs-{conflict.pk}", **seen})
    told = desk.post(f"{CONFLICTS}decisions/", {"one": f"ours-{conflict.pk}", **seen}, follow=True)

    assert "somebody decided or changed it meanwhile" in told.content.decode()
    conflict.refresh_from_db()
    assert conflict.resolution == "theirs"


def test_many_are_decided_at_once_after_they_were_shown(desk: Client, office: Office, manager: Actor) -> None:
    found = conflicting(office, 1, 2)
    ids = [conflict.pk for conflict in found]

    nothing = desk.post(f"{CONFLICTS}decisions/", {"resolution": "ours"}, follow=True)
    assert "Tick the cells first" in nothing.content.decode()
    preview = desk.post(f"{CONFLICTS}decisions/", {"resolution": "ours", "conflict": ids}).content.decode()
    assert "Decide 2 cells" in preview
    assert not Conflict.objects.resolved().exists()
    desk.post(f"{CONFLICTS}decisions/", {"resolution": "ours", "conflict": ids, "confirmed": "yes"})
    work(manager)

    assert office.column("Status")[:2] == ["Available", "Available"]
    assert not Conflict.objects.open().exists()


def test_the_difference_of_a_sync_is_read_cell_by_cell(desk: Client, office: Office, manager: Actor) -> None:
    office.link(ROWS)
    office.sync()
    office.set(E2="Vacant")
    services.update_property(actor=manager, property=Property.objects.get(p_number="3"), asking_price="1500000")
    run = office.sync()
    page = f"{SHEETS}{office.sheet.pk}/syncs/{run.pk}/"

    both = shown(desk, page)
    assert "1500000 CASH" in both
    assert "Rented" in both
    assert "1500000 CASH" not in shown(desk, f"{page}?side=app")
    assert "Rented" not in shown(desk, f"{page}?side=sheet")
    assert "No cell fits" in shown(desk, f"{page}?q=nothing-like-it")


def test_rows_that_are_gone_are_looked_at_and_then_accepted(desk: Client, office: Office, manager: Actor) -> None:
    many = lines(
        *({"P-NUMBER": n, "PROJECT": "Vardon", "NAME": f"Owner {n}", "Status": "Rented"} for n in range(1, 41))
    )
    office.link(many)
    office.sync()
    office.edit({"op": "delete_rows", "at": 2, "count": 30})
    office.sync()
    page = shown(desk, f"{SHEETS}{office.sheet.pk}/")
    assert "The rows are meant to be gone" in page

    desk.post(f"{SHEETS}{office.sheet.pk}/syncs/", {"accept_missing": "yes"})
    work(manager)

    office.sheet.refresh_from_db()
    assert (office.sheet.status, office.sheet.last_error) == ("synced", "")


def test_agents_and_other_houses_see_nothing_of_it(office: Office, agent: Actor, outsider: Actor) -> None:
    (conflict,) = conflicting(office, 1)
    sheet = office.sheet.pk
    pages = [SHEETS, f"{SHEETS}{sheet}/", f"{SHEETS}{sheet}/mapping/", f"{SHEETS}accounts/", CONFLICTS]

    assert {signed_in(agent).get(page).status_code for page in pages} == {403}
    assert {signed_in(outsider).get(page).status_code for page in pages} == {404}
    signed_in(agent).post(f"{CONFLICTS}decisions/", {"one": f"theirs-{conflict.pk}"})
    theirs = Client()
    theirs.force_login(outsider.user)  # type: ignore[arg-type]
    theirs.post(f"{CONFLICTS}decisions/", {"one": f"theirs-{conflict.pk}"})
    assert Conflict.objects.open().count() == 1


def test_the_pages_ask_the_same_few_questions_however_much_there_is(
    desk: Client, office: Office, manager: Actor, django_assert_max_num_queries: Any
) -> None:
    conflicting(office, 1, 2, 3)
    with django_assert_max_num_queries(10):
        desk.get(SHEETS)
    with django_assert_max_num_queries(14):
        desk.get(CONFLICTS)


def test_a_paused_sheet_says_so_and_an_account_in_use_stays(desk: Client, office: Office, manager: Actor) -> None:
    office.link(ROWS)
    linking.pause_sheet(actor=manager, spreadsheet=office.sheet, at=timezone.now())

    assert "Inventory · Sheet1" in shown(desk, f"{SHEETS}?state=paused")
    assert "No sheet fits" in shown(desk, f"{SHEETS}?state=failed")
    told = desk.post(f"{SHEETS}accounts/{office.account.pk}/removal/", follow=True)
    assert "link them with another account first" in told.content.decode()
    assert GoogleAccount.objects.exists()
