"""What people really put into sheets comes in as it was meant, or is said in words; it never breaks anything."""

from __future__ import annotations

import io
import struct
from datetime import date
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from crm.models import Contact, Property
from sheets import services
from sheets.errors import NotASpreadsheet
from sheets.models import ImportRun
from tests.sheets.imports import comma_separated, commit, upload, xlsx


def workbook(fill: Any) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    fill(book)
    book.close()
    return buffer.getvalue()


def bring(manager: Actor, content: bytes, name: str = "units.xlsx") -> ImportRun:
    run = commit(manager, upload(manager, content, name))
    assert run.status == "done", run.error
    return run


def test_two_columns_of_one_name_are_told_apart(manager: Actor) -> None:
    run = upload(manager, xlsx([["P-NUMBER", "PROJECT", "NAME", "NAME"], [1, "Vardon", "Rana Aziz", "Omar Said"]]))

    assert run.mapping["columns"] == {
        "P-NUMBER": "p_number",
        "PROJECT": "project",
        "NAME": "owner_name",
        "NAME (2)": "",
    }
    commit(manager, run)
    assert Contact.objects.get().display_name == "Rana Aziz"


def test_emoji_and_right_to_left_text_stay_and_overrides_do_not_hide_who_it_is(manager: Actor) -> None:
    header = ["P-NUMBER", "PROJECT", "NAME", "MOBILE", "View"]
    bring(manager, comma_separated([header, [1, "فاردون", "رنا عزيز", "0501234567", "🌊 sea"],
                                    [2, "فاردون", "\u202eرنا\u200f عزيز\u202c", "0501234567", ""]]), "a.csv")  # fmt: skip

    assert Property.objects.get(p_number="1").view == "🌊 sea"
    assert Contact.objects.get().display_name == "رنا عزيز"


def test_a_cell_of_60_000_characters(manager: Actor) -> None:
    long = "x" * 60_000
    lines = [["P-NUMBER", "PROJECT", "View", "Remarks"], [1, "Vardon", long, long], [long, "Vardon", "", ""]]

    run = bring(manager, comma_separated(lines), "a.csv")

    assert Property.objects.get().view == ""
    assert sorted(run.errors.values_list("row", "severity", "code", "message")) == [
        (2, "warning", "value_too_long", "Longer than 10000 characters: left out."),
        (2, "warning", "value_too_long", "Longer than 60 characters: left out."),
        (3, "error", "value_too_long", "An identifier has at most 40 characters."),
    ]
    assert max(len(value) for value in run.errors.values_list("value", flat=True)) == 2000


def test_formulas_are_their_values_dates_are_dates_and_merged_cells_stand_first(manager: Actor) -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["P-NUMBER", "PROJECT", "View", "SD"])
        sheet.write_formula(1, 0, "=1000+1", None, 1001)
        sheet.merge_range(1, 1, 2, 1, "Vardon")
        sheet.write(1, 2, "Sea")
        sheet.write_datetime(1, 3, timezone.datetime(1971, 4, 2), book.add_format({"num_format": "dd/mm/yyyy"}))
        sheet.write_row(2, 0, [1002, None, "Park"])

    run = bring(manager, workbook(fill))

    unit = Property.objects.get()
    assert (unit.p_number, unit.extra) == ("1001", {"SD": date(1971, 4, 2).isoformat()})
    assert list(run.errors.values_list("row", "code")) == [(3, "project_missing")]


def test_a_column_that_was_mapped_and_is_gone_from_the_next_file(manager: Actor) -> None:
    bring(manager, comma_separated([["P-NUMBER", "PROJECT", "View"], ["1", "Vardon", "Sea"]]), "a.csv")

    run = upload(manager, comma_separated([["P-NUMBER", "PROJECT"], ["1", "Vardon"], ["2", "Vardon"]]), "a.csv")

    assert run.mapping["columns"] == {"P-NUMBER": "p_number", "PROJECT": "project"}
    commit(manager, run)
    assert dict(Property.objects.values_list("p_number", "view")) == {"1": "Sea", "2": ""}


