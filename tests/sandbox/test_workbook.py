"""The dirty workbook: as dirty as the real one was measured to be, the same for the same seed, and true to its truth."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from python_calamine import CalamineWorkbook

from sandbox.workbook import layout, writing
from sandbox.workbook.inventory import PHONE_COLUMNS, Row, build
from sandbox.workbook.truth import truth
from tests.sandbox.stand import stand

ROOT = Path(__file__).resolve().parents[2]


@cache
def book(rows: int = layout.MEASURED_ROWS, seed: int = 7) -> tuple[list[Row], dict[str, Any]]:
    made = build(rows, seed)
    return made, truth(made, seed=seed, columns="master")


def test_the_counts_that_are_exact() -> None:
    _, true = book()

    assert true["rows"] == 10_654
    assert true["missing"]["P-NUMBER"] == 220
    assert true["properties"]["by_p_number"] == 9_206
    assert true["properties"]["repeated_p_numbers"] == 1_201
    assert true["properties"]["co_owned"] == 1_161
    assert true["properties"]["rows_of_one_property_at_most"] == 4
    assert true["exact_duplicate_rows"] == 49
    assert true["dot_rows"] == 421
    assert true["statuses"] == layout.STATUSES
    assert len(true["asking_prices"]) == 41
    assert true["emails"]["without_at"] == 1
    assert true["names"]["company_names"] == 39


@pytest.mark.parametrize("seed", [7, 8])
def test_the_rates_are_those_measured(seed: int) -> None:
    _, true = book(seed=seed)
    phones, columns = true["phones"], true["phones"]["columns"]
    measured = [
        ("units missing", true["missing"]["Unit Number"], 4_732),
        ("names missing", true["names"]["missing"], 219),
        ("names", true["names"]["distinct"], 8_769),
        ("e-mails", true["emails"]["filled"], 7_194),
        ("registrations", true["filled"]["Registration"], 9_160),
        ("municipality numbers", true["filled"]["Municipality no "], 7_204),
        ("plots", true["distinct"]["PLOT NUMBER"], 7_829),
        ("mobiles typed", columns["MOBILE"]["typed"], 9_303),
        ("full mobiles", columns["MOBILE"]["forms"]["full number"], 3_628),
        ("local mobiles", columns["MOBILE"]["forms"]["local with zero"], 856),
        ("only 971", columns["PHONE"]["forms"]["only 971"], 559),
        ("wrong lengths in SECONDARY", columns["SECONDARY MOBILE"]["lines"]["invalid"], 445),
        ("landlines in PHONE", columns["PHONE"]["lines"]["fixed"], 120),
        ("rows nobody can be reached by", phones["rows_without_mobile"], 527),
        ("rows with several numbers", phones["rows_with_several_mobiles"], 1_655),
        ("good numbers behind a junk PHONE", phones["rows_with_junk_phone_but_mobile_elsewhere"], 778),
        ("mobiles shared by names", phones["mobiles_shared_by_names"], 838),
        ("mobiles shared by properties", phones["mobiles_shared_by_properties"], 791),
        ("most names on one mobile", phones["most_names_on_one_mobile"], 29),
    ]
    for name, found, wanted in measured:
        assert abs(found - wanted) <= max(10, wanted * 0.15), f"{name}: {found}, measured {wanted}"
    mobile = columns["MOBILE"]
    assert abs(mobile["home_numbers"] / mobile["lines"]["mobile"] - 0.65) < 0.04


def test_every_expected_number_is_valid_and_every_spoiled_one_is_not() -> None:
    rows, _ = book()
    for row in rows:
        for cell in row.phones.values():
            for number in cell.numbers:
                parsed = phonenumbers.parse(number)
                fixed = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.FIXED_LINE
                assert phonenumbers.is_valid_number(parsed), (number, cell)
                assert fixed == (cell.line == "fixed"), (number, cell)
            if cell.line == "invalid":
                digits = "".join(filter(str.isdigit, str(cell.raw).removesuffix(".0")))
                assert not phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}")), cell


def test_no_generated_number_ends_like_an_error_code() -> None:
    rows, _ = book()

    numbers = {number for row in rows for cell in row.phones.values() for number in cell.numbers}

    assert not [number for number in numbers if 130_000 <= int(number[-6:]) < 136_000]


def test_the_same_seed_writes_the_same_book() -> None:
    assert [row.cells for row in build(300, 5)] == [row.cells for row in build(300, 5)]
    assert [row.cells for row in build(300, 5)] != [row.cells for row in build(300, 6)]


@pytest.mark.parametrize("rows", [1, 10, 100, 2_500])
def test_any_length_keeps_the_shape(rows: int) -> None:
    made, true = book(rows, 3)

    assert len(made) == true["rows"] == rows
    assert sum(true["statuses"].values()) in (rows, rows - 1)


def test_the_excel_file_holds_the_cells_as_they_are() -> None:
    made, _ = book(400, 7)

    sheet = CalamineWorkbook.from_filelike(io.BytesIO(writing.xlsx(made))).get_sheet_by_name("Sheet1").to_python()

    assert sheet[0] == list(layout.MASTER)
    assert len(sheet) == 401
    for row, read in zip(made, sheet[1:], strict=True):
        for name, value in zip(layout.MASTER, read, strict=True):
            written = row.cells[name]
            assert (value == "") if written is None else (value == written), (name, written, value)
    column = [read[layout.MASTER.index("MOBILE")] for read in sheet[1:]]
    assert {type(value) for value in column} == {float, str}


def test_the_short_layout_shifts_and_renames_columns() -> None:
    made, _ = book(50, 7)
    text = io.StringIO()

    writing.write_csv(made, text, "short")

    header, *lines = csv.reader(io.StringIO(text.getvalue()))
    assert len(header) == 22
    assert {"Available for ", "Project", "NAME"} <= set(header)
    assert not {"Status", "Asking Price", "OTP ( Dubai REST )", "Date of Birth", "DEWA Premise Number"} & set(header)
    statuses = {line[header.index("Available for ")] for line in lines}
    assert statuses <= {*layout.STATUSES, ""}


def test_exact_duplicates_are_exact() -> None:
    rows, _ = book()

    lines = Counter(tuple(map(str, row.cells.values())) for row in rows)

    assert sum(count - 1 for count in lines.values()) == 49


def test_the_command_writes_all_files(tmp_path: Path) -> None:
    out, figures, phones = tmp_path / "book.xlsx", tmp_path / "truth.json", tmp_path / "phones.csv"
    arguments = ["--rows", "60", "--seed", "9", "--out", out, "--truth", figures, "--phones", phones]

    subprocess.run([sys.executable, "-m", "sandbox.workbook", *map(str, arguments)], cwd=ROOT, check=True)

    assert out.read_bytes().startswith(b"PK")
    assert json.loads(figures.read_text())["rows"] == 60
    cells = list(csv.DictReader(io.StringIO(phones.read_text(encoding="utf-8"))))
    assert {cell["column"] for cell in cells} == set(PHONE_COLUMNS)


def test_the_sandbox_serves_books() -> None:
    async def scenario() -> None:
        async with stand() as sandbox:
            figures = await sandbox.admin("workbook.json?rows=40&seed=2")
            assert figures == json.loads(json.dumps(truth(build(40, 2), seed=2, columns="master")))
            url = f"{sandbox.url}/_sandbox/workbook.xlsx?rows=40&seed=2&layout=short"
            async with sandbox.session.get(url) as answer:
                assert (answer.status, (await answer.read())[:2]) == (200, b"PK")
            async with sandbox.session.get(f"{sandbox.url}/_sandbox/workbook.xlsx?rows=0") as answer:
                assert answer.status == 400

    asyncio.run(scenario())
