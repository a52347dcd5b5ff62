"""What goes wrong between the office's sheet and us, and that nothing is lost by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.actors import Actor
from crm import services
from crm.models import Property
from sheets import services as imports
from sheets.errors import AccountInvalid, AlreadyLinked, CredentialsRevoked, DocumentUnknown, SheetNotShared
from sheets.models import ImportRun, RowLink, Spreadsheet
from sheets.sync import linking, performing, requests
from tests.sandbox.google import Google, running
from tests.sheets.linked import Office, lines

ROWS = lines(
    {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000001", "Status": "Rented"},
    {"P-NUMBER": 2, "PROJECT": "Vardon", "NAME": "Ledaan Dahari", "MOBILE": "0500000002", "Status": "Vacant "},
)


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with running() as found:
        yield found


@pytest.fixture
def office(google: Google, manager: Actor, settings: Any) -> Iterator[Office]:
    settings.SHEETS_API_URL = google.url
    settings.SHEETS_RETRY_WAIT = 0.01
    google.admin("faults", method="DELETE")
    google.admin("configure", {"quota": None})
    office = Office(google, manager)
    yield office
    google.admin(f"accounts/{office.account.email}/restore", {})


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "code": 429, "times": 3},
        {"kind": "error", "code": 503, "times": 2},
        {"kind": "reset", "times": 2},
        {"kind": "half_body", "times": 1},
        {"kind": "wrong_json", "times": 1},
        {"kind": "empty", "times": 1},
        {"kind": "http", "status": 502, "times": 2},
        {"kind": "error", "code": 500, "where": "write", "taken": True, "times": 1},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('code', '')}",
)
def test_a_moody_google_ends_in_the_state_of_an_undisturbed_sync(
    office: Office, manager: Actor, fault: dict[str, Any]
) -> None:
    office.link(ROWS)
    office.sync()
    office.set(E2="Vacant")
    services.update_property(actor=manager, property=Property.objects.get(p_number="2"), view="Sea")

    office.fault(**{"where": "all", "spreadsheet": office.document, **fault})
    run = office.sync()
    if run.status == "failed":  # what cannot be read is not asked again by itself: the next sync does
        assert run.error_code == "google_down"
        assert office.sheet.last_success_at is not None
        office.google.admin("faults", method="DELETE")
        run = office.sync()

    assert run.status == "done", run.error
    assert Property.objects.get(p_number="1").status == "vacant"
    assert office.column("View") == ["", "Sea"]
    assert office.sync().counts["unchanged"] == 2


def test_a_quota_that_is_used_up_fails_the_run_and_leaves_what_was_fresh_as_it_was(office: Office) -> None:
    office.link(ROWS)
    office.sync()
    fresh = office.sheet.last_success_at
    office.fault(kind="error", code=429, where="read", spreadsheet=office.document, times=1000)

    at = timezone.now()
    run = office.sync(at=at)

    assert (run.status, run.error_code) == ("failed", "google_busy")
    assert (office.sheet.status, office.sheet.last_success_at, office.sheet.failures) == ("failed", fresh, 1)
    assert office.sheet.next_sync_at == at + timedelta(minutes=1)
    office.sync(at=at)
    assert office.sheet.next_sync_at == at + timedelta(minutes=2)

    office.google.admin("faults", method="DELETE")
    assert office.sync().status == "done"
    assert (office.sheet.failures, office.sheet.last_error) == (0, "")


def test_a_sheet_that_is_not_shared_says_with_whom_to_share_it(office: Office) -> None:
    made = office.google.admin("spreadsheets", {"title": "Secret", "tabs": [{"title": "A", "rows": ROWS}]})
    with pytest.raises(SheetNotShared, match=f"Share the document with {office.account.email} as an editor"):
        linking.look_into(actor=office.actor, account=office.account, address=made["id"])

    office.link(ROWS)
    office.sync()
    office.edit({"op": "unshare", "email": office.account.email})
    assert office.sync().error_code == "sheet_not_shared"

    office.edit({"op": "share", "email": office.account.email, "role": "reader"})
    office.edit({"op": "append", "rows": [[3, "Vardon"]]})
    run = office.sync()
    assert (run.error_code, Property.objects.count()) == ("sheet_not_shared", 2)

    office.edit({"op": "share", "email": office.account.email, "role": "writer"})
    assert office.sync().counts["new"] == 1


def test_revoked_credentials_are_said_and_a_new_key_mends_it(office: Office) -> None:
    office.link(ROWS)
    office.sync()
    office.google.admin(f"accounts/{office.account.email}/revoke", {})

    run = office.sync()

    assert run.error_code == "google_credentials_revoked"
    office.account.refresh_from_db()
    assert "Make a new key and upload it" in office.account.last_error
    with pytest.raises(CredentialsRevoked):
        linking.look_into(actor=office.actor, account=office.account, address=office.document)

    office.google.admin(f"accounts/{office.account.email}/restore", {})
    linking.add_account(actor=office.actor, key=json.dumps(office.google.key), at=timezone.now())
    assert office.sync().status == "done"


def test_a_renamed_tab_is_harmless_and_a_deleted_one_is_said(office: Office) -> None:
    office.link(ROWS)
    office.sync()

    office.edit({"op": "rename_tab", "tab": "Sheet1", "to": "Stock '26"}, {"op": "add_tab", "title": "Other"})
    assert office.sync().status == "done"
    assert office.sheet.tab == "Stock '26"

    office.edit({"op": "delete_tab", "tab": "Stock '26"})
    run = office.sync()
    assert (run.error_code, Property.objects.filter(status="archived").count()) == ("tab_gone", 0)
    assert "it has: Other" in run.error


def test_a_mapped_column_that_is_gone_or_renamed_is_named_and_others_may_move(office: Office) -> None:
    office.link(ROWS)
    office.sync()
    office.edit({"op": "move_columns", "at": "E", "to": "B"}, {"op": "insert_columns", "at": "A", "header": "Remarks"})
    run = office.sync()
    assert (run.status, run.counts["changed"]) == ("done", 0), run.error
    assert "Remarks" in office.sheet.header

    office.edit({"op": "rename_header", "header": "MOBILE", "to": "Handy", "row": 1})
    run = office.sync()
    assert (run.error_code, Property.objects.count()) == ("column_gone", 2)
    assert "The column 'MOBILE' is not in the sheet any more (row 1 has:" in run.error

    office.sync()
    linking.change_linked_sheet(
        actor=office.actor, spreadsheet=office.sheet, document={"columns": {"MOBILE": ""}}, at=timezone.now()
    )
    run = office.sync()
    assert run.status == "done"
    linking.change_linked_sheet(
        actor=office.actor, spreadsheet=office.sheet, document={"columns": {"Handy": "mobile"}}, at=timezone.now()
    )
    run = office.sync()
    assert (run.status, Property.objects.count()) == ("done", 2), run.error


def test_two_columns_of_one_name_an_empty_tab_and_a_huge_cell(office: Office) -> None:
    rows = [
        ["P-NUMBER", "PROJECT", "NAME", "NAME", "Status", "notes"],
        [1, "Vardon", "A Person", "أحمد 🏠 القاسمي", "Rented", "x" * 49_000],
    ]
    office.link(rows)
    run = office.sync()
    assert run.status == "done", run.error
    assert office.sheet.header[:4] == ["P-NUMBER", "PROJECT", "NAME", "NAME (2)"]
    assert list(run.errors.values_list("column", "code")) == [("notes", "value_too_long")]
    office.edit({"op": "clear", "range": "A1:Z50"})
    assert office.sync().error_code == "column_gone"


def test_what_cannot_be_linked_is_refused_in_words(office: Office) -> None:
    with pytest.raises(DocumentUnknown, match="Copy the document's address from the browser"):
        linking.look_into(actor=office.actor, account=office.account, address="https://example.com/x y")
    with pytest.raises(AccountInvalid, match="This is not the key file of a service account"):
        linking.add_account(actor=office.actor, key="{}", at=timezone.now())
    elsewhere = {**office.google.key, "token_uri": "http://169.254.169.254/token"}
    with pytest.raises(AccountInvalid, match="another place for its tokens"):
        linking.add_account(actor=office.actor, key=json.dumps(elsewhere), at=timezone.now())
    office.link(ROWS)
    with pytest.raises(AlreadyLinked):
        linking.link_sheet(
            actor=office.actor, account=office.account, address=office.document, tab_id=0, at=timezone.now()
        )


def test_due_sheets_are_queued_once_however_many_schedulers_there_are(office: Office) -> None:
    sheet = office.link(ROWS)
    organization = office.actor.organization
    at = timezone.now() + timedelta(seconds=1)

    assert [requests.request_due(organization=organization, at=at) for _ in range(2)] == [1, 0]
    run = ImportRun.objects.get(kind="google")
    performing.perform(organization=organization, run_id=run.pk, at=at)
    assert performing.perform(organization=organization, run_id=run.pk, at=at) is None
    sheet.refresh_from_db()
    assert sheet.next_sync_at is not None
    assert requests.request_due(organization=organization, at=sheet.next_sync_at - timedelta(seconds=1)) == 0
    assert requests.request_due(organization=organization, at=sheet.next_sync_at) == 1
    linking.pause_sheet(actor=office.actor, spreadsheet=sheet, at=at)
    assert not Spreadsheet.objects.all().due(sheet.next_sync_at + timedelta(days=1)).exists()


def test_a_sync_taken_back_is_taken_back_exactly_and_pauses_the_sheet(office: Office, manager: Actor) -> None:
    office.link(ROWS)
    office.sync()
    office.set(E2="Vacant", G3="Sea")
    run = office.sync()
    services.update_property(actor=manager, property=Property.objects.get(p_number="2"), view="Park")

    imports.request_reversal(actor=manager, run=run, at=timezone.now())
    reversal = imports.revert(organization=manager.organization, run_id=run.pk, at=timezone.now())

    assert reversal is not None
    assert Property.objects.get(p_number="1").status == "rented"
    assert Property.objects.get(p_number="2").view == "Park"
    office.sheet.refresh_from_db()
    assert office.sheet.is_paused
    assert office.column("Status")[0] == "Vacant"
    assert RowLink.objects.count() == 2


def test_a_page_of_rows_is_read_piece_by_piece_when_the_sheet_is_long(office: Office, monkeypatch: Any) -> None:
    monkeypatch.setattr("sheets.sync.reading.ROWS_A_CALL", 7)
    rows = lines(*[{"P-NUMBER": n, "PROJECT": "Vardon", "Status": "Rented"} for n in range(1, 31)])
    office.link(rows, row_count=40)

    assert office.sync().counts["new"] == 30
    office.edit({"op": "sort", "column": "A", "descending": True, "from_row": 2})
    assert office.sync().counts["unchanged"] == 30
    assert Property.objects.count() == 30