def test_a_text_file_that_calls_itself_a_workbook_is_read_as_what_it_is(manager: Actor) -> None:
    run = upload(manager, b"P-NUMBER;PROJECT\n1;Vardon\n", "units.xlsx")

    assert (run.kind, run.delimiter) == ("csv", ";")
    assert commit(manager, run).counts["new"] == 1


def test_an_old_workbook(manager: Actor) -> None:
    run = upload(manager, old_workbook([["P-NUMBER", "PROJECT"], ["1001", "Vardon"]]), "units.xls")

    assert run.kind == "xls"
    assert commit(manager, run).counts["new"] == 1


def test_two_encodings_in_one_file_are_read_and_can_be_chosen(manager: Actor) -> None:
    mixed = "P-NUMBER,PROJECT,NAME\n1,Vardon,رنا عزيز\n".encode() + "2,Vardon,عمر سعيد\n".encode("cp1256")

    run = upload(manager, mixed, "a.csv")

    assert run.encoding in {"cp1256", "cp1252"}
    assert commit(manager, run).counts["new"] == 2


def test_nul_bytes_are_no_text(manager: Actor) -> None:
    with pytest.raises(NotASpreadsheet, match=r"cannot be read as a spreadsheet\. It is not text"):
        upload(manager, b"P-NUMBER,PROJECT\n1,Var\0don\n", "a.csv")
    assert not ImportRun.objects.exists()


def test_51_megabytes_are_refused_on_the_page_and_never_kept(manager: Actor, kept_files: Any) -> None:
    client = Client()
    client.force_login(manager.user)  # type: ignore[arg-type]
    file = SimpleUploadedFile("units.csv", b"P-NUMBER,PROJECT\n" + b"1,Vardon\n" * (51 * 1024 * 1024 // 9))

    answer = client.post("/o/palm/imports/new/", {"file": file, "table": "crm.units"})

    assert answer.status_code == 422
    assert "The file has 51 MB; up to 50 MB can be imported at once." in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_a_preview_of_odd_rows_shows_them_escaped(manager: Actor) -> None:
    run = upload(
        manager, comma_separated([["P-NUMBER", "PROJECT", "<b>x"], ["1", "<script>alert(1)</script>", "2"]]), "a.csv"
    )
    services.request_preview(actor=manager, run=run, at=timezone.now())
    client = Client()
    client.force_login(manager.user)  # type: ignore[arg-type]

    page = client.get(f"/o/palm/imports/{run.pk}/").content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def old_workbook(lines: list[list[str]]) -> bytes:
    """BIFF8 in the smallest container that Excel of 1997 reads: one tab of text cells."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    begin = struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)
    name = b"Sheet1"
    bound = struct.pack("<IBBBB", 0, 0, 0, len(name), 0) + name
    front = record(0x0809, begin)
    at = len(front) + 4 + len(bound) + 4
    book = front + record(0x0085, struct.pack("<I", at) + bound[4:]) + record(0x000A, b"")
    sheet = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    sheet += record(0x0200, struct.pack("<IIHHH", 0, len(lines), 0, len(lines[0]), 0))
    for row, line in enumerate(lines):
        for column, text in enumerate(line):
            sheet += record(0x0204, struct.pack("<HHHHB", row, column, 0, len(text), 0) + text.encode("latin-1"))
    stream = book + sheet + record(0x000A, b"")
    return container(stream.ljust(4096, b"\0"))


def container(stream: bytes) -> bytes:
    """A compound file with one stream, `Workbook`, of 4096 bytes (the smallest that needs no mini stream)."""
    assert len(stream) == 4096
    end, free, fat_sector = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<I", 0) + b"\xff" * 432
    fat = [fat_sector, end, *range(3, 10), end]
    table = struct.pack(f"<{len(fat)}I", *fat) + struct.pack("<I", free) * (128 - len(fat))
    return (
        header + table + entry("Root Entry", 5, 1, end, 0) + entry("Workbook", 2, free, 2, 4096) + bytes(256) + stream
    )


def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, child)
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBB", len(text), kind, 1)
        + links
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
