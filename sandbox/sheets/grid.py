"""One tab: typed cells in rows that are never changed in place, so that older states can share them."""

import copy
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from .a1 import Area, Box
from .errors import invalid
from .formats import Format

Json = dict[str, Any]
T = TypeVar("T")

ROWS, COLUMNS = "ROWS", "COLUMNS"
MOST_CELLS = 10_000_000
MOST_COLUMNS = 18_278
LONGEST = 50_000


class Formula(NamedTuple):
    """A formula. `shown` is what it is said to show, for those that the sandbox cannot work out."""

    text: str
    shown: str | int | float | bool | None = None


Value = str | int | float | bool | Formula | None


class Skip:
    """Stands for a cell that a write leaves alone."""


SKIP = Skip()


class Mark(NamedTuple):
    """Who changed a cell last, and when."""

    who: str
    at: float


class Row:
    """The cells of one row without empty ones at its end; formats and marks by column, None for none at all."""

    __slots__ = ("cells", "formats", "marks")

    def __init__(
        self,
        cells: list[Value],
        formats: dict[int, Format] | None = None,
        marks: dict[int, Mark] | None = None,
    ) -> None:
        while cells and cells[-1] is None:
            cells.pop()
        self.cells = cells
        self.formats = formats or None
        self.marks = marks or None

    def rearranged(self, move: "Callable[[int], int | None]", cells: list[Value]) -> "Row":
        """The same row after its columns have moved."""
        formats = None if self.formats is None else _moved(self.formats, move)
        return Row(cells, formats, None if self.marks is None else _moved(self.marks, move))


EMPTY = Row([])


def _moved(by_index: dict[int, T], move: "Callable[[int], int | None]") -> dict[int, T]:
    return {new: each for old, each in by_index.items() if (new := move(old)) is not None}


class Shift(NamedTuple):
    """Rows or columns that were inserted, deleted or moved, and where each of the others is now."""

    kind: str
    dimension: str
    start: int
    end: int
    to: int = 0

    def at(self, index: int) -> int | None:
        """Where the row or column with this index went; None if it is gone."""
        count = self.end - self.start
        if self.kind == "insert":
            return index + count if index >= self.start else index
        if self.kind == "delete":
            return index if index < self.start else index - count if index >= self.end else None
        if self.start <= index < self.end:
            return index - self.start + (self.to - count if self.to > self.start else self.to)
        if self.to > self.start:
            return index - count if self.end <= index < self.to else index
        return index + count if self.to <= index < self.start else index


