"""What becomes of one cell: the three-way merge. Pure.

Each side is compared with its own past, for the two write the same thing differently: `1.2M CASH` there is
`1200000 CASH` here. Only one side changed: it wins, in the direction that its column allows. Both changed to different
values: a person decides, and until then neither is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sheets.models import Direction, Resolution


class Verdict(StrEnum):
    KEEP = "keep"  # nothing changed
    AGREE = "agree"  # both say the same now
    TAKE = "take"  # the sheet's cell comes into Majlis
    ERASE = "erase"  # the sheet's cell was emptied, and the sheet owns it
    WRITE = "write"  # what Majlis has goes into the sheet
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as both sides had it when they last agreed, and as they have it now. Empty text is nothing.

    `canonical` is the sheet's text as Majlis would say it. `ours` and `was` are None where Majlis cannot say.
    """

    base: str
    theirs: str
    canonical: str
    was: str | None
    ours: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """`overruled`: the other side had changed as well, and the column's direction set that aside."""

    verdict: Verdict
    overruled: bool = False


def decide(cell: Cell, direction: str, resolution: str = "") -> Decision:
    """A blank cell never erases what we know, unless the sheet owns the column and the cell had a value before."""
    if cell.ours is None:
        changed = bool(cell.theirs) and cell.theirs != cell.base
        return Decision(Verdict.TAKE if changed else Verdict.KEEP)
    ours_changed = cell.ours != cell.was
    emptied = not cell.theirs and bool(cell.base)
    theirs_changed = cell.theirs != cell.base and (not emptied or direction != Direction.BOTH)
    if not ours_changed and not theirs_changed:
        return Decision(Verdict.KEEP)
    if cell.canonical == cell.ours:
        return Decision(Verdict.AGREE)
    taking = Verdict.ERASE if emptied else Verdict.TAKE
    if resolution:
        return Decision(Verdict.WRITE if resolution == Resolution.OURS else taking)
    if direction == Direction.APP:
        return Decision(Verdict.WRITE, overruled=theirs_changed)
    if direction == Direction.SHEET:
        # A cell that never had anything says nothing, whoever owns it.
        return Decision(
            taking if cell.theirs or emptied else Verdict.AGREE, overruled=ours_changed and bool(cell.theirs)
        )
    if ours_changed and theirs_changed:
        return Decision(Verdict.CONFLICT)
    return Decision(Verdict.WRITE if ours_changed else Verdict.TAKE)
