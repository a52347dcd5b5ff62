"""Rows into a file, one after the other: memory does not grow with the list, and no cell is ever a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

# A spreadsheet would run these as formulas.
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MOST_LETTERS = 32_767  # what a cell of .xlsx holds
MOST_ROWS = 1_048_575  # what a tab of .xlsx holds below its header
MOST_DIGITS = 15  # what a number in a spreadsheet keeps; longer ones are written as text

Row = Sequence[object]


def write_csv(path: Path, titles: Sequence[str], rows: Iterable[Row], zone: ZoneInfo) -> int:
    """UTF-8 with the mark by which spreadsheets know it. Returns how many rows."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_harmless(title) for title in titles])
        for row in rows:
            writer.writerow([_text_for_csv(value, zone) for value in row])
            count += 1
    return count


def write_xlsx(path: Path, name: str, titles: Sequence[str], rows: Iterable[Row], zone: ZoneInfo) -> int:
    """Numbers, dates and texts as what they are; more than a tab holds goes on in the next. Returns how many rows."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
    }
    book = xlsxwriter.Workbook(str(path), options)
    formats = {
        "head": book.add_format({"bold": True, "bottom": 1}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        2: book.add_format({"num_format": "#,##0.00"}),
        3: book.add_format({"num_format": "#,##0.000"}),
    }
    tab = None
    count = 0
    for count, row in enumerate(rows, start=1):
        line = (count - 1) % MOST_ROWS + 1
        if line == 1:
            tab = _tab(book, name, (count - 1) // MOST_ROWS, titles, formats["head"])
        for column, value in enumerate(row):
            _write(tab, line, column, value, formats, zone)
    if tab is None:
        _tab(book, name, 0, titles, formats["head"])
    book.close()
    return count


def _tab(book: Any, name: str, number: int, titles: Sequence[str], head: Any) -> Any:
    plain = "".join(" " if letter in "[]:*?/\\'" else letter for letter in name)[:25].strip() or "List"
    tab = book.add_worksheet(plain if number == 0 else f"{plain} {number + 1}")
    if get_language_bidi():
        tab.right_to_left()
    tab.freeze_panes(1, 0)
    for column, title in enumerate(titles):
        tab.set_column(column, column, max(12, min(len(title) + 4, 32)))
        tab.write_string(0, column, title, head)
    return tab


def _write(tab: Any, line: int, column: int, value: object, formats: dict[Any, Any], zone: ZoneInfo) -> None:
    match value:
        case None | "":
            return
        case bool():
            tab.write_string(line, column, _("Yes") if value else _("No"))
        case int() | Decimal() if len(str(value).replace(".", "").lstrip("-0")) <= MOST_DIGITS:
            places = -int(value.as_tuple().exponent) if isinstance(value, Decimal) else 0
            tab.write_number(line, column, value, formats.get(places))
        case datetime():
            tab.write_datetime(line, column, _local(value, zone), formats["moment"])
        case date():
            tab.write_datetime(line, column, value, formats["date"])
        case _:
            text = _text(value)
            tab.write_string(line, column, text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…")


def _text_for_csv(value: object, zone: ZoneInfo) -> str:
    match value:
        case None:
            return ""
        case bool():
            return _("Yes") if value else _("No")
        case int():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case datetime():
            return f"{_local(value, zone):%Y-%m-%d %H:%M:%S}"
        case date():
            return value.isoformat()
        case _:
            return _harmless(_text(value))


def _text(value: object) -> str:
    """Lists are parted by commas; what no file can hold is left out."""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple | set) else str(value)
    return text.replace("\x00", "")


def _harmless(text: str) -> str:
    return f"'{text}" if text.lstrip(" \u00a0").startswith(FORMULA_BEGINNINGS) else text


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None) if at.tzinfo else at
