"""A spreadsheet file: what it holds now and held before, whom it is shared with, and every write to it."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import a1
from .a1 import Area, Box
from .errors import GoogleError, invalid
from .grid import COLUMNS, MOST_CELLS, ROWS, Mark, Shift, Tab

Json = dict[str, Any]

REMEMBERED_STATES = 50
ROLES = {"reader": 1, "commenter": 1, "writer": 2, "owner": 3}
ANYONE = "anyone"
PROTECTED = (
    "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection "
    "if you need to edit."
)


class Metadata(NamedTuple):
    """A piece of developer metadata and where it sits. `line` is the row or column."""

    id: int
    key: str
    value: str
    visibility: str
    project: str
    place: str  # SPREADSHEET, SHEET, ROW, COLUMN
    sheet_id: int | None = None
    line: int | None = None


class Content:
    """Everything that a batch update can change: it works on a copy, which replaces this one or is thrown away."""

    def __init__(self, title: str, locale: str = "en_US", time_zone: str = "Asia/Dubai") -> None:
        self.title = title
        self.locale = locale
        self.time_zone = time_zone
        self.tabs: list[Tab] = []
        self.metadata: dict[int, Metadata] = {}
        self.named_ranges: list[Json] = []
        self.has_formulas = False
        self.worked_out: dict[tuple[int, int, int], Any] = {}

    def copy(self) -> "Content":
        """A draft that shares all rows with this."""
        twin = Content(self.title, self.locale, self.time_zone)
        twin.tabs = [each.copy() for each in self.tabs]
        twin.metadata = dict(self.metadata)
        twin.named_ranges = list(self.named_ranges)
        twin.has_formulas = self.has_formulas
        return twin

    def tab(self, sheet_id: int) -> Tab | None:
        """The tab with this id (gid)."""
        return next((each for each in self.tabs if each.sheet_id == sheet_id), None)

    def titled(self, title: str) -> Tab | None:
        """The tab with this title; capitals do not matter."""
        folded = title.casefold()
        return next((each for each in self.tabs if each.title.casefold() == folded), None)

    def find(self, text: str) -> tuple[Tab, Area]:
        """The tab and the area of a range in A1 notation. Refuses what Google cannot parse."""
        try:
            title, cells = a1.split(text)
            if title is None:
                if (tab := self.titled(cells)) is not None and not a1.looks_like_cells(cells):
                    return tab, a1.WHOLE
                try:
                    return self._first(), a1.cells(cells)
                except a1.NotARange:
                    if tab is not None:
                        return tab, a1.WHOLE
                    raise
            found = self.titled(title)
            if found is None:
                raise a1.NotARange(text)
            return found, (a1.cells(cells) if cells else a1.WHOLE)
        except a1.NotARange:
            raise invalid(f"Unable to parse range: {text}") from None

    def _first(self) -> Tab:
        return next((each for each in self.tabs if not each.is_hidden), self.tabs[0])

    def on_grid(self, text: str) -> tuple[Tab, Area, Box]:
        """As `find`, with the part that is on the grid; a range that begins outside of it is refused."""
        tab, area = self.find(text)
        if area.top >= tab.row_count or area.left >= tab.column_count:
            raise beyond_grid(tab, area)
        return tab, area, tab.box(area)

    def count_cells(self) -> int:
        """How many cells all grids have together."""
        return sum(each.row_count * each.column_count for each in self.tabs)

    def check_size(self) -> None:
        """Refuse a workbook that has grown too large."""
        if self.count_cells() > MOST_CELLS:
            raise invalid(
                f"This action would increase the number of cells in the workbook above the limit of {MOST_CELLS} cells."
            )

    def follow(self, tab: Tab, shift: Shift) -> None:
        """Let metadata go with the rows or columns that moved; what sat on deleted ones goes with them."""
        place = "ROW" if shift.dimension == ROWS else "COLUMN"
        for key, each in list(self.metadata.items()):
            if each.sheet_id != tab.sheet_id or each.place != place or each.line is None:
                continue
            moved = shift.at(each.line)
            if moved is None:
                del self.metadata[key]
            elif moved != each.line:
                self.metadata[key] = each._replace(line=moved)

    def located(self, each: Metadata) -> Json:
        """The location of metadata, as the API writes it."""
        location: Json = {"locationType": each.place}
        if each.place == "SPREADSHEET":
            location["spreadsheet"] = True
        elif each.place == "SHEET":
            location["sheetId"] = each.sheet_id
        elif each.line is not None:
            dimension = ROWS if each.place == "ROW" else COLUMNS
            location["dimensionRange"] = {
                "sheetId": each.sheet_id,
                "dimension": dimension,
                "startIndex": each.line,
                "endIndex": each.line + 1,
            }
        return location


def beyond_grid(tab: Tab, area: Area) -> GoogleError:
    """The refusal of a range outside of the grid."""
    right = area.right if area.right is not None else max(tab.column_count, area.left + 1)
    bottom = area.bottom if area.bottom is not None else max(tab.row_count, area.top + 1)
    where = a1.written(tab.title, Box(area.top, area.left, bottom, right))
    return invalid(f"Range ({where}) exceeds grid limits. Max rows: {tab.row_count}, max columns: {tab.column_count}")


@dataclass(slots=True)
class Change:
    """One write while it is being made: the draft, and what it touches."""

    content: Content
    mark: Mark | None
    kind: str
    ranges: list[str] = field(default_factory=list)
    project: str = ""
    is_guarded: bool = False

    def touch(self, tab: Tab, box: Box, *, cells: bool = True) -> None:
        """Note a range for the log; a long list is cut. Refuses cells that are protected from a program."""
        if self.is_guarded and cells and self.mark is not None and tab.is_protected_from(self.mark.who, box):
            raise invalid(PROTECTED)
        if len(self.ranges) < 200:
            self.ranges.append(a1.written(tab.title, box))


class File:
    """A spreadsheet as Drive knows it."""

    def __init__(self, file_id: str, content: Content, now: float, owner: str = "office@sandbox.example") -> None:
        self.id = file_id
        self.content = content
        self.owner = owner
        self.roles: dict[str, str] = {owner: "owner"}
        self.created = self.modified = now
        self.version = 1
        self.deleted = False
        self.log: list[Json] = []
        self.past: deque[tuple[int, str, Content]] = deque(maxlen=REMEMBERED_STATES)
        self.bodies: dict[object, bytes] = {}

    def role(self, email: str) -> int:
        """What somebody may do: 0 nothing, 1 read, 2 write, 3 own."""
        return max(ROLES.get(self.roles.get(email, ""), 0), ROLES.get(self.roles.get(ANYONE, ""), 0))

    @contextmanager
    def change(self, who: str, kind: str, now: float, project: str = "") -> Iterator[Change]:
        """Make one write: all of it is applied at the end, or nothing if it is refused half-way."""
        # Protection is for programs: a person at the page is the office itself. Owners are never kept out.
        guarded = bool(project) and self.role(who) < ROLES["owner"]
        change = Change(self.content.copy(), Mark(who, now), kind, project=project, is_guarded=guarded)
        yield change
        self.past.append((self.version, who, self.content))
        self.content = change.content
        self.touched(change, who, now)

    def touched(self, change: Change, who: str, now: float) -> None:
        """Count a write: a new version, a new modified time, a line in the log."""
        self.version += 1
        self.modified = max(now, self.modified + 0.001)
        self.bodies = {}  # a new one: an answer that is being zipped belongs to the old state
        self.log.append(
            {
                "version": self.version,
                "who": who,
                "at": now,
                "kind": change.kind,
                "ranges": change.ranges,
            }
        )