class Tab:
    """A sheet of a spreadsheet."""

    def __init__(self, sheet_id: int, title: str, rows: int = 1000, columns: int = 26) -> None:
        self.sheet_id = sheet_id
        self.title = title
        self.row_count = rows
        self.column_count = columns
        self.rows: list[Row] = []
        self.hidden: dict[str, set[int]] = {ROWS: set(), COLUMNS: set()}
        self.sizes: dict[str, dict[int, int]] = {ROWS: {}, COLUMNS: {}}
        self.frozen = {ROWS: 0, COLUMNS: 0}
        self.is_hidden = False
        self.right_to_left = False
        self.extra: Json = {}  # properties that are kept and given back, and mean nothing here
        self.protected: list[Json] = []
        self.notes: dict[tuple[int, int], str] = {}

    def copy(self) -> "Tab":
        """A tab of its own that shares the rows."""
        twin = copy.copy(self)
        twin.rows = self.rows.copy()
        twin.hidden = {dimension: set(each) for dimension, each in self.hidden.items()}
        twin.sizes = {dimension: dict(each) for dimension, each in self.sizes.items()}
        twin.frozen, twin.extra, twin.notes = dict(self.frozen), dict(self.extra), dict(self.notes)
        twin.protected = copy.deepcopy(self.protected)
        return twin

    def size(self, dimension: str) -> int:
        """How many rows or columns the grid has."""
        return self.row_count if dimension == ROWS else self.column_count

    def row(self, index: int) -> Row:
        """One row, empty if nothing was ever written there."""
        return self.rows[index] if index < len(self.rows) else EMPTY

    def cell(self, row: int, column: int) -> Value:
        """One cell."""
        cells = self.row(row).cells
        return cells[column] if column < len(cells) else None

    def box(self, area: Area) -> Box:
        """The part of an area that is on the grid."""
        return area.within(self.row_count, self.column_count)

    def used(self) -> Box:
        """The rows and columns from the first cell to the last that is not empty."""
        bottom = next((index for index in range(len(self.rows), 0, -1) if self.rows[index - 1].cells), 0)
        return Box(0, 0, bottom, max((len(each.cells) for each in self.rows), default=0))

    def put(
        self,
        row: int,
        column: int,
        values: list[Value | Skip],
        mark: Mark | None,
        formats: dict[int, Format] | None = None,
    ) -> int:
        """Write a part of one row. Says how many cells were written, whether or not they changed."""
        old = self.row(row)
        cells = old.cells + [None] * (column + len(values) - len(old.cells))
        written, changed = 0, []
        for index, value in enumerate(values, column):
            if isinstance(value, Skip):
                continue
            written += 1
            before = cells[index]
            if before != value or type(before) is not type(value):
                cells[index] = value
                changed.append(index)
        if not changed and not formats:
            return written
        marks = old.marks
        if mark is not None and changed:
            marks = {**(marks or {}), **dict.fromkeys(changed, mark)}
        self.set_row(row, Row(cells, {**(old.formats or {}), **formats} if formats else old.formats, marks))
        return written

    def set_row(self, index: int, row: Row) -> None:
        """Replace a whole row."""
        if index >= len(self.rows):
            self.rows.extend([EMPTY] * (index + 1 - len(self.rows)))
        self.rows[index] = row

    def form(self, row: int, column: int) -> Format | None:
        """The number format of a cell."""
        formats = self.row(row).formats
        return formats.get(column) if formats else None

    def clear(self, box: Box, mark: Mark | None) -> None:
        """Empty the cells; their formats stay."""
        for index in range(box.top, min(box.bottom, len(self.rows))):
            width = min(box.right, len(self.rows[index].cells)) - box.left
            if width > 0:
                self.put(index, box.left, [None] * width, mark)

    def insert(self, dimension: str, start: int, count: int, *, inherit: bool = False) -> Shift:
        """Insert empty rows or columns before `start`; `inherit` takes the formats of the one before."""
        shift = Shift("insert", dimension, start, start + count)
        if dimension == ROWS:
            if start < len(self.rows):
                like = self.rows[start - 1] if inherit and start else self.rows[start] if start else EMPTY
                self.rows[start:start] = [Row([], like.formats)] * count
            self.row_count += count
        else:
            blank: list[Value] = [None] * count
            self._rearrange(
                shift, lambda cells: [*cells[:start], *blank, *cells[start:]] if start < len(cells) else cells
            )
            self.column_count += count
        self._remap(shift)
        return shift

    def delete(self, dimension: str, start: int, end: int) -> Shift:
        """Delete rows or columns."""
        shift = Shift("delete", dimension, start, end)
        if dimension == ROWS:
            del self.rows[start:end]
            self.row_count -= end - start
        else:
            self._rearrange(shift, lambda cells: [*cells[:start], *cells[end:]])
            self.column_count -= end - start
        self._remap(shift)
        return shift

    def move(self, dimension: str, start: int, end: int, to: int) -> Shift:
        """Move rows or columns so that they stand before what has index `to` now."""
        shift = Shift("move", dimension, start, end, to)

        def reordered(items: list[Any], filler: Any) -> list[Any]:
            items = items + [filler] * (max(end, to) - len(items))
            moved = items[start:end]
            if to > start:
                return items[:start] + items[end:to] + moved + items[to:]
            return items[:to] + moved + items[to:start] + items[end:]

        if dimension == ROWS:
            self.rows = reordered(self.rows, EMPTY)
        else:
            self._rearrange(shift, lambda cells: reordered(cells, None))
        self._remap(shift)
        return shift

    def sort(self, box: Box, specs: list[tuple[int, bool]], shown: Callable[[int, int], Value]) -> list[int]:
        """Sort the cells of an area by columns, each ascending or not; numbers, texts, booleans, empty ones last.

        Says from which row each of the area's rows has come."""
        top, bottom = box.top, min(box.bottom, len(self.rows))
        order = list(range(top, bottom))
        for column, ascending in reversed(specs):
            values = {row: shown(row, column) for row in order}
            filled = [row for row in order if values[row] not in (None, "")]
            empty = [row for row in order if values[row] in (None, "")]
            filled.sort(key=lambda row: _rank(values[row]), reverse=not ascending)
            order = filled + empty
        whole = box.left == 0 and box.right >= self.column_count
        before = self.rows[top:bottom]
        for place, source in enumerate(order):
            row = before[source - top]
            self.rows[top + place] = row if whole else _joined(before[place], row, box.left, box.right)
        return order

    def _rearrange(self, shift: Shift, cells: Callable[[list[Value]], list[Value]]) -> None:
        self.rows = [row.rearranged(shift.at, list(cells(row.cells))) for row in self.rows]

    def _remap(self, shift: Shift) -> None:
        """Let what belongs to rows or columns go with them."""
        dimension = shift.dimension
        self.hidden[dimension] = {new for old in self.hidden[dimension] if (new := shift.at(old)) is not None}
        self.sizes[dimension] = _moved(self.sizes[dimension], shift.at)
        notes: dict[tuple[int, int], str] = {}
        for (row, column), note in self.notes.items():
            moved = shift.at(row if dimension == ROWS else column)
            if moved is not None:
                notes[(moved, column) if dimension == ROWS else (row, moved)] = note
        self.notes = notes
        names = ("startRowIndex", "endRowIndex") if dimension == ROWS else ("startColumnIndex", "endColumnIndex")
        for each in self.protected:
            area = each.get("range", {})
            if names[0] in area and (start := shift.at(area[names[0]])) is not None:
                area[names[0]] = start
            if names[1] in area and (last := shift.at(area[names[1]] - 1)) is not None:
                area[names[1]] = last + 1

    def is_protected_from(self, who: str, box: Box) -> bool:
        """Whether some of these cells are in a protected range that this person may not edit."""
        for each in self.protected:
            if each.get("warningOnly") or who in (each.get("editors") or {}).get("users", []):
                continue
            area = each.get("range", {})
            bottom, right = area.get("endRowIndex", self.row_count), area.get("endColumnIndex", self.column_count)
            rows = box.top < bottom and box.bottom > area.get("startRowIndex", 0)
            if rows and box.left < right and box.right > area.get("startColumnIndex", 0):
                return True
        return False

    def resize(self, rows: int, columns: int) -> None:
        """Give the grid another size; what does not fit any more is gone."""
        if rows < self.row_count:
            self.delete(ROWS, rows, self.row_count)
        if columns < self.column_count:
            self.delete(COLUMNS, columns, self.column_count)
        self.row_count, self.column_count = rows, columns

    def table_at(self, box: Box) -> Box | None:
        """The last table, a block of cells with nothing but empty ones around it, that touches the box."""
        for row in range(min(box.bottom, len(self.rows)) - 1, box.top - 1, -1):
            cells = self.rows[row].cells
            for column in range(min(box.right, len(cells)) - 1, box.left - 1, -1):
                if cells[column] is not None:
                    return self._region(row, column)
        # A cell that is empty may still lie inside of a table.
        for row in range(max(0, box.top - 1), min(box.bottom + 1, len(self.rows))):
            cells = self.rows[row].cells
            for column in range(max(0, box.left - 1), min(box.right + 1, len(cells))):
                if cells[column] is not None:
                    region = self._region(row, column)
                    if region.top < box.bottom and region.bottom > box.top and _overlap(region, box):
                        return region
        return None

    def _region(self, row: int, column: int) -> Box:
        top, bottom, left, right = row, row + 1, column, column + 1
        while True:
            before = (top, bottom, left, right)
            low, high = max(0, left - 1), right + 1
            while top > 0 and _filled(self.rows[top - 1], low, high):
                top -= 1
            while bottom < len(self.rows) and _filled(self.rows[bottom], low, high):
                bottom += 1
            around = self.rows[max(0, top - 1) : bottom + 1]
            while left > 0 and any(_filled(each, left - 1, left) for each in around):
                left -= 1
            while any(_filled(each, right, right + 1) for each in around):
                right += 1
            if before == (top, bottom, left, right):
                return Box(top, left, bottom, right)


