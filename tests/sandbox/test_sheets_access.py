"""Who gets in: service accounts and their tokens, sharing, Drive, and the quota of a minute."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import gspread
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.exceptions import RefreshError
from gspread.exceptions import APIError, SpreadsheetNotFound

from tests.sandbox.google import Google, Refused, answer_to, running


@pytest.fixture(scope="module")
def process() -> Iterator[Google]:
    with running() as it:
        yield it


@pytest.fixture
def google(process: Google) -> Iterator[Google]:
    process.admin("configure", {"quota": None})
    yield process
    process.admin(f"accounts/{process.email}/restore", {})
    process.admin("reset", {})


def get(google: Google, path: str, token: str = "") -> tuple[int, Any]:
    request = urllib.request.Request(google.url + path)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    return answer_to(request)


def token_of(client: gspread.Client) -> str:
    return str(client.http_client.auth.token)


def test_a_client_signs_in_with_its_key_and_renews_its_token(google: Google) -> None:
    book = google.sheet()
    google.admin("tokens/expire", {})

    assert book.sheet1.acell("A2").value == "Ali"  # the library meets the 401, signs in again and repeats

    google.sandbox("clock", {"advance": 3700})
    assert book.sheet1.acell("A2").value == "Ali"
    assert google.admin("summary")["by_status"]["401"] == 2


def test_a_request_without_a_good_token_is_refused(google: Google) -> None:
    book = google.sheet()

    for token in ("", "ya29.invented"):
        status, answer = get(google, f"/v4/spreadsheets/{book.id}", token)
        assert (status, answer["error"]["status"]) == (401, "UNAUTHENTICATED")
        assert get(google, f"/drive/v3/files/{book.id}", token)[0] == 401


def test_a_revoked_account_gets_no_token_and_its_old_one_is_dead(google: Google) -> None:
    book = google.sheet()
    google.admin(f"accounts/{google.email}/revoke", {})

    with pytest.raises(RefreshError, match="invalid_grant"):
        book.sheet1.get_all_values()
    with pytest.raises(RefreshError, match="account not found"):
        google.log_in(google.key).open_by_key(book.id)

    google.admin(f"accounts/{google.email}/restore", {})
    assert google.log_in(google.key).open_by_key(book.id).title == "Leads book"


def test_a_key_that_is_not_the_accounts_own_signs_nothing(google: Google) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for change, words in (
        ({"private_key": other.decode()}, "Invalid JWT Signature"),
        ({"private_key_id": "0" * 40}, "Invalid JWT Signature"),
        ({"client_email": "nobody@majlis.iam.gserviceaccount.com"}, "account not found"),
    ):
        with pytest.raises(RefreshError, match=words):
            google.log_in({**google.key, **change}).open_by_key("any")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}, "invalid_grant"),
    ],
)
def test_an_assertion_that_is_none(google: Google, form: dict[str, str], error: str) -> None:
    request = urllib.request.Request(f"{google.url}/token", data=urllib.parse.urlencode(form).encode())

    status, answer = answer_to(request)

    assert (status, answer["error"]) == (400, error)


def test_scopes_are_kept_to(google: Google) -> None:
    book = google.sheet()
    reading = google.log_in(google.key, ["https://www.googleapis.com/auth/spreadsheets.readonly"])

    assert reading.open_by_key(book.id).sheet1.acell("A2").value == "Ali"
    with pytest.raises(APIError, match="insufficient authentication scopes"):
        reading.open_by_key(book.id).sheet1.update([["x"]], "A1")
    with pytest.raises(APIError, match="insufficient authentication scopes"):
        reading.open("Leads book")


def test_sharing_decides(google: Google) -> None:
    book = google.sheet()
    google.people(book, {"op": "unshare", "email": google.email})
    with pytest.raises(APIError, match=r"\[403\]: The caller does not have permission"):
        book.sheet1.get_all_values()
    assert get(google, f"/drive/v3/files/{book.id}", token_of(google.client))[0] == 404

    google.people(book, {"op": "share", "email": google.email, "role": "reader"})
    assert book.sheet1.acell("A2").value == "Ali"
    with pytest.raises(APIError, match=r"\[403\]"):
        book.sheet1.update([["x"]], "A1")

    google.people(book, {"op": "delete"})
    with pytest.raises(APIError, match=r"\[404\]: Requested entity was not found"):
        book.sheet1.get_all_values()
    with pytest.raises(SpreadsheetNotFound):
        google.client.open_by_key(book.id)
    google.people(book, {"op": "restore"})
    assert book.sheet1.acell("A2").value == "Ali"
    assert google.state(book)["version"] == 1


def test_anyone_with_the_link_reads_with_a_key(google: Google) -> None:
    public = google.sheet(shared_with={"anyone": "reader", google.email: "writer"})
    private = google.sheet()

    assert get(google, f"/v4/spreadsheets/{public.id}/values/A2?key=k")[1]["values"] == [["Ali"]]
    assert get(google, f"/v4/spreadsheets/{private.id}/values/A2?key=k")[0] == 403


def test_drive_lists_creates_shares_and_tells_of_every_write(google: Google) -> None:
    named = google.sheet(title="Ali's book")
    made = google.client.create("Made by a program")
    made.share("reem@office.example", perm_type="user", role="writer", notify=False)

    assert google.client.open("Ali's book").id == named.id
    assert {"Ali's book", "Made by a program"} <= {each["name"] for each in google.client.list_spreadsheet_files()}
    assert [each["role"] for each in made.list_permissions()] == ["owner", "writer"]
    made.remove_permissions("reem@office.example")
    assert [each["role"] for each in made.list_permissions()] == ["owner"]

    def seen() -> tuple[str, int]:
        fields = "modifiedTime,version,lastModifyingUser(emailAddress)"
        _, file = get(google, f"/drive/v3/files/{named.id}?fields={fields}", token_of(google.client))
        return file["modifiedTime"], int(file["version"])

    before = seen()
    named.sheet1.get_all_values()
    assert seen() == before
    named.sheet1.update([["x"]], "A1")
    by_program = seen()
    google.people(named, {"op": "set", "cells": {"A1": "y"}})
    assert before < by_program < seen()
    assert named.get_lastUpdateTime() == seen()[0]

    google.client.del_spreadsheet(made.id)
    with pytest.raises(SpreadsheetNotFound):
        google.client.open_by_key(made.id)


def test_a_minute_has_so_many_reads_and_writes(google: Google) -> None:
    book = google.sheet()
    google.admin("configure", {"quota": {"read_per_account": 3, "write_per_account": 2}})
    sheet = book.sheet1  # the first read

    sheet.get_all_values()
    sheet.get_all_values()
    with pytest.raises(APIError) as refused:
        sheet.get_all_values()
    sheet.update([["x"]], "A1")
    sheet.update([["y"]], "A1")
    with pytest.raises(APIError, match="'Write requests per minute per user'"):
        sheet.update([["z"]], "A1")

    error = refused.value.error
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["message"].startswith(
        "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute per user' of service "
        "'sheets.googleapis.com' for consumer 'project_number:"
    )
    assert error["details"][0]["metadata"]["quota_limit_value"] == "3"
    google.sandbox("clock", {"advance": 61})
    assert sheet.acell("A1").value == "y"
    assert google.admin("summary")["over_quota"] == 2


def test_a_project_has_its_quota_too(google: Google) -> None:
    book = google.sheet()
    second = google.admin("accounts", {"email": "second@majlis.iam.gserviceaccount.com"})
    google.people(book, {"op": "share", "email": second["client_email"]})
    google.admin("configure", {"quota": {"read_per_project": 3}})
    first, other = book.sheet1, google.log_in(second).open_by_key(book.id)

    first.get_all_values()
    with pytest.raises(APIError, match="limit 'Read requests per minute' of service"):
        other.values_get("A1")


def test_admin_endpoints_say_what_is_wrong(google: Google) -> None:
    for path, body in (
        ("spreadsheets", {"titel": "x"}),
        ("spreadsheets", {"tabs": [{"title": "A"}, {"title": "a"}]}),
        ("spreadsheets", {"workbook": {"rows": 0}}),
        ("spreadsheets", {"workbook": {"layout": "none"}}),
        ("configure", {"quotas": None}),
        ("configure", {"quota": {"reads": 1}}),
        ("faults", {"kind": "meteor"}),
        ("faults", {"where": "moon"}),
        ("faults", {"tmes": 3}),
        ("faults", {"kind": "person"}),
    ):
        with pytest.raises(Refused) as refused:
            google.admin(path, body)
        assert refused.value.args[0] == 400, path
    for path in ("spreadsheets/none", "accounts/none/revoke"):
        with pytest.raises(Refused) as refused:
            google.admin(path, {} if "accounts" in path else None)
        assert refused.value.args[0] == 404
