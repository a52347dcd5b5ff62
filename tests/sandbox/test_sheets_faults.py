"""What goes wrong between a client and Google, and the other people who edit at the worst of moments."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import gspread
import pytest
import requests
from google.auth.exceptions import RefreshError, TransportError
from gspread.exceptions import APIError

from tests.sandbox.google import Google, Refused, running


@pytest.fixture(scope="module")
def process() -> Iterator[Google]:
    with running() as it:
        yield it


@pytest.fixture
def google(process: Google) -> Google:
    process.admin("reset", {})
    process.admin("configure", {"quota": None})
    return process


@pytest.fixture
def book(google: Google) -> gspread.Spreadsheet:
    book = google.sheet()
    google.admin("received", method="DELETE")
    return book


def first(google: Google, book: gspread.Spreadsheet) -> str:
    return str(google.state(book)["tabs"][0]["values"][0][0])


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 503])
def test_every_error_can_be_switched_on(google: Google, book: gspread.Spreadsheet, code: int) -> None:
    google.fault(kind="error", code=code, where="read", times=3 if code == 401 else 1, spreadsheet=book.id)

    with pytest.raises(APIError) as refused:
        book.values_get("A1")

    assert (refused.value.code, refused.value.error["code"]) == (code, code)
    google.admin("faults", method="DELETE")
    assert book.values_get("A1")["values"] == [["Name"]]


@pytest.mark.parametrize(
    ("kind", "taken"),
    [("error", False), ("http", False), ("reset", False), ("timeout", True), ("half_body", True), ("wrong_json", True), ("empty", True)],
)  # fmt: skip
def test_a_write_is_taken_or_not_before_the_line_dies(
    google: Google, book: gspread.Spreadsheet, kind: str, taken: bool
) -> None:
    for chosen in (taken, not taken):
        switch = {} if chosen == taken else {"taken": chosen}
        google.fault(kind=kind, where="write", times=1, delay=0.2, **switch)
        before = first(google, book)

        # A whole answer that cannot be read is a JSON error; one that never comes whole is the line's.
        with pytest.raises((APIError, requests.RequestException, ValueError)):
            book.values_update("A1", {"valueInputOption": "RAW"}, {"values": [[f"{kind} {chosen}"]]})

        assert first(google, book) == (f"{kind} {chosen}" if chosen else before)
        entry = google.admin("received?where=write")["received"][-1]
        assert (entry["fault"], entry["taken"]) == (kind, chosen)


@pytest.mark.parametrize("kind", ["slow", "drip"])
def test_slow_answers_arrive_whole(google: Google, book: gspread.Spreadsheet, kind: str) -> None:
    google.fault(kind=kind, delay=0.3, times=1)
    started = time.monotonic()

    assert book.values_get("A1")["values"] == [["Name"]]

    assert time.monotonic() - started >= 0.25


def test_the_token_endpoint_fails_in_its_own_words(google: Google, book: gspread.Spreadsheet) -> None:
    google.fault(kind="error", code=400, where="token", times=1, message="Account disabled")
    with pytest.raises(RefreshError, match="Account disabled"):
        google.log_in(google.key).open_by_key(book.id)

    google.fault(kind="reset", where="token", times=20)
    with pytest.raises((RefreshError, TransportError, requests.RequestException)):
        google.log_in(google.key).open_by_key(book.id)


def test_faults_strike_whom_they_are_meant_for(google: Google, book: gspread.Spreadsheet) -> None:
    other = google.sheet()
    google.fault(code=503, where="read", spreadsheet=book.id, after=1, times=1)
    google.fault(code=500, path=":append", times=1)

    assert other.values_get("A1")
    assert book.values_get("A1")  # the first passes
    with pytest.raises(APIError, match=r"\[503\]"):
        book.values_get("A1")
    with pytest.raises(APIError, match=r"\[500\]"):
        other.sheet1.append_row(["x"])

    assert [each["struck"] for each in google.admin("faults")["faults"]] == [1, 1]
    assert google.admin("faults", method="DELETE") == {"removed": 2}


def test_a_fault_ends_by_the_clock_and_chance_is_seeded(google: Google, book: gspread.Spreadsheet) -> None:
    google.fault(code=503, seconds=30)
    with pytest.raises(APIError):
        book.values_get("A1")
    google.sandbox("clock", {"advance": 31})
    assert book.values_get("A1")
    google.admin("faults", method="DELETE")

    def struck() -> list[bool]:
        google.fault(code=500, share=0.4, seed=5)
        outcomes = []
        for _ in range(20):
            try:
                book.values_get("A1")
                outcomes.append(False)
            except APIError:
                outcomes.append(True)
        google.admin("faults", method="DELETE")
        return outcomes

    once = struck()
    assert once == struck()
    assert 3 <= sum(once) <= 14


def test_another_person_edits_just_before_a_write(google: Google, book: gspread.Spreadsheet) -> None:
    google.fault(
        kind="person",
        where="write",
        by="omar@office.example",
        ops=[{"op": "insert_rows", "at": 2, "rows": [["Omar's row"]]}, {"op": "set", "cells": {"C3": "lost"}}],
    )

    book.values_update("A2", {"valueInputOption": "RAW"}, {"values": [["written blindly"]]})
    book.values_update("B1", {"valueInputOption": "RAW"}, {"values": [["again"]]})

    assert [line[0] for line in google.state(book)["tabs"][0]["values"]] == [
        "Name", "written blindly", "Ali", "Sara", "Omar",
    ]  # fmt: skip
    assert [each["who"] for each in google.state(book)["log"]] == ["omar@office.example", google.email, google.email]


def test_another_person_edits_between_a_read_and_the_write(google: Google, book: gspread.Spreadsheet) -> None:
    google.fault(kind="person", where="read", when="after", ops=[{"op": "sort", "column": "A", "descending": True}])

    seen = book.sheet1.col_values(1)

    assert seen == ["Name", "Ali", "Sara", "Omar"]
    assert book.sheet1.col_values(1) == ["Name", "Sara", "Omar", "Ali"]


def test_a_person_and_a_dying_line_at_once(google: Google, book: gspread.Spreadsheet) -> None:
    google.fault(kind="person", where="write", when="after", ops=[{"op": "set", "cells": {"A1": "theirs"}}])
    google.fault(kind="half_body", where="write", times=1)

    with pytest.raises(requests.RequestException):
        book.values_update("A1", {"valueInputOption": "RAW"}, {"values": [["ours"]]})

    assert first(google, book) == "theirs"
    assert [each["who"] for each in google.state(book)["log"]] == [google.email, "reem@office.example"]


def test_a_person_who_could_not_edit_says_so(google: Google, book: gspread.Spreadsheet) -> None:
    google.fault(kind="person", ops=[{"op": "rename_tab", "tab": "Gone", "to": "x"}])

    assert book.values_get("A1")

    assert "no tab 'Gone'" in google.admin("faults")["faults"][0]["failed"]
    assert google.state(book)["version"] == 1


def test_writers_at_the_same_time_lose_nothing(google: Google, book: gspread.Spreadsheet) -> None:
    def append(name: str) -> None:
        own = google.log_in(google.key).open_by_key(book.id)
        for number in range(10):
            own.values_append("Leads", {"valueInputOption": "RAW"}, {"values": [[f"{name}{number}"]]})

    threads = [threading.Thread(target=append, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for number in range(10):
        google.people(book, {"op": "append", "rows": [[f"e{number}"]]})
    for thread in threads:
        thread.join()

    written = [line[0] for line in google.state(book)["tabs"][0]["values"][4:]]
    assert sorted(written) == sorted(f"{name}{number}" for name in "abcde" for number in range(10))
    assert google.state(book)["version"] == 51


def test_the_record_keeps_no_secrets(google: Google, book: gspread.Spreadsheet) -> None:
    google.log_in(google.key).open_by_key(book.id).sheet1.update([["x"]], "A1")

    received = google.admin("received")["received"]

    assert [each["operation"] for each in received] == ["token", "get", "get", "values.update"]
    assert received[-1]["body"]["values"] == [["x"]]
    assert received[-1]["account"] == google.email
    assert "ya29" not in str(received)
    assert "eyJ" not in str(received)
    assert google.admin("summary")["by_spreadsheet"][book.id] == {"meta": 2, "write": 1}


def test_edits_by_hand_that_cannot_be_done_change_nothing(google: Google, book: gspread.Spreadsheet) -> None:
    for ops in (
        [{"op": "fly"}],
        [{"op": "set", "cells": {"A1": "x"}}, {"op": "set", "tab": "Gone", "cells": {"A1": "x"}}],
        [{"op": "set", "cells": {"A1": "x"}}, {"op": "undo"}],
        [{"op": "delete_rows", "at": 5000}],
        [{"op": "rename_header", "header": "Gone", "to": "x"}],
    ):
        with pytest.raises(Refused):
            google.people(book, *ops)

    assert google.state(book)["version"] == 1