def _overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and one.right > other.left


def _filled(row: Row, left: int, right: int) -> bool:
    return len(row.cells) > left and any(each is not None for each in row.cells[left:right])


def _rank(value: Value) -> tuple[int, Any]:
    if isinstance(value, bool):
        return 2, value
    if isinstance(value, int | float):
        return 0, value
    return 1, str(value).casefold()


def _joined(around: Row, inside: Row, left: int, right: int) -> Row:
    """A row whose cells of some columns come from another row."""

    def part(row: Row, start: int, end: int | None, width: int) -> list[Value]:
        cells = row.cells[start:end]
        return cells + [None] * (width - len(cells))

    cells = part(around, 0, left, left) + part(inside, left, right, right - left) + around.cells[right:]
    return Row(
        cells,
        _mixed(around.formats, inside.formats, left, right),
        _mixed(around.marks, inside.marks, left, right),
    )


def _mixed(around: dict[int, T] | None, inside: dict[int, T] | None, left: int, right: int) -> dict[int, T] | None:
    if around is None and inside is None:
        return None
    kept = {index: each for index, each in (around or {}).items() if not left <= index < right}
    return kept | {index: each for index, each in (inside or {}).items() if left <= index < right}


def check_length(values: Iterable[object]) -> None:
    """Refuse a text that no cell can hold."""
    if any(isinstance(each, str) and len(each) > LONGEST for each in values):
        raise invalid(f"Your input contains more than the maximum of {LONGEST} characters in a single cell.")
