"""A report as a spreadsheet: amounts are numbers, with their currency in a column of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from commissions.reports.sheets import Kind, Report, Row, plain
from core.exporting.files import write_csv, write_xlsx
from core.exporting.lists import to_money
from core.money import Money


def spreadsheet(report: Report, format: str, zone: ZoneInfo) -> bytes:
    """The rows and totals of a report as "csv" or "xlsx"."""
    titles = [column.title for column in report.columns]
    has_money = any(column.kind is Kind.MONEY for column in report.columns)
    if has_money:
        titles.append(_("Currency"))
    lines = [_line(row, has_money) for row in (*report.rows, *report.totals)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        if format == "csv":
            write_csv(path, titles, lines, zone)
        else:
            write_xlsx(path, report.title, titles, lines, zone)
        return path.read_bytes()


def _line(row: Row, has_money: bool) -> list[object]:
    values = [plain(cell) for cell in row]
    line: list[object] = [
        to_money(value.minor, value.currency) if isinstance(value, Money) else value for value in values
    ]
    if has_money:
        line.append(next((value.currency for value in values if isinstance(value, Money)), ""))
    return line
