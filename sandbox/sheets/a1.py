"""A1 notation, read and written: `'Owner''s list'!A2:C`, open ends, whole tabs, whole rows and columns."""

import re
from typing import NamedTuple

_PART = re.compile(r"\$?([A-Za-z]{0,3})\$?([0-9]{0,8})\Z")
_BARE_TITLE = re.compile(r"[^\W\d]\w*\Z", re.ASCII)
_LOOKS_LIKE_CELL = re.compile(r"[A-Za-z]{1,3}[0-9]+\Z|[Rr][0-9]*[Cc][0-9]*\Z")


class NotARange(ValueError):
    """Text that is no A1 notation."""


class Area(NamedTuple):
    """Half-open rows and columns from zero. None as an end is open: the grid's edge."""

    top: int
    left: int
    bottom: int | None
    right: int | None
    anchor: bool = False  # a single cell, from which a longer write may spread

    def within(self, rows: int, columns: int) -> "Box":
        """The part of it that is on a grid of this size."""
        bottom = rows if self.bottom is None else min(self.bottom, rows)
        right = columns if self.right is None else min(self.right, columns)
        return Box(self.top, self.left, max(bottom, self.top), max(right, self.left))


class Box(NamedTuple):
    """Half-open rows and columns, all ends known."""

    top: int
    left: int
    bottom: int
    right: int

    def __bool__(self) -> bool:
        return self.bottom > self.top and self.right > self.left


WHOLE = Area(0, 0, None, None)


def column_index(letters: str) -> int:
    """AB -> 27."""
    index = 0
    for letter in letters.upper():
        index = index * 26 + ord(letter) - 64
    return index - 1


def column_letters(index: int) -> str:
    """27 -> AB."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def split(text: str) -> tuple[str | None, str]:
    """The tab's title, if the text names one, and the cells. Raises NotARange."""
    if text.startswith("'"):
        end = 1
        while (end := text.find("'", end)) != -1 and text[end : end + 2] == "''":
            end += 2
        if end == -1 or (end + 1 < len(text) and text[end + 1] != "!"):
            raise NotARange(text)
        return text[1:end].replace("''", "'"), text[end + 2 :]
    title, mark, cells = text.rpartition("!")
    return (title, cells) if mark else (None, text)


def cells(text: str) -> Area:
    """`A1`, `A1:C3`, `A:C`, `2:5`, `A2:C`, `B3:7`: where they are. Raises NotARange."""
    first, colon, last = text.partition(":")
    left, top = _corner(first)
    if not colon:
        if left is None or top is None:
            raise NotARange(text)
        return Area(top, left, top + 1, left + 1, anchor=True)
    right, bottom = _corner(last)
    if (left is None and top is None) or (right is None and bottom is None):
        raise NotARange(text)
    if (left is None) != (right is None) and (top is None) != (bottom is None):
        raise NotARange(text)
    rows, columns = sorted_ends(top, bottom), sorted_ends(left, right)
    return Area(rows[0], columns[0], rows[1], columns[1])


def sorted_ends(first: int | None, last: int | None) -> tuple[int, int | None]:
    """Both ends half-open, whichever was written first."""
    if first is None:
        return (0, None) if last is None else (last, None)
    if last is None:
        return first, None
    return min(first, last), max(first, last) + 1


def _corner(text: str) -> tuple[int | None, int | None]:
    found = _PART.match(text)
    if found is None or not text or found[2] == "0":
        raise NotARange(text)
    return (column_index(found[1]) if found[1] else None), (int(found[2]) - 1 if found[2] else None)


def looks_like_cells(text: str) -> bool:
    """Whether a title without quotes could be mistaken for cells."""
    return _LOOKS_LIKE_CELL.match(text) is not None


def quoted(title: str) -> str:
    """A title as Google writes it in front of a range."""
    if _BARE_TITLE.match(title) and not looks_like_cells(title):
        return title
    return "'" + title.replace("'", "''") + "'"


def cell(row: int, column: int) -> str:
    """(0, 1) -> B1."""
    return f"{column_letters(column)}{row + 1}"


def written(title: str, box: Box) -> str:
    """A range with its tab, as answers carry it: one cell without a colon."""
    first = cell(box.top, box.left)
    last = cell(max(box.bottom - 1, box.top), max(box.right - 1, box.left))
    return f"{quoted(title)}!{first}" if first == last else f"{quoted(title)}!{first}:{last}"
