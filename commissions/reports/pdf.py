"""A report as a PDF in English, French or Arabic. HarfBuzz joins the letters, and in Arabic the page runs from the right.

The fonts carry Latin, Cyrillic and Arabic letters (reports/fonts, SIL Open Font License).
"""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path

from django.utils.formats import date_format
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue

from commissions.reports.sheets import Column, Kind, Report, Row, Value, plain
from core.models import Organization
from core.money import Money

FONTS = Path(__file__).parent / "fonts"
FAMILY = "Majlis"
INK, MUTED, BRAND, LINE, SUNKEN = (20, 32, 30), (93, 105, 102), (12, 98, 90), (224, 221, 211), (246, 245, 241)
MOST_ROWS = 500  # a second of work; longer ones are spreadsheets
WIDTHS = {Kind.TEXT: 30, Kind.DATE: 19, Kind.COUNT: 14, Kind.MONEY: 28}
LINE_HEIGHT = 4.2
LANDSCAPE_FROM = 7  # columns

logging.getLogger("fontTools").setLevel(logging.WARNING)  # else it tells each table that it leaves out of a font


def document(report: Report, organization: Organization, made: str) -> bytes:
    """The report on A4. `made` says when and by whom, for the foot of each page."""
    page = _Page(organization, made, is_wide=len(report.columns) >= LANDSCAPE_FROM)
    page.set_title(report.title)
    page.set_author(organization.legal_name or organization.name)
    page.set_lang(get_language() or "en")
    page.add_page()
    page.heading(report.title)
    if report.lead is not None:
        page.lead(said(report.lead))
    page.facts([(name, said(plain(value))) for name, value in report.facts])
    if report.columns:
        page.rows(report.columns, report.rows, report.totals)
    for note in report.notes:
        page.note(note)
    page.signatures(report.signatures)
    return bytes(page.output())


def said(value: Value) -> str:
    """A value as people read it, in the language of the moment."""
    match value:
        case None:
            return ""
        case Money():
            return str(value)
        case date():
            return date_format(value, "j M Y")
        case _:
            return str(value)


