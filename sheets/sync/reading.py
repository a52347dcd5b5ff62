"""Reading a linked sheet: its columns found by name, every row with an id of its own that outlives sorting.

The Sheets API has no transaction and no compare-and-set. So whatever depends on where rows stand is looked at again
after it was done, and begun anew when somebody moved rows meanwhile.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from tempfile import SpooledTemporaryFile
from typing import Any
from weakref import finalize

import orjson

from sheets import headers
from sheets.cells import text_of
from sheets.errors import ColumnGone, SheetRestless
from sheets.google import ID_HEADER, Cell, GoogleSheets, Tab
from sheets.models import Spreadsheet

ROWS_A_CALL = 20_000
TRIES = 4
_IN_MEMORY = 8 * 1024 * 1024

Line = tuple[int, str, list[Any]]


@dataclass(slots=True, weakref_slot=True, eq=False)
class Sheet:
    """A linked sheet as it was read. `positions`: header -> column (from 0). `keys` has every row id, once.

    `digest` is that of all cells. A sheet that `is_unchanged` was not looked into: it is the one of that digest.
    """

    title: str
    tab: Tab
    digest: bytes
    header: list[str]
    positions: dict[str, int]
    id_column: int
    is_unchanged: bool = False
    keys: set[str] = field(default_factory=set)
    height: int = 0
    spool: Any = field(default_factory=lambda: SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - lives as long as this

    def __post_init__(self) -> None:
        finalize(self, self.spool.close)

    def lines(self) -> Iterator[Line]:
        """Every row with something in it, in the order of the sheet; kept on disk, not in memory."""
        self.spool.seek(0)
        for line in self.spool:
            number, key, cells = orjson.loads(line)
            yield number, key, cells


class Reader:
    """Reads one linked sheet. `alive` is called between requests: it raises when we are not to go on."""

    def __init__(self, google: GoogleSheets, sheet: Spreadsheet, *, alive: Callable[[], None]) -> None:
        self.google = google
        self.sheet = sheet
        self.alive = alive

    def read(self, *, dry_run: bool, unless: bytes = b"") -> Sheet:
        """The whole sheet, with an id in every row. A dry run gives ids to nobody: new rows are named by their number.

        A sheet whose digest is `unless` is not looked into. Raises TabGone, ColumnGone, SheetRestless, and what Google says.
        """
        for _ in range(TRIES):
            document = self.google.document(self.sheet.document_id)
            self.alive()
            found = self._attempt(document.title, document.tab(self.sheet.tab_id), dry_run=dry_run, unless=unless)
            if found is not None:
                return found
        raise SheetRestless("Rows of the sheet were moved each time we looked; the next sync tries again.")

    def _attempt(self, title: str, tab: Tab, *, dry_run: bool, unless: bytes) -> Sheet | None:
        """None when it is to be read again: rows got ids, or somebody moved them while we read."""
        top = self.sheet.header_row
        pages, digest = [], blake2b(digest_size=32)
        for first in range(top, max(tab.rows, top) + 1, ROWS_A_CALL):
            pages.append(self.google.page(self.sheet.document_id, tab, first, first + ROWS_A_CALL - 1))
            digest.update(pages[-1])
            self.alive()
        if digest.digest() == unless:
            return Sheet(title, tab, unless, [], {}, 0, is_unchanged=True)
        rows = self.google.parsed(pages.pop(0))
        found = self._header(title, tab, rows[0] if rows else [], digest.digest(), dry_run=dry_run)
        if found is None:
            return None
        stood, any_named = self._keep(found, rows[1:], top + 1, dry_run=dry_run)
        stood += [""] * (ROWS_A_CALL - 1 - len(stood))
        for number, page in enumerate(pages, start=1):
            here, named = self._keep(found, self.google.parsed(page), top + number * ROWS_A_CALL, dry_run=dry_run)
            any_named = any_named or named
            stood += here + [""] * (ROWS_A_CALL - len(here))
        if any_named and not dry_run:
            return None  # where the ids went is seen by reading again: the rows may have been sorted in between
        if pages and not dry_run:  # read in several requests: the rows must not have moved between them
            now = self.google.column(self.sheet.document_id, tab, found.id_column + 1, top + 1)
            if ends(text_of(each) for each in now) != ends(stood):
                return None
        return found

    def _header(self, title: str, tab: Tab, cells: list[Any], digest: bytes, *, dry_run: bool) -> Sheet | None:
        """None when the column of ids had to be made first."""
        row = self.sheet.header_row
        names = headers.names_of(cells)
        if ID_HEADER in names:
            id_column = names.index(ID_HEADER)
        elif dry_run:
            id_column = tab.columns
        else:
            marked = self.google.marked_column(self.sheet.document_id, tab.tab_id)
            if marked:  # somebody gave it another name
                self.google.write(self.sheet.document_id, tab, [Cell(row, marked, ID_HEADER)])
            else:
                # Behind everything there is: what stands in columns without a name is nobody's to overwrite.
                self.google.add_id_column(self.sheet.document_id, tab, column=tab.columns + 1, header_row=row)
            return None
        positions = {name: index for index, name in enumerate(names) if index != id_column}
        mapped = [header for header, to in self.sheet.mapping.get("columns", {}).items() if to]
        by_fold = {headers.fold(name): index for name, index in positions.items()}
        for header in mapped:
            index = positions.get(header, by_fold.get(headers.fold(header)))
            if index is None:
                raise ColumnGone(
                    f"The column {header!r} is not in the sheet any more (row {row} has: {', '.join(positions) or 'nothing'}). "
                    "Put it back, or say on the sheet's page which column takes its place.",
                    column=header,
                    columns=list(positions),
                )
            positions[header] = index
        return Sheet(title, tab, digest, list(positions), positions, id_column)

    def _keep(self, found: Sheet, rows: list[list[Any]], first: int, *, dry_run: bool) -> tuple[list[str], bool]:
        """Spool the rows that have something in them, with their ids: those they have, and new ones for the others.

        Returns the ids as they stand now, and whether some are new.
        """
        new: list[Cell] = []
        here: list[str] = []
        for number, cells in enumerate(rows, start=first):
            key = text_of(cells[found.id_column]) if len(cells) > found.id_column else ""
            others = [cell for index, cell in enumerate(cells) if index != found.id_column]
            if not any(cell != "" and cell is not None for cell in others):
                here.append(key)
                continue
            if not key or key in found.keys:  # new, or a row that was copied with its id
                key = f"row {number}" if dry_run else f"m{secrets.token_hex(8)}"
                new.append(Cell(number, found.id_column + 1, key))
            found.keys.add(key)
            here.append(key)
            found.spool.write(orjson.dumps((number, key, cells)) + b"\n")
            found.height = number
        if new and not dry_run:
            self.alive()
            self.google.write(self.sheet.document_id, found.tab, new)
        return here, bool(new)


def ends(keys: Iterable[str]) -> list[str]:
    """Without the empty end."""
    found = list(keys)
    while found and not found[-1]:
        found.pop()
    return found
