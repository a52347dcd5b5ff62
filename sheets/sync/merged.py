"""What a merge wants of the sheet, and of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sheets.mapping import Step
from sheets.models import Side
from sheets.staging import Result

# So many lines of the readable difference are kept: of rows that came, of all else.
KEPT_NEW, KEPT = 5_000, 20_000
_TOLD = 6  # values of a row that are told in one line


@dataclass(frozen=True, slots=True)
class Write:
    """A cell of the sheet that is to say `text`, if it still says `theirs`."""

    row_key: str
    row: int
    step: Step
    theirs: str
    text: str


@dataclass(frozen=True, slots=True)
class Append:
    """A row that the sheet does not have yet: the id that it gets, and its cells by the names of their fields."""

    row_key: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Clash:
    """A cell that says one thing here and another there."""

    row_key: str
    row: int
    step: Step
    base: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A conflict that a person decided: holds as long as both sides say what they said then."""

    resolution: str
    ours: str
    theirs: str


@dataclass(slots=True)
class Merged:
    """What came of a merge, before anything was written into the sheet."""

    result: Result
    writes: list[Write] = field(default_factory=list)
    appends: list[Append] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    settled: list[tuple[str, str]] = field(default_factory=list)  # row, field: no longer in conflict
    changes: list[tuple[int, str, str, str, str, str, str]] = field(default_factory=list)  # as CellChange
    gone: int = 0
    linked: int = 0
    told: Counter[str] = field(default_factory=Counter)

    def tell(
        self, row: int, key: str, side: str, *, name: str = "", column: str = "", before: str = "", after: str = ""
    ) -> None:
        """One line of the readable difference."""
        self.told[side] += 1
        if self.told[side] <= (KEPT_NEW if side == Side.NEW else KEPT):
            self.changes.append((row, key, side, name, column, before, after))


def in_one_line(values: Mapping[str, Any], steps: Iterable[Step]) -> str:
    """A row as a person recognises it: its first cells, in the order of the sheet."""
    said = (str(values[step.name]) for step in steps if values.get(step.name))
    return " · ".join(islice(said, _TOLD))
