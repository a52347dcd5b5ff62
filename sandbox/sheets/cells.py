"""Cells in and out: what the API is given becomes typed values, and typed values become what it answers."""

from typing import Any

from . import formats, formulas
from .a1 import Box
from .book import Content
from .errors import invalid
from .formats import Format
from .grid import SKIP, Formula, Skip, Tab, Value, check_length

FORMATTED, UNFORMATTED, FORMULA = "FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA"
SERIAL, STRING = "SERIAL_NUMBER", "FORMATTED_STRING"


def entered(text: str, locale: str, form: Format | None = None) -> tuple[Value, Format | None]:
    """What becomes of a text that is typed into a cell."""
    if text == "":
        return None, None
    if text.startswith("'"):
        return text[1:] or None, None
    if form is not None and form.type == "TEXT":
        return text, None
    if len(text) > 1 and text.startswith("="):
        return Formula(text), None
    value, found = formats.typed(text, locale)
    # A plus sign begins a formula: "+971 50 123 4567" is one that cannot be parsed.
    if isinstance(value, str) and len(text) > 1 and text.startswith("+"):
        return Formula("=" + text), None
    return value, found


def taken(
    value: Any, option: str, content: Content, form: Format | None, place: str
) -> tuple[Value | Skip, Format | None]:
    """One value of a values request as a cell keeps it."""
    if value is None:
        return SKIP, None
    if isinstance(value, bool):
        return value, None
    if isinstance(value, int | float):
        return formats.number(value), None
    if isinstance(value, str):
        check_length((value,))
        if option == "RAW":
            return value or None, None
        kept, found = entered(value, content.locale, form)
        if isinstance(kept, Formula):
            content.has_formulas = True
        return kept, found
    kind = "list_value" if isinstance(value, list) else "struct_value"
    raise invalid(f"Invalid {place}: {kind} {{\n}}\n")


def outcome(content: Content, tab: Tab, row: int, column: int) -> str | int | float | bool | None:
    """The value of a cell; of a formula, what it comes to."""
    value = tab.cell(row, column)
    return formulas.outcome(content, tab, row, column, value) if isinstance(value, Formula) else value


def text(value: object, form: Format | None, locale: str) -> str:
    """A value as the sheet shows it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return formats.general(value) if form is None else formats.shown(value, form, locale)
    return str(value)


def rendered(content: Content, tab: Tab, row: int, column: int, render: str, dates: str) -> Any:
    """One cell as an answer carries it; "" for an empty one."""
    value = tab.cell(row, column)
    if value is None:
        return ""
    if isinstance(value, Formula):
        if render == FORMULA:
            return value.text
        result: Any = formulas.outcome(content, tab, row, column, value)
    else:
        result = value
    if result is None:
        return ""
    form = tab.form(row, column)
    if render == FORMATTED:
        return text(result, form, content.locale)
    is_date = form is not None and form.type in formats.DATE_KINDS and dates == STRING
    return text(result, form, content.locale) if is_date and not isinstance(result, str | bool) else result


def matrix(content: Content, tab: Tab, box: Box, render: str, dates: str) -> list[list[Any]]:
    """The rows of an area without the empty cells and rows at their ends."""
    quick = {str} if render == FORMATTED else {str, int, float, bool}
    top, left, bottom, right = box.top, box.left, min(box.bottom, len(tab.rows)), box.right
    found: list[list[Any]] = []
    for index in range(top, bottom):
        row = tab.rows[index]
        cells = row.cells if left == 0 and right >= len(row.cells) else row.cells[left:right]
        plain = quick if row.formats is None else {str}
        line = [
            each
            if type(each) in plain
            else ""
            if each is None
            else rendered(content, tab, index, column, render, dates)
            for column, each in enumerate(cells, left)
        ]
        while line and line[-1] == "":
            line.pop()
        found.append(line)
    while found and not found[-1]:
        found.pop()
    return found


def turned(lines: list[list[Any]], filler: Any = "") -> list[list[Any]]:
    """Rows as columns, or columns as rows."""
    width = max(map(len, lines), default=0)
    columns = [[line[index] if index < len(line) else filler for line in lines] for index in range(width)]
    for column in columns:
        while column and column[-1] == filler:
            column.pop()
    return columns
