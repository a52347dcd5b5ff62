"""The file to correct and import again: the source rows that were refused or doubted, with a column that says why.

Written row by row into a temporary file, from two cursors in the order of the sheet: neither the rows of the source nor
what is wrong with them is ever in memory as a whole.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import xlsxwriter

from sheets import files
from sheets.cells import safe, text_of
from sheets.models import ImportRun, Severity

REASON = "What is wrong"
CONTENT_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
LONGEST_CELL = 32_767  # Excel's limit


def name_of(run: ImportRun, kind: str) -> str:
    return f"import-{run.pk}-to-correct.{kind}"


def written(run: ImportRun, kind: str, *, skipped: bool = False) -> IO[bytes]:
    """As `xlsx` or `csv` (UTF-8 with a mark, so that Excel reads Arabic), at its beginning. The caller closes it.

    No cell is ever taken for a formula. `skipped`: the rows that were left out as no data, instead of the wrong ones.
    """
    severities = [Severity.SKIPPED] if skipped else [Severity.ERROR, Severity.WARNING]
    target = TemporaryFile()  # noqa: SIM115 - handed to the caller
    (_write_csv if kind == "csv" else _write_workbook)(run, severities, target)
    target.seek(0)
    return target


def _write_csv(run: ImportRun, severities: list[Severity], target: IO[bytes]) -> None:
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="")
    csv.writer(text).writerows([safe(cell) for cell in line] for line in _lines(run, severities))
    text.flush()
    text.detach()


def _write_workbook(run: ImportRun, severities: list[Severity], target: IO[bytes]) -> None:
    # constant_memory: a row is on disk as soon as the next one begins
    workbook = xlsxwriter.Workbook(
        target, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = workbook.add_worksheet("To correct")
    bold, wrong = workbook.add_format({"bold": True}), workbook.add_format({"font_color": "#B42318"})
    sheet.freeze_panes(1, 0)
    last = len(run.spreadsheet.header)
    sheet.set_column(last, last, 80)
    for number, line in enumerate(_lines(run, severities)):
        for column, cell in enumerate(line):
            style = bold if number == 0 else wrong if column == last else None
            sheet.write_string(number, column, safe(cell)[:LONGEST_CELL], style)
    workbook.close()


def _lines(run: ImportRun, severities: list[Severity]) -> Iterator[list[str]]:
    names = run.spreadsheet.header
    yield [*names, REASON]
    wrong = run.errors.filter(severity__in=severities).order_by("row", "id").values_list("row", "column", "message")
    reasons = groupby(wrong.iterator(chunk_size=2000), key=itemgetter(0))
    found = next(reasons, None)
    if found is None or not run.file:
        return
    source = files.open_source(Path(run.file.path), tab=run.tab, encoding=run.encoding, delimiter=run.delimiter)
    for number, cells in enumerate(source.rows, start=1):
        if found is None:
            return
        if number == found[0]:
            said = " ".join(f"{column}: {message}" if column else message for _, column, message in found[1])
            texts = [text_of(cell) for cell in cells][: len(names)]
            yield [*texts, *[""] * (len(names) - len(texts)), said]
            found = next(reasons, None)
