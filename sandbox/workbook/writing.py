"""Writing a generated book: .xlsx with number cells where the real one has them, .csv, and the list of phone cells."""

import csv
import io
from datetime import date
from typing import TextIO

import xlsxwriter

from . import layout
from .inventory import PHONE_COLUMNS, Row, Value


def xlsx(rows: list[Row], columns: str = "master") -> bytes:
    """The book as an Excel file with one tab, `Sheet1`."""
    buffer = io.BytesIO()
    # In memory and without formula or URL guessing: a cell holds exactly what the row holds.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = xlsxwriter.Workbook(buffer, options)
    sheet = workbook.add_worksheet("Sheet1")
    dates = workbook.add_format({"num_format": "dd/mm/yyyy"})
    names = layout.LAYOUTS[columns]
    sheet.write_row(0, 0, names.values())
    for index, row in enumerate(rows, start=1):
        for column, name in enumerate(names):
            value = row.cells[name]
            if isinstance(value, str):
                sheet.write_string(index, column, value)
            elif isinstance(value, date):
                sheet.write_datetime(index, column, value, dates)
            elif value is not None:
                sheet.write_number(index, column, value)
    workbook.close()
    return buffer.getvalue()


def write_csv(rows: list[Row], target: TextIO, columns: str = "master") -> None:
    """The book as a CSV file; floats keep the `.0` that spreadsheets export."""
    writer = csv.writer(target)
    names = layout.LAYOUTS[columns]
    writer.writerow(names.values())
    for row in rows:
        writer.writerow([_text(row.cells[name]) for name in names])


def write_phone_cells(rows: list[Row], target: TextIO) -> None:
    """Every phone cell with what it must become, in the columns of the phone_cases.csv test table."""
    writer = csv.writer(target)
    writer.writerow(["row", "column", "raw", "home_region", "expected", "line", "note"])
    for index, row in enumerate(rows, start=2):
        for column in PHONE_COLUMNS:
            cell = row.phones.get(column)
            if cell is not None:
                writer.writerow([index, column, _text(cell.raw), "AE", ";".join(cell.numbers), cell.line, cell.form])


def _text(value: Value) -> str:
    if value is None:
        return ""
    return value.strftime("%d/%m/%Y") if isinstance(value, date) else str(value)
