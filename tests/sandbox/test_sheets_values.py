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


def test_dates_are_numbers_with_a_format_that_outlives_them(google: Google) -> None:
    sheet = google.sheet({"title": "Leads"}, locale="en_GB").sheet1
    sheet.update([["31/12/2025", "2026-01-02", "2 Jan 2026", "10:30", "1/2/2026 10:30", "13/13/2026"]], "A1", raw=False)
    sheet.update([[45000]], "A1", raw=True)

    assert sheet.row_values(1) == ["15/03/2023", "2026-01-02", "2 Jan 2026", "10:30", "01/02/2026 10:30", "13/13/2026"]
    assert sheet.get("A1:D1", value_render_option="UNFORMATTED_VALUE") == [[45000, 46024, 46024, 0.4375]]
    assert sheet.get("A1:B1", value_render_option="UNFORMATTED_VALUE", date_time_render_option="FORMATTED_STRING") == [
        ["15/03/2023", "2026-01-02"]
    ]


def test_numbers_are_shown_as_sheets_shows_them(google: Google) -> None:
    sheet = google.sheet({"title": "Leads"}).sheet1
    numbers = [971500000001, 1 / 3, 1234.5678901234, 0.1 + 0.2, 1e15, 0.000001, -5, 2.50, 12345678901234567890]

    sheet.update([numbers], "A1")

    assert sheet.row_values(1) == [
        "971500000001", "0.3333333333", "1234.56789", "0.3", "1E+15", "1E-06", "-5", "2.5", "1.23457E+19",
    ]  # fmt: skip


def test_formulas_are_worked_out_and_read_three_ways(google: Google) -> None:
    book = google.sheet(
        {
            "title": "Deals",
            "typed": True,
            "rows": [
                ["Price", "Share", "Due"],
                ["100", "2%", "=A2*B2"],
                ["300", "5%", "=A3*B3"],
                ["=SUM(A2:A3)", '=IF(A4>350,"big","small")', "=ROUND(AVERAGE(C2:C3),1)"],
                ["=A1/0", "=Gone!A1", "=NOSUCH(1)"],
                ['=IFERROR(A5,"none")', "=B6", "=VLOOKUP(300,A2:B3,2,0)"],
            ],
        }
    )

    assert book.sheet1.get("A4:C6") == [
        ["400", "big", "8.5"],
        ["#VALUE!", "#REF!", "#NAME?"],
        ["none", "#REF!", "0.05"],
    ]
    assert book.sheet1.get("C2:C3", value_render_option="FORMULA") == [["=A2*B2"], ["=A3*B3"]]
    assert book.sheet1.get("C2", value_render_option="UNFORMATTED_VALUE") == [[2]]


def test_a_running_total_and_a_circle(google: Google) -> None:
    rows = [
        ["1", "=A1", "=C2+A1"],
        *([str(row), f"=B{row - 1}+A{row}", f"=C{row + 1}+A{row}"] for row in range(2, 2001)),
    ]
    book = google.sheet(
        {"title": "Total", "typed": True, "rows": [*rows, ["=B2001", "=A2001"], ["=(-1)^0.5", "=9^9999"]]}
    )

    assert book.sheet1.get("B2000") == [["2001000"]]
    assert book.sheet1.get("C1") == [["2001000"]]
    assert book.sheet1.get("A2001:B2002") == [["#REF!", "#REF!"], ["#NUM!", "#NUM!"]]


def test_ranges_in_every_notation(google: Google) -> None:
    rows = [["a1", "b1", "c1"], ["a2", "b2", "c2"], ["a3", "b3"]]
    book = google.sheet({"title": "Owner's list", "rows": rows}, {"title": "Other", "rows": [["x"]]})

    found = {
        text: book.values_get(text).get("values")
        for text in ("'Owner''s list'!A2:B", "B:B", "2:3", "B2", "Other", "C3", "'owner''s LIST'!C1", "Other!A1:C9")
    }

    assert found == {
        "'Owner''s list'!A2:B": [["a2", "b2"], ["a3", "b3"]],
        "B:B": [["b1"], ["b2"], ["b3"]],
        "2:3": [["a2", "b2", "c2"], ["a3", "b3"]],
        "B2": [["b2"]],
        "Other": [["x"]],
        "C3": None,
        "'owner''s LIST'!C1": [["c1"]],
        "Other!A1:C9": [["x"]],
    }
    assert book.values_get("B2:B3", {"majorDimension": "COLUMNS"}) == {
        "range": "'Owner''s list'!B2:B3",
        "majorDimension": "COLUMNS",
        "values": [["b2", "b3"]],
    }
    for wrong in ("Gone!A1", "'Other", "A1:", "A0", "1", "Other!!A1"):
        with pytest.raises(APIError, match=r"\[400\]: Unable to parse range"):
            book.values_get(wrong)


def test_append_finds_the_table_not_the_end_of_the_sheet(google: Google) -> None:
    rows = [["a", "b", "c"], ["1", "2", "3"], [], ["", "x", "y", "z"], ["", "1", "2", "3"], ["", "4", "5", "6"]]
    more = {"valueInputOption": "RAW"}

    def appended(text: str, query: dict[str, str] | None = None) -> tuple[str | None, str]:
        book = google.sheet({"title": "Sheet1", "rows": rows})
        answer = book.values_append(text, {**more, **(query or {})}, {"values": [["new"]]})
        return answer.get("tableRange"), answer["updates"]["updatedRange"]

    # The examples of Google's guide to appending.
    assert appended("Sheet1") == ("Sheet1!B4:D6", "Sheet1!B7")
    assert appended("Sheet1!C5:D5") == ("Sheet1!B4:D6", "Sheet1!B7")
    assert appended("Sheet1!B2:D4") == ("Sheet1!B4:D6", "Sheet1!B7")
    assert appended("Sheet1!A3:G10") == ("Sheet1!B4:D6", "Sheet1!B7")
    assert appended("Sheet1!A1") == ("Sheet1!A1:C2", "Sheet1!A3")
    assert appended("Sheet1!F4") == (None, "Sheet1!F4")


