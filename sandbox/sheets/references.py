"""References in formulas: they go with the rows, columns and tabs that they mean."""

import re
from collections.abc import Callable

from . import a1
from .book import Content
from .formulas import TOKEN
from .grid import ROWS, Formula, Shift, Tab

_REFERENCE = re.compile(r"(\$?)([A-Za-z]{1,3})?(\$?)(\d+)?\Z")


def followed(content: Content, tab: Tab, shift: Shift) -> None:
    """Let the references of all formulas go with the rows or columns that moved in a tab."""
    if not content.has_formulas:
        return
    for each in content.tabs:
        for index, row in enumerate(each.rows):
            if any(type(value) is Formula for value in row.cells):
                cells = [
                    _moved(value, each, tab, shift) if isinstance(value, Formula) else value for value in row.cells
                ]
                if cells != row.cells:
                    each.rows[index] = type(row)(cells, row.formats, row.marks)


def _moved(formula: Formula, home: Tab, tab: Tab, shift: Shift) -> Formula:
    def replaced(title: str, reference: str) -> str | None:
        owner = home.title if not title else a1.split(title + "A1")[0]
        if owner is None or owner.casefold() != tab.title.casefold():
            return None
        return title + _shifted(reference, shift)

    return formula._replace(text=_rewritten(formula.text, replaced))


def renamed(content: Content, before: str, after: str) -> None:
    """Let formulas that name a tab name it by its new title."""

    def replaced(title: str, reference: str) -> str | None:
        owner = a1.split(title + "A1")[0] if title else None
        return f"{a1.quoted(after)}!{reference}" if owner and owner.casefold() == before.casefold() else None

    if not content.has_formulas:
        return
    for each in content.tabs:
        for index, row in enumerate(each.rows):
            if any(type(value) is Formula and "!" in value.text for value in row.cells):
                cells = [
                    value._replace(text=_rewritten(value.text, replaced)) if isinstance(value, Formula) else value
                    for value in row.cells
                ]
                each.rows[index] = type(row)(cells, row.formats, row.marks)


def offset(formula: Formula, rows: int, columns: int) -> Formula:
    """The formula as it reads when it is filled into a cell so many rows and columns further."""

    def replaced(title: str, reference: str) -> str | None:
        return title + ":".join(_offset(part, rows, columns) for part in reference.split(":"))

    return formula._replace(text=_rewritten(formula.text, replaced))


def _rewritten(text: str, replaced: Callable[[str, str], str | None]) -> str:
    parts, position = [text[:1]], 1
    while position < len(text):
        found = TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            return text  # it cannot be parsed: Sheets leaves such a text alone too
        token = found[found.lastgroup]
        parts.append(text[position : found.end() - len(token)])
        if found.lastgroup == "ref":
            mark = token.rfind("!") + 1
            new = replaced(token[:mark], token[mark:])
            parts.append(token if new is None else new)
        else:
            parts.append(token)
        position = found.end()
    return "".join(parts)


def _shifted(reference: str, shift: Shift) -> str:
    ends = [_REFERENCE.match(each) for each in reference.split(":")]
    if any(each is None for each in ends):
        return reference
    group = 4 if shift.dimension == ROWS else 2
    indexes = [_index(each[group], group) for each in ends if each is not None]
    moved = [None if each is None else shift.at(each) for each in indexes]
    first, last = indexes[0], indexes[-1]
    if len(moved) == 2 and shift.kind == "delete" and first is not None and last is not None:
        if shift.start <= first and last < shift.end:
            return "#REF!"
        moved = [
            shift.start if moved[0] is None else moved[0],
            shift.start - 1 if moved[1] is None else moved[1],
        ]
    elif any(old is not None and new is None for old, new in zip(indexes, moved, strict=True)):
        return "#REF!"
    return ":".join(_put(each, group, new) for each, new in zip(ends, moved, strict=True) if each is not None)


def _index(text: str | None, group: int) -> int | None:
    if text is None:
        return None
    return int(text) - 1 if group == 4 else a1.column_index(text)


def _put(found: "re.Match[str]", group: int, index: int | None) -> str:
    if index is None:
        return found[0]
    row = str(index + 1) if group == 4 else found[4] or ""
    column = a1.column_letters(index) if group == 2 else found[2] or ""
    return f"{found[1]}{column}{found[3]}{row}"


def _offset(text: str, rows: int, columns: int) -> str:
    found = _REFERENCE.match(text)
    if found is None:
        return text
    column, row = found[2] or "", found[4] or ""
    if column and not found[1]:
        index = a1.column_index(column) + columns
        if index < 0:
            return "#REF!"
        column = a1.column_letters(index)
    if row and not found[3]:
        if int(row) + rows < 1:
            return "#REF!"
        row = str(int(row) + rows)
    return f"{found[1]}{column}{found[3]}{row}"
