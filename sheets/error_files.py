"""The file to correct and import again: the source rows that were refused or doubted, with a column that says why."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import xlsxwriter

from sheets import files
from sheets.cells import safe, text_of
from sheets.models import ImportRun, Severity

REASON = "What is wrong"


def write(run: ImportRun, kind: str) -> bytes:
    """As `xlsx` or `csv` (UTF-8 with a mark, so that Excel reads Arabic). No cell is ever taken for a formula."""
    lines = list(_lines(run))
    if kind == "csv":
        text = io.StringIO(newline="")
        csv.writer(text).writerows([safe(cell) for cell in line] for line in lines)
        return text.getvalue().encode("utf-8-sig")
    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = workbook.add_worksheet("To correct")
    bold, wrong = workbook.add_format({"bold": True}), workbook.add_format({"font_color": "#B42318"})
    for number, line in enumerate(lines):
        for column, cell in enumerate(line):
            style = bold if number == 0 else wrong if column == len(line) - 1 else None
            sheet.write_string(number, column, safe(cell), style)
    sheet.freeze_panes(1, 0)
    sheet.set_column(len(lines[0]) - 1, len(lines[0]) - 1, 80)
    workbook.close()
    return buffer.getvalue()


def _lines(run: ImportRun) -> Iterator[list[str]]:
    names = run.spreadsheet.header
    yield [*names, REASON]
    reasons: dict[int, list[str]] = defaultdict(list)
    wrong = run.errors.filter(severity__in=[Severity.ERROR, Severity.WARNING]).order_by("id")
    for row, column, message in wrong.values_list("row", "column", "message"):
        reasons[row].append(f"{column}: {message}" if column else message)
    if not reasons:
        return
    path = Path(run.file.path)
    source = files.open_source(path, tab=run.tab, encoding=run.encoding, delimiter=run.delimiter)
    for number, cells in enumerate(source.rows, start=1):
        if number in reasons:
            texts = [text_of(cell) for cell in cells][: len(names)]
            yield [*texts, *[""] * (len(names) - len(texts)), " ".join(reasons[number])]