def test_append_grows_the_grid_and_can_push_rows_down(google: Google) -> None:
    book = google.sheet({"title": "Leads", "rows": [["a"], ["b"]], "row_count": 2, "column_count": 1})

    book.sheet1.append_rows([["c", "d"], ["e", "f"]])
    book.sheet1.append_row(["new"], insert_data_option="INSERT_ROWS", table_range="A1")
    tab = google.state(book)["tabs"][0]

    assert tab["values"] == [["a"], ["b"], ["c", "d"], ["e", "f"], ["new"]]
    assert (tab["rows"], tab["columns"]) == (5, 2)


def test_insert_rows_option_keeps_what_stands_below(google: Google) -> None:
    book = google.sheet({"title": "Leads", "rows": [["a"], [], ["total"]]})

    book.sheet1.append_row(["b"], table_range="A1", insert_data_option="INSERT_ROWS")

    assert book.sheet1.get_all_values() == [["a"], ["b"], [""], ["total"]]


def test_batches_are_whole_or_nothing(google: Google) -> None:
    book = google.sheet({"title": "Leads", "rows": [["a", "b"]]})
    good, bad = {"range": "A1", "values": [["x"]]}, {"range": "Gone!A1", "values": [["y"]]}

    with pytest.raises(APIError, match="Unable to parse range: Gone!A1"):
        book.values_batch_update({"valueInputOption": "RAW", "data": [good, bad]})
    assert google.state(book)["version"] == 1

    answer = book.values_batch_update(
        {"valueInputOption": "RAW", "data": [good, {"range": "A2:B3", "values": [["1", None], ["", "2"]]}]}
    )
    assert {name: answer[name] for name in answer if name.startswith("total")} == {
        "totalUpdatedRows": 3,
        "totalUpdatedColumns": 3,
        "totalUpdatedCells": 4,
        "totalUpdatedSheets": 1,
    }
    assert book.sheet1.get_all_values() == [["x", "b"], ["1", ""], ["", "2"]]
    book.values_batch_clear(body={"ranges": ["A1", "B3"]})
    assert book.sheet1.get_all_values() == [["", "b"], ["1", ""]]


def test_null_skips_and_an_empty_text_empties(google: Google) -> None:
    book = google.sheet({"title": "Leads", "rows": [["a", "b", "c"]]})

    answer = book.sheet1.update([[None, "", "z"]], "A1")

    assert (answer["updatedRange"], answer["updatedCells"]) == ("Leads!A1:C1", 2)
    assert book.sheet1.row_values(1) == ["a", "", "z"]


def test_nothing_there_is_no_values_key(google: Google) -> None:
    book = google.sheet({"title": "Leads", "rows": [["a"], [], ["", "b"], []]})

    assert book.values_get("C1:D9") == {"range": "Leads!C1:D9", "majorDimension": "ROWS"}
    assert book.values_get("A1:Z1000")["values"] == [["a"], [], ["", "b"]]


@pytest.mark.parametrize("option", ["RAW", "USER_ENTERED"])
def test_a_cell_holds_fifty_thousand_characters(google: Google, option: str) -> None:
    book = google.sheet({"title": "Leads"})

    book.sheet1.update([["ص" * 50_000]], "A1", value_input_option=option)
    with pytest.raises(APIError, match="Your input contains more than the maximum of 50000 characters"):
        book.sheet1.update([["x" * 60_000]], "A2", value_input_option=option)

    assert len(book.sheet1.acell("A1").value or "") == 50_000
    assert google.state(book)["version"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"values": "x"},
        {"values": [["a"], "b"]},
        {"values": [[{"a": 1}]]},
        {"values": [[["a"]]]},
        {"majorDimension": "X"},
    ],
)
def test_a_malformed_write_is_refused(google: Google, body: dict[str, object]) -> None:
    book = google.sheet({"title": "Leads"})

    with pytest.raises(APIError, match=r"\[400\]"):
        book.values_update("A1", {"valueInputOption": "RAW"}, body)
    with pytest.raises(APIError, match="'valueInputOption' is required"):
        book.values_update("A1", {}, {"values": [["a"]]})

    assert google.state(book)["version"] == 1


def test_right_to_left_emoji_and_odd_titles(google: Google) -> None:
    book = google.sheet({"title": "عملاء 🏠", "rows": [["الاسم", "😀"]]}, {"title": "A1", "rows": [["cell or tab"]]})

    assert book.worksheet("عملاء 🏠").get_all_values() == [["الاسم", "😀"]]
    assert book.worksheet("A1").get_all_values() == [["cell or tab"]]
    assert book.worksheet("A1").update([["x"]], "B2")["updatedRange"] == "'A1'!B2"


def test_a_plain_text_column_keeps_what_is_typed(google: Google) -> None:
    book = google.sheet({"title": "Leads", "rows": [["Phone"]]})
    google.people(book, {"op": "format", "range": "A2:A9", "type": "TEXT"})

    book.sheet1.update([["0501234567"]], "A2", raw=False)

    assert book.sheet1.acell("A2").value == "0501234567"