class _Page(FPDF):
    def __init__(self, organization: Organization, made: str, *, is_wide: bool) -> None:
        super().__init__(orientation="L" if is_wide else "P", format="A4")
        self.organization, self.made, self.is_rtl = organization, made, get_language_bidi()
        self.start, self.end = (Align.R, Align.L) if self.is_rtl else (Align.L, Align.R)
        for style, weight in (("", "Regular"), ("B", "Bold")):
            self.add_font(FAMILY, style, FONTS / f"NotoSansMajlis-{weight}.ttf")
        self.set_margins(16, 16)
        self.set_auto_page_break(True, margin=20)

    def header(self) -> None:
        self._write(self.organization.legal_name or self.organization.name, 11, bold=True, colour=BRAND)
        where = ", ".join(filter(None, [self.organization.address.replace("\n", ", "), self.organization.city]))
        if where:
            self._write(where, 8, colour=MUTED)
        self.set_draw_color(*BRAND)
        self.line(self.l_margin, self.get_y() + 2, self.w - self.r_margin, self.get_y() + 2)
        self.ln(6)

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font(FAMILY, "", 7.5)
        self.set_text_color(*MUTED)
        half = self.epw / 2
        number = _("Page %(page)s") % {"page": self.page_no()}
        cells = [(self.made, self.start), (number, self.end)]
        for text, align in reversed(cells) if self.is_rtl else cells:
            self._shape(text)
            self.cell(half, 5, text, align=align)

    def heading(self, title: str) -> None:
        self._write(title, 16, bold=True)
        self.ln(3)

    def lead(self, text: str) -> None:
        """The one figure that the paper is about."""
        self._write(text, 20, bold=True, colour=BRAND)
        self.ln(4)

    def facts(self, facts: list[tuple[str, str]]) -> None:
        """Names and values beside each other, in two columns that begin where the language begins."""
        if not facts:
            return
        name, value = 60, self.epw - 60
        for said_name, said_value in facts:
            top = self.get_y()
            spots = [(said_name, name, MUTED, ""), (said_value, value, INK, "B")]
            left, bottom = self.l_margin, top
            for text, width, colour, style in reversed(spots) if self.is_rtl else spots:
                self.set_xy(left, top)
                self.set_font(FAMILY, style, 9.5)
                self.set_text_color(*colour)
                self._shape(text)
                self.multi_cell(width, 5.5, text, align=self.start, new_x="RIGHT", new_y="NEXT")
                bottom, left = max(bottom, self.get_y()), left + width
            self.set_xy(self.l_margin, bottom)
        self.ln(4)

    def rows(self, columns: tuple[Column, ...], rows: tuple[Row, ...], totals: tuple[Row, ...]) -> None:
        """The table; its heading stands again on each page. Drawn cell by cell: fpdf2's own tables measure every text
        five times, which shaping makes ten seconds of work for 500 rows."""
        whole = sum(WIDTHS[column.kind] for column in columns)
        widths = [self.epw * WIDTHS[column.kind] / whole for column in columns]
        aligns = [self.end if column.is_figure else self.start for column in columns]
        heading = [column.title for column in columns]
        self._row(heading, widths, aligns, is_strong=True)
        for cells, is_total in (*((row, False) for row in rows), *((row, True) for row in totals)):
            texts = [said(plain(cell)) for cell in cells]
            if self._row(texts, widths, aligns, is_strong=is_total, fits_only=True):
                continue
            self.add_page()
            self._row(heading, widths, aligns, is_strong=True)
            self._row(texts, widths, aligns, is_strong=is_total)
        self.ln(4)

    def _row(
        self, texts: list[str], widths: list[float], aligns: list[Align], *, is_strong: bool, fits_only: bool = False
    ) -> bool:
        """One row, as high as its longest cell; False where `fits_only` and the page ends before it."""
        self.set_font(FAMILY, "B" if is_strong else "", 8)
        cells = [self._lines(text, width - 2) for text, width in zip(texts, widths, strict=True)]
        height = LINE_HEIGHT * max(map(len, cells)) + 1.5
        if fits_only and self.will_page_break(height):
            return False
        top, left = self.get_y(), self.l_margin
        if is_strong:
            self.set_fill_color(*SUNKEN)
            self.rect(left, top, self.epw, height, style="F")
        self.set_text_color(*INK)
        order = list(zip(cells, widths, aligns, strict=True))
        for lines, width, align in reversed(order) if self.is_rtl else order:
            for number, line in enumerate(lines):
                self.set_xy(left, top + 0.75 + LINE_HEIGHT * number)
                self._shape(line)
                self.cell(width, LINE_HEIGHT, line, align=align)
            left += width
        self.set_draw_color(*LINE)
        self.line(self.l_margin, top + height, self.w - self.r_margin, top + height)
        self.set_xy(self.l_margin, top + height)
        return True

    def _lines(self, text: str, width: float) -> list[str]:
        self._shape(text)
        if self.get_string_width(text) <= width:
            return [text]
        found: list[str] = self.multi_cell(  # type: ignore[assignment]  # by what `output` asks for
            width, LINE_HEIGHT, text, dry_run=True, output=MethodReturnValue.LINES
        )
        return found

    def _shape(self, text: str) -> None:
        """Only where letters join or runs turn: the rest is as it stands, and twenty times as quick."""
        self.set_text_shaping(not text.isascii())

    def note(self, text: str) -> None:
        self._write(text, 8.5, colour=MUTED)

    def signatures(self, names: tuple[str, ...]) -> None:
        """A line to sign on for each."""
        if not names:
            return
        self.ln(20)
        width, gap = 70, 10
        self.set_draw_color(*MUTED)
        top = self.get_y()
        for index, name in enumerate(names):
            left = (
                self.w - self.r_margin - width - index * (width + gap)
                if self.is_rtl
                else self.l_margin + index * (width + gap)
            )
            self.line(left, top, left + width, top)
            self.set_xy(left, top + 1)
            self.set_font(FAMILY, "", 8)
            self.set_text_color(*MUTED)
            self._shape(name)
            self.cell(width, 5, name, align=self.start)
        self.set_xy(self.l_margin, top + 8)

    def _write(self, text: str, size: float, *, bold: bool = False, colour: tuple[int, int, int] = INK) -> None:
        self.set_font(FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)
        self._shape(text)
        self.multi_cell(0, size * 0.55, text, align=self.start, new_x="LMARGIN", new_y="NEXT")
