"""Values through the real gspread client: what is read, written, appended and cleared, and how Google means it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gspread.exceptions import APIError, SpreadsheetNotFound

from tests.sandbox.google import Google, running


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with running() as it:
        it.admin("configure", {"quota": None})
        yield it


def test_a_sheet_is_read_as_it_is_shown(google: Google) -> None:
    book = google.sheet({"title": "Leads", "rows": [["Name", "Phone"], ["Ali", 971500000001.0], ["", None, True]]})

    assert book.sheet1.get_all_values() == [["Name", "Phone", ""], ["Ali", "971500000001", ""], ["", "", "TRUE"]]
    assert book.sheet1.get("A2:C3", value_render_option="UNFORMATTED_VALUE") == [
        ["Ali", 971500000001],
        ["", "", True],
    ]


def test_raw_is_text_and_typed_is_understood(google: Google) -> None:
    sheet = google.sheet({"title": "Leads"}).sheet1
    line = ["=1+1", "+971500000001", "+971 50 000 0001", "0501234567", "1/2/2026", "TRUE", "'=1", "1,200", "5%", ""]

    sheet.update([line, ["x"]], "A1", raw=True)
    sheet.update([line], "A2", raw=False)

    assert sheet.row_values(1) == line[:-1]
    assert sheet.get("A2:J2") == [
        ["2", "971500000001", "#ERROR!", "501234567", "1/2/2026", "TRUE", "=1", "1,200", "5%"]
    ]
    assert sheet.get("A2:J2", value_render_option="UNFORMATTED_VALUE") == [
        [2, 971500000001, "#ERROR!", 501234567, 46024, True, "=1", 1200, 0.05]
    ]
    assert sheet.get("A2:D2", value_render_option="FORMULA")[0][0] == "=1+1"


def test_a_write_outside_of_the_grid_is_refused_and_changes_nothing(google: Google) -> None:
    book = google.sheet({"title": "Leads", "rows": [["a"]], "row_count": 3, "column_count": 2})

    for values, place in (([["x", "y", "z"]], "A1"), ([["x"]] * 4, "A1"), ([["x"]], "C1"), ([["x"]], "A4")):
        with pytest.raises(APIError, match="exceeds grid limits"):
            book.sheet1.update(values, place)
    with pytest.raises(APIError, match=r"Requested writing within range \[Leads!A1:B1\], but tried writing to row"):
        book.sheet1.update([["x"], ["y"]], "A1:B1")

    state = google.state(book)
    assert (state["version"], state["tabs"][0]["values"]) == (1, [["a"]])


def test_a_spreadsheet_that_is_not_there_or_not_ours(google: Google) -> None:
    private = google.admin("spreadsheets", {"title": "Private"})
    shown = google.admin("spreadsheets", {"title": "Shown", "shared_with": {google.email: "reader"}})

    with pytest.raises(SpreadsheetNotFound):
        google.client.open_by_key("nothing")
    with pytest.raises(PermissionError):
        google.client.open_by_key(private["id"])
    with pytest.raises(APIError, match=r"\[403\]: The caller does not have permission"):
        google.client.open_by_key(shown["id"]).sheet1.update([["x"]], "A1")
