"""Writing into a linked sheet: only where a cell still says what we read, never over a formula, and looked at again.

Between our look at the rows and our write somebody may sort them: then a value stands in a wrong row. So the columns
are read once more after the write; what went astray is put right, and written where it belongs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from sheets.cells import PLACEHOLDERS, text_of
from sheets.google import Cell, GoogleSheets
from sheets.sync.merged import Append, Write
from sheets.sync.reading import Sheet

ROUNDS = 4
_LARGEST_NUMBER = 10**15  # above, a sheet's number is no longer exact


@dataclass(slots=True)
class Outcome:
    """`done` stand in the sheet now; `formulas` were left alone; `others` wait for the next sync."""

    done: list[Write] = field(default_factory=list)
    formulas: list[Write] = field(default_factory=list)
    others: list[Write] = field(default_factory=list)


class Writer:
    """Puts cells into one sheet. `alive` is called before each write: it raises when we are not to go on."""

    def __init__(
        self, google: GoogleSheets, document_id: str, sheet: Sheet, first_row: int, *, numeric: frozenset[str],
        headers: Mapping[str, str], alive: Callable[[], None],
    ) -> None:  # fmt: skip
        self.google = google
        self.document_id = document_id
        self.sheet = sheet
        self.first_row = first_row
        self.numeric = numeric
        self.headers = headers  # of each field
        self.alive = alive

    def write(self, writes: Iterable[Write]) -> Outcome:
        """Write every cell that still says what it said when we read it."""
        outcome, pending = Outcome(), list(writes)
        strays: list[tuple[str, int, Any]] = []  # row id, column, what it said before we overwrote it
        for _ in range(ROUNDS):
            if not pending and not strays:
                return outcome
            columns = sorted({self._column(write) for write in pending} | {column for _, column, _ in strays})
            before = self._look(columns)
            shown = before if not pending else self._look(columns, as_entered=True)
            pending = self._possible(pending, before, shown, outcome)
            wanted = {(write.row_key, self._column(write)): self._value(write) for write in pending}
            wanted |= {(key, column): value for key, column, value in strays if key in before.rows}
            cells = [Cell(before.rows[key], column, value) for (key, column), value in wanted.items()]
            if not cells:
                break
            self.alive()
            self.google.write(self.document_id, self.sheet.tab, cells)
            after = self._look(columns)
            strays = self._strays(wanted, before, after)
            still = [write for write in pending if not self._stands(write, after)]
            outcome.done += [write for write in pending if self._stands(write, after)]
            pending = still
        outcome.others += pending
        return outcome

    def append(self, appends: Iterable[Append]) -> dict[str, int]:
        """Append those rows that are not there. Returns where each of them stands now; one call writes them all."""
        wanted = list(appends)
        there = self._look_anew()
        rest = [each for each in wanted if each.row_key not in there]
        if rest:
            self.alive()
            self.google.append(self.document_id, self.sheet.tab, [self._line(each) for each in rest])
            there = self._look_anew()
        return {each.row_key: there[each.row_key] for each in wanted if each.row_key in there}

    def _look_anew(self) -> dict[str, int]:
        """Where every row stands, however long the sheet has become."""
        tab = self.google.document(self.document_id).tab(self.sheet.tab.tab_id)
        self.sheet = replace(self.sheet, tab=tab)
        return self._look([]).rows

    def _line(self, row: Append) -> dict[int, str | int | float]:
        columns = {name: self.sheet.positions[header] + 1 for name, header in self.headers.items()}
        line = {columns[name]: self._typed(name, text) for name, text in row.cells.items() if name in columns}
        return line | {self.sheet.id_column + 1: row.row_key}

    def _look(self, columns: list[int], *, as_entered: bool = False) -> _Look:
        """The ids of all rows and these columns beside them, from one request."""
        ids, *cells = self.google.columns(
            self.document_id,
            self.sheet.tab,
            [self.sheet.id_column + 1, *columns],
            self.first_row,
            as_entered=as_entered,
        )
        rows = {text_of(key): self.first_row + index for index, key in enumerate(ids) if key != ""}
        return _Look(self.first_row, rows, dict(zip(columns, cells, strict=True)))

    def _possible(self, pending: list[Write], now: _Look, shown: _Look, outcome: Outcome) -> list[Write]:
        """Cells that are where we think, say what they said, and are no formulas."""
        possible = []
        for write in pending:
            column = self._column(write)
            cell, entered = now.cell(write.row_key, column), shown.cell(write.row_key, column)
            if cell is None or write.row_key not in shown.rows or _said(cell) not in {write.theirs, write.text}:
                outcome.others.append(write)
            elif isinstance(entered, str) and entered.startswith("=") and entered != cell:
                outcome.formulas.append(write)
            elif _said(cell) == write.text and write.text:
                outcome.done.append(write)
            else:
                possible.append(write)
        return possible

    def _strays(self, wanted: Mapping[tuple[str, int], Any], before: _Look, after: _Look) -> list[tuple[str, int, Any]]:
        """Cells of rows we did not mean that say now what we wrote, with what they said before."""
        found = []
        for (key, column), value in wanted.items():
            if after.cell(key, column) == value or before.rows.get(key) == after.rows.get(key):
                continue
            for other in after.rows:
                was = before.cell(other, column)
                if (other, column) not in wanted and was != value and after.cell(other, column) == value:
                    found.append((other, column, "" if was is None else was))
        return found

    def _stands(self, write: Write, look: _Look) -> bool:
        return _said(look.cell(write.row_key, self._column(write))) == _said(self._value(write))

    def _column(self, write: Write) -> int:
        return self.sheet.positions[write.step.header] + 1

    def _value(self, write: Write) -> str | int | float:
        return self._typed(write.step.name, write.text)

    def _typed(self, name: str, text: str) -> str | int | float:
        """Numbers as numbers, where the field is one; all else as text."""
        if name not in self.numeric:
            return text
        try:
            number = Decimal(text)
        except InvalidOperation:
            return text
        plain = text.lstrip("-")
        if not number.is_finite() or abs(number) >= _LARGEST_NUMBER or (plain[:1] == "0" and plain[1:2].isdigit()):
            return text
        return int(number) if number == number.to_integral_value() else float(number)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one request showed: where each row stands, and what some columns say."""

    first_row: int
    rows: dict[str, int]
    columns: dict[int, list[Any]]

    def cell(self, row_key: str, column: int) -> Any:
        """None when the row is not there; empty text when the cell is empty."""
        row = self.rows.get(row_key)
        if row is None:
            return None
        cells, index = self.columns[column], row - self.first_row
        return cells[index] if index < len(cells) else ""


def _said(cell: Any) -> str:
    """As it is compared with what was read: placeholders say nothing."""
    text = text_of(cell)
    return "" if text in PLACEHOLDERS else text
