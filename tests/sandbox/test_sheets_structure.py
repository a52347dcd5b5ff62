"""Batch updates and developer metadata: rows and columns that move, and what moves with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gspread
import pytest
from gspread.exceptions import APIError, WorksheetNotFound

from tests.sandbox.google import Google, running

ROWS = [["Name", "Age", "Twice"], ["Ali", 30], ["Sara", 20], ["Omar", 10]]


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    with running() as it:
        it.admin("configure", {"quota": None})
        yield it


@pytest.fixture
def book(google: Google) -> gspread.Spreadsheet:
    book = google.sheet({"title": "Leads", "rows": ROWS})
    google.people(book, {"op": "set", "cells": {"C2": "=B2*2", "C3": "=B3*2", "C4": "=B4*2", "D1": "=SUM(B2:B4)"}})
    return book


def request(book: gspread.Spreadsheet, **requests: Any) -> list[Any]:
    """A batch update, one request for each keyword."""
    body = {"requests": [{kind: wanted} for kind, wanted in requests.items()]}
    return list(book.batch_update(body)["replies"])


def span(dimension: str, start: int, end: int) -> dict[str, Any]:
    return {"sheetId": 0, "dimension": dimension, "startIndex": start, "endIndex": end}


def note(book: gspread.Spreadsheet, key: str, location: dict[str, Any], value: str = "", **more: Any) -> int:
    """Create developer metadata; gives its id."""
    wanted = {"metadataKey": key, "metadataValue": value, "visibility": "DOCUMENT", "location": location, **more}
    (reply,) = request(book, createDeveloperMetadata={"developerMetadata": wanted})
    return int(reply["createDeveloperMetadata"]["developerMetadata"]["metadataId"])


def post(book: gspread.Spreadsheet, path: str, body: dict[str, Any]) -> Any:
    url = f"https://sheets.googleapis.com/v4/spreadsheets/{book.id}/{path}"
    return book.client.request("post", url, json=body).json()


def rows_of(book: gspread.Spreadsheet, key: str) -> dict[str, int]:
    """The rows, from zero, on which metadata with this key sits, by its value."""
    found = post(book, "developerMetadata:search", by_key(key))
    return {
        each["developerMetadata"]["metadataValue"]: each["developerMetadata"]["location"]["dimensionRange"][
            "startIndex"
        ]
        for each in found.get("matchedDeveloperMetadata", [])
    }


def by_key(key: str, **more: Any) -> dict[str, Any]:
    return {"dataFilters": [{"developerMetadataLookup": {"metadataKey": key, **more}}]}


def test_tabs_come_and_go(google: Google, book: gspread.Spreadsheet) -> None:
    added = book.add_worksheet("New's", rows=5, cols=3)
    copy = book.sheet1.duplicate(new_sheet_name="Copy", insert_sheet_index=2)
    with pytest.raises(APIError, match='A sheet with the name "new\'S" already exists'):
        book.add_worksheet("new'S", 1, 1)
    added.update_title("Other")

    assert [(tab.title, tab.row_count, tab.col_count) for tab in book.worksheets()] == [
        ("Leads", 1000, 26),
        ("Other", 5, 3),
        ("Copy", 1000, 26),
    ]
    assert copy.get_all_values() == book.sheet1.get_all_values()
    book.del_worksheet(added)
    book.del_worksheet(copy)
    with pytest.raises(APIError, match="You can't remove all the visible sheets"):
        book.del_worksheet(book.sheet1)
    with pytest.raises(WorksheetNotFound):
        book.worksheet("Other")


def test_a_batch_is_all_or_nothing_and_each_request_sees_those_before_it(book: gspread.Spreadsheet) -> None:
    insert = {"insertDimension": {"range": span("ROWS", 1, 2)}}

    with pytest.raises(APIError, match=r"Invalid requests\[1\]\.deleteSheet: No sheet with id: 77"):
        book.batch_update({"requests": [insert, {"deleteSheet": {"sheetId": 77}}]})
    assert book.sheet1.col_values(1) == ["Name", "Ali", "Sara", "Omar"]
    with pytest.raises(APIError, match="Unknown name \"inventSheet\" at 'requests\\[0\\]': Cannot find field"):
        book.batch_update({"requests": [{"inventSheet": {}}]})
    with pytest.raises(APIError, match=r"\[501\]"):
        book.batch_update({"requests": [{"addChart": {}}]})

    cells: dict[str, Any] = {"start": {"sheetId": 0, "rowIndex": 1}, "fields": "userEnteredValue"}
    cells["rows"] = [{"values": [{"userEnteredValue": {"stringValue": "First"}}]}]
    book.batch_update({"requests": [insert, {"updateCells": cells}]})
    assert book.sheet1.col_values(1) == ["Name", "First", "Ali", "Sara", "Omar"]


def test_references_follow_rows_and_columns(book: gspread.Spreadsheet) -> None:
    request(book, insertDimension={"range": span("ROWS", 2, 3)})
    assert book.sheet1.get("C2:C5", value_render_option="FORMULA") == [["=B2*2"], [], ["=B4*2"], ["=B5*2"]]
    assert book.sheet1.get("D1", value_render_option="FORMULA") == [["=SUM(B2:B5)"]]

    request(book, deleteDimension={"range": span("COLUMNS", 0, 1)})
    assert book.sheet1.get("B2:C2", value_render_option="FORMULA") == [["=A2*2"]]
    assert book.sheet1.get("C1") == [["60"]]

    request(book, deleteDimension={"range": span("COLUMNS", 0, 1)})
    assert book.sheet1.get("A2:B2") == [["#REF!"]]


def test_sorting_moves_cells_and_their_formulas(book: gspread.Spreadsheet) -> None:
    book.sheet1.sort((2, "asc"), range="A2:C4")

    assert book.sheet1.get("A2:C4") == [["Omar", "10", "20"], ["Sara", "20", "40"], ["Ali", "30", "60"]]
    assert book.sheet1.get("C2:C4", value_render_option="FORMULA") == [["=B2*2"], ["=B3*2"], ["=B4*2"]]


def test_a_part_of_the_columns_can_be_sorted(google: Google) -> None:
    book = google.sheet({"title": "T", "rows": [["b", 1, "x"], ["a", 2, "y"], ["", 3, "z"], ["c", True, ""]]})

    book.sheet1.sort((1, "des"), range="A1:B4")

    assert book.sheet1.get_all_values() == [["c", "TRUE", "x"], ["b", "1", "y"], ["a", "2", "z"], ["", "3", ""]]


def test_metadata_follows_its_row(book: gspread.Spreadsheet) -> None:
    for index, name in enumerate(("ali", "sara", "omar"), 1):
        note(book, "row", {"dimensionRange": span("ROWS", index, index + 1)}, name)
    assert rows_of(book, "row") == {"ali": 1, "sara": 2, "omar": 3}

    request(book, insertDimension={"range": span("ROWS", 1, 3)})
    assert rows_of(book, "row") == {"ali": 3, "sara": 4, "omar": 5}
    request(book, moveDimension={"source": span("ROWS", 5, 6), "destinationIndex": 1})
    assert rows_of(book, "row") == {"omar": 1, "ali": 4, "sara": 5}
    book.sheet1.sort((1, "des"), range="A2:C9")
    assert rows_of(book, "row") == {"omar": 1, "ali": 4, "sara": 5}
    request(book, deleteDimension={"range": span("ROWS", 4, 5)})
    assert rows_of(book, "row") == {"omar": 1, "sara": 4}


def test_metadata_is_found_by_key_value_place_and_id(book: gspread.Spreadsheet) -> None:
    on_row = note(book, "k", {"dimensionRange": span("ROWS", 1, 2)}, "r")
    on_column = note(book, "k", {"dimensionRange": span("COLUMNS", 1, 2)}, "c")
    on_sheet = note(book, "k", {"sheetId": 0}, "s")
    on_book = note(book, "k", {"spreadsheet": True}, "b", metadataId=42)

    def found(**lookup: Any) -> set[int]:
        answer = post(book, "developerMetadata:search", {"dataFilters": [{"developerMetadataLookup": lookup}]})
        return {each["developerMetadata"]["metadataId"] for each in answer.get("matchedDeveloperMetadata", [])}

    row = {"dimensionRange": span("ROWS", 1, 2)}
    assert on_book == 42
    assert found(metadataKey="k") == {on_row, on_column, on_sheet, 42}
    assert found(metadataValue="c") == {on_column}
    assert found(metadataId=42) == {42}
    assert found(locationType="ROW") == {on_row}
    assert found(metadataLocation=row, locationMatchingStrategy="EXACT_LOCATION") == {on_row}
    assert found(metadataLocation=row) == {on_row, on_column, on_sheet, 42}
    assert found(metadataKey="other") == set()

    one = book.client.request("get", f"https://sheets.googleapis.com/v4/spreadsheets/{book.id}/developerMetadata/42")
    assert one.json()["location"] == {"locationType": "SPREADSHEET", "spreadsheet": True}
    with pytest.raises(APIError, match=r"\[400\].*single row or column"):
        note(book, "k", {"dimensionRange": span("ROWS", 1, 3)})
    with pytest.raises(APIError, match=r"\[400\].*already exists"):
        note(book, "k", {"spreadsheet": True}, metadataId=42)

    request(book, updateDeveloperMetadata={
        "dataFilters": [{"developerMetadataLookup": {"metadataId": 42}}],
        "developerMetadata": {"metadataValue": "changed"}, "fields": "metadataValue",
    })  # fmt: skip
    assert found(metadataValue="changed") == {42}
    (gone,) = request(book, deleteDeveloperMetadata={"dataFilter": {"developerMetadataLookup": {"metadataKey": "k"}}})
    assert len(gone["deleteDeveloperMetadata"]["deletedDeveloperMetadata"]) == 4
    assert found(metadataKey="k") == set()


def test_values_are_read_and_written_where_metadata_sits(book: gspread.Spreadsheet) -> None:
    note(book, "col", {"dimensionRange": span("COLUMNS", 0, 1)}, "name")
    note(book, "row", {"dimensionRange": span("ROWS", 2, 3)}, "sara")
    request(book, moveDimension={"source": span("COLUMNS", 0, 1), "destinationIndex": 2})

    answer = post(book, "values:batchGetByDataFilter", by_key("col"))
    (found,) = answer["valueRanges"]
    assert found["valueRange"] == {
        "range": "Leads!B1:B1000",
        "majorDimension": "ROWS",
        "values": [["Name"], ["Ali"], ["Sara"], ["Omar"]],
    }
    lookup = by_key("row")["dataFilters"][0]
    answer = post(book, "values:batchUpdateByDataFilter", {
        "valueInputOption": "RAW", "data": [{"dataFilter": lookup, "majorDimension": "ROWS", "values": [[21, "Sarah"]]}],
    })  # fmt: skip
    assert answer["responses"][0]["updatedRange"] == "Leads!A3:B3"
    assert answer["responses"][0]["dataFilter"] == lookup
    assert book.sheet1.get("A3:B3") == [["21", "Sarah"]]
    post(book, "values:batchClearByDataFilter", by_key("row"))
    assert book.sheet1.get("A3:D3") == [[]]


def test_metadata_of_a_project_is_its_own(google: Google, book: gspread.Spreadsheet) -> None:
    note(book, "mine", {"spreadsheet": True}, "x", visibility="PROJECT")
    other = google.admin("accounts", {"email": "other@else.iam.gserviceaccount.com", "project": "else"})
    google.people(book, {"op": "share", "email": other["client_email"]})
    theirs = google.log_in(other).open_by_key(book.id)

    assert len(post(book, "developerMetadata:search", by_key("mine"))["matchedDeveloperMetadata"]) == 1
    assert post(theirs, "developerMetadata:search", by_key("mine")) == {}


def test_hidden_columns_are_told(google: Google, book: gspread.Spreadsheet) -> None:
    book.sheet1.hide_columns(1, 3)
    request(book, insertDimension={"range": span("COLUMNS", 0, 1)})

    found = book.client.request(
        "get",
        f"https://sheets.googleapis.com/v4/spreadsheets/{book.id}",
        params={"fields": "sheets(properties.title,data(columnMetadata(hiddenByUser)))"},
    ).json()

    (tab,) = found["sheets"]
    assert tab["properties"] == {"title": "Leads"}
    assert tab["data"][0]["columnMetadata"][:5] == [{}, {}, {"hiddenByUser": True}, {"hiddenByUser": True}, {}]
    assert "rowData" not in tab["data"][0]
    assert google.state(book)["tabs"][0]["hidden_columns"] == ["C", "D"]


def test_grid_data_tells_typed_values_formulas_and_formats(book: gspread.Spreadsheet) -> None:
    book.sheet1.update([["1/2/2026"]], "E1", raw=False)

    found = book.fetch_sheet_metadata({"includeGridData": "true", "ranges": "Leads!C2:E2"})
    assert found["sheets"][0]["data"][0]["rowData"][0]["values"][0] == {
        "userEnteredValue": {"formulaValue": "=B2*2"},
        "effectiveValue": {"numberValue": 60},
        "formattedValue": "60",
    }
    found = book.fetch_sheet_metadata({"includeGridData": "true", "ranges": "Leads!E1"})
    (cell,) = found["sheets"][0]["data"][0]["rowData"][0]["values"]
    assert cell["effectiveValue"] == {"numberValue": 46024}
    assert cell["userEnteredFormat"] == {"numberFormat": {"type": "DATE", "pattern": "m/d/yyyy"}}


def test_cells_are_appended_repeated_found_and_replaced(book: gspread.Spreadsheet) -> None:
    value = {"userEnteredValue": {"stringValue": "new"}}
    request(
        book,
        appendCells={"sheetId": 0, "rows": [{"values": [value]}], "fields": "userEnteredValue"},
        repeatCell={
            "range": {"sheetId": 0, "startRowIndex": 1, "endRowIndex": 4, "startColumnIndex": 4, "endColumnIndex": 5},
            "cell": {"userEnteredValue": {"formulaValue": "=B2+1"}},
            "fields": "userEnteredValue",
        },
    )
    (answer,) = request(book, findReplace={"find": "a", "replacement": "A", "allSheets": True, "matchCase": True})

    assert book.sheet1.get("E2:E4", value_render_option="FORMULA") == [["=B2+1"], ["=B3+1"], ["=B4+1"]]
    assert book.sheet1.col_values(1) == ["NAme", "Ali", "SArA", "OmAr", "new"]
    assert answer["findReplace"]["valuesChanged"] == 3


def test_the_workbook_and_its_tabs_can_be_resized_within_limits(book: gspread.Spreadsheet) -> None:
    book.sheet1.resize(rows=3, cols=2)
    assert book.sheet1.get_all_values() == [["Name", "Age"], ["Ali", "30"], ["Sara", "20"]]

    with pytest.raises(APIError, match="above the limit of 10000000 cells"):
        book.sheet1.resize(rows=6_000_000)
    with pytest.raises(APIError, match="You can't delete all the rows"):
        request(book, deleteDimension={"range": span("ROWS", 0, 3)})
    assert book.sheet1.row_count == 3
    book.update_title("Another name")
    assert book.title == "Another name"


def test_protected_cells_keep_programs_out(google: Google, book: gspread.Spreadsheet) -> None:
    google.people(book, {"op": "protect", "range": "A1:Z1"}, by="office@sandbox.example")
    version = google.state(book)["version"]

    for write in (
        lambda: book.sheet1.update([["x"]], "B1"),
        lambda: book.sheet1.batch_update([{"range": "A9", "values": [["x"]]}, {"range": "A1", "values": [["x"]]}]),
        lambda: book.sheet1.delete_rows(1),
        lambda: book.sheet1.hide_columns(0, 1),
        lambda: book.sheet1.sort((1, "asc"), range="A1:C4"),
        lambda: book.sheet1.clear(),
        lambda: book.sheet1.insert_cols([["x"]], 2),
    ):
        with pytest.raises(APIError, match=r"\[400\].*You are trying to edit a protected cell or object"):
            write()
    assert google.state(book)["version"] == version

    book.sheet1.update([["x"]], "A2")
    book.sheet1.freeze(rows=1)
    google.people(book, {"op": "protect"}, {"op": "set", "cells": {"A1": "by the office"}})
    with pytest.raises(APIError, match="protected cell"):
        book.sheet1.update([["y"]], "A2")
    google.people(book, {"op": "unprotect"})
    book.sheet1.add_protected_range("A1:B2", editor_users_emails=[])
    book.sheet1.update([["y"]], "A2")  # whoever protects may edit
    assert book.sheet1.get("A1:A2") == [["by the office"], ["y"]]


def test_answers_are_cut_to_the_fields_asked_for(book: gspread.Spreadsheet) -> None:
    assert book.values_get("A1:B2", {"fields": "values"}) == {"values": [["Name", "Age"], ["Ali", "30"]]}
    with pytest.raises(APIError, match=r"\[400\]"):
        book.values_get("A1:B2", {"fields": "values("})


def test_a_tab_can_be_copied_to_another_spreadsheet(google: Google, book: gspread.Spreadsheet) -> None:
    other = google.sheet({"title": "Own"})

    book.sheet1.copy_to(other.id)

    assert [tab.title for tab in other.worksheets()] == ["Own", "Copy of Leads"]
    assert other.worksheet("Copy of Leads").acell("A2").value == "Ali"
