"""Sheets as people make them: titles above, totals below, columns moved, other encodings."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.utils import timezone

from core.actors import Actor
from crm.models import Contact, Property
from sheets import files, services
from sheets.cells import safe, text_of
from sheets.errors import ImportNotOpen, NotASpreadsheet
from sheets.headers import fold
from sheets.workbooks import read_elsewhere
from tests.sheets.imports import MASTER, comma_separated, commit, master, upload, xlsx

SHORT = tuple(
    {"PROJECT": "Project", "NAME ": "NAME", "Status": "Available for "}.get(name, name)
    for name in MASTER
    if name not in {"Asking Price", "OTP ( Dubai REST )", "Date of Birth", "DEWA Premise Number"}
)


def test_the_whole_master_header_is_known(manager: Actor) -> None:
    run = upload(manager, xlsx(master({"P-NUMBER": 1, "PROJECT": "Vardon"})))

    unknown = [header for header, field in run.mapping["columns"].items() if not field]
    assert unknown == ["OTP ( Dubai REST )", "Date of Birth"]
    assert run.mapping["columns"]["Mastre project"] == "master_project"
    assert run.mapping["columns"]["Municipality no"] == "municipality_number"


def test_a_shorter_sheet_whose_columns_stand_elsewhere(manager: Actor) -> None:
    row = {"P-NUMBER": 5.0, "Project": "Vardon", "NAME": "Tareema Wadar", "Available for": "Available for Rent ",
           "Registration": "XG1", "Actual Area": 100}  # fmt: skip
    commit(manager, upload(manager, xlsx(master(row, header=tuple(reversed(SHORT))))))

    unit = Property.objects.get()
    assert (unit.p_number, unit.status, unit.purpose, unit.registration, str(unit.area_sqm)) == (
        "5", "available", "rent", "XG1", "100.00",
    )  # fmt: skip
    assert Contact.objects.get().display_name == "Tareema Wadar"


def test_titles_totals_and_repeated_headers_are_skipped_and_said(manager: Actor) -> None:
    row = {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "Actual Area": 100}
    lines = [
        ["INVENTORY OF 2026"], [], ["prepared by Mona", "", "", date(2026, 1, 1).isoformat()],
        *master(row), list(MASTER), ["PHASE TWO"], *master(row | {"P-NUMBER": 2})[1:], *master(row)[1:], [],
        ["TOTAL", *[""] * 19, 200],
    ]  # fmt: skip

    run = commit(manager, upload(manager, xlsx(lines)))

    assert run.header_row == 4
    assert (run.counts["read"], run.counts["new"], run.counts["skipped"]) == (6, 2, 4)
    assert list(run.errors.values_list("row", "code", "message")) == [
        (6, "repeated_header", "The header again."),
        (7, "title_row", "Only one cell is filled: taken for a title or a note."),
        (9, "duplicate_row", "The same as row 5, cell by cell."),
        (11, "total_row", "Taken for a row of totals."),
    ]


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t"), ("cp1256", ","), ("cp1252", "|")],
)
def test_encoding_and_delimiter_are_found(manager: Actor, encoding: str, delimiter: str) -> None:
    name = "أحمد القاسمي" if encoding != "cp1252" else "Zoé Müller Åse"
    rows = [{"P-NUMBER": number, "PROJECT": "Vardon, north", "NAME": name} for number in range(1, 5)]
    run = upload(manager, comma_separated(master(*rows), encoding, delimiter), "units.csv")
    assert (run.encoding, run.delimiter) == (encoding, delimiter)

    commit(manager, run)

    assert set(Contact.objects.values_list("display_name", flat=True)) == {name}
    assert Property.objects.first().project.name == "Vardon, north"


def test_a_wrong_guess_is_corrected_by_hand(manager: Actor) -> None:
    rows = [{"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Zoé"}]
    run = upload(manager, comma_separated(master(*rows), "cp1252"), "units.csv", encoding="cp1256")

    run = services.change_reading(
        actor=manager, run=run, at=timezone.now(), tab="", encoding="cp1252", delimiter=",", header_row=None
    )
    commit(manager, run)

    assert Contact.objects.get().display_name == "Zoé"
    with pytest.raises(ImportNotOpen):
        services.change_mapping(actor=manager, run=run, document={}, at=timezone.now())


@pytest.mark.parametrize("large", [files.LARGE_WORKBOOK, 0], ids=["at once", "in a process of its own"])
def test_another_tab_and_another_header_row(manager: Actor, monkeypatch: pytest.MonkeyPatch, large: int) -> None:
    import io

    import xlsxwriter

    monkeypatch.setattr(files, "LARGE_WORKBOOK", large)
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.add_worksheet("Cover")
    for tab, number in (("North", 1), ("South", 2)):
        sheet = book.add_worksheet(tab)
        for index, line in enumerate(master({"P-NUMBER": number, "PROJECT": tab})):
            sheet.write_row(index + 3, 0, line)
    book.close()
    run = upload(manager, buffer.getvalue())
    assert (run.tabs, run.tab, run.header_row) == (["Cover", "North", "South"], "North", 4)

    run = services.change_reading(
        actor=manager, run=run, at=timezone.now(), tab="South", encoding="", delimiter="", header_row=4
    )
    commit(manager, run)

    assert Property.objects.get().p_number == "2"


def test_a_large_workbook_says_the_same_whether_read_here_or_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(
        xlsx([["a", 1.5, True, "\u0645\u0631\u062d\u0628\u0627"], *([f"row {n}", n, "", None] for n in range(2500))])
    )
    here = files.read_workbook(path, "xlsx", "")

    found = read_elsewhere(path, "xlsx", "")

    assert found is not None
    elsewhere, rows = found
    assert (elsewhere.tabs, elsewhere.tab, elsewhere.height) == (here.tabs, here.tab, here.height)
    assert list(rows) == list(here.rows)


def test_a_reader_that_died_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGE_WORKBOOK", 0)
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # the process cannot even start
    path = tmp_path / "book.xlsx"
    path.write_bytes(xlsx([["a"]]))

    with pytest.raises(NotASpreadsheet, match="too large"):
        files.open_source(path)


def test_what_a_typed_cell_says() -> None:
    assert [text_of(value) for value in (971501234567.0, 12.5, True, None, " a\xa0 ", date(1971, 4, 2), 7)] == [
        "971501234567", "12.5", "1", "", "a", "1971-04-02", "7",
    ]  # fmt: skip
    assert [safe(text) for text in ("=1+1", "+97150", "-5", "@x", "a=b")] == ["'=1+1", "'+97150", "'-5", "'@x", "a=b"]
    assert fold(" Mastre_project ") == "mastre project"
