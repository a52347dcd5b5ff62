"""Another person with the spreadsheet open: edits by hand, a list of them applied at once."""

from collections.abc import Callable
from typing import Any

from . import a1, cells, structure, values
from .a1 import Area, Box
from .book import ROLES, Change, File
from .formats import Format
from .grid import COLUMNS, ROWS, Formula, Tab
from .service import Service

Json = dict[str, Any]

SOMEBODY = "reem@office.example"


def edit(service: Service, file: File, ops: list[Json], by: str = "") -> Json:
    """Carry out all edits or none. Raises ValueError for one that cannot be done, GoogleError for Google's rules."""
    who, now = by or SOMEBODY, service.now()
    if not isinstance(ops, list) or not all(isinstance(each, dict) for each in ops):
        raise ValueError("ops must be a list of objects")
    for op in ops:
        if op.get("op") not in KINDS and op.get("op") not in FILE_KINDS:
            raise ValueError(f"op must be one of {', '.join((*KINDS, *FILE_KINDS))}")
    edits = [each for each in ops if each["op"] in KINDS]
    if any(each["op"] == "undo" for each in ops) and len(ops) > 1:
        raise ValueError("undo stands alone")
    if edits:
        with file.change(who, "+".join(dict.fromkeys(each["op"] for each in edits)), now) as change:
            for each in edits:
                KINDS[each["op"]](change, each)
    for op in ops:
        if op["op"] in FILE_KINDS:
            FILE_KINDS[op["op"]](file, op, who, now)
    return {"version": file.version}


def _tab(change: Change, op: Json) -> Tab:
    title = op.get("tab")
    found = change.content.tabs[0] if title is None else change.content.titled(str(title))
    if found is None:
        raise ValueError(f"no tab {title!r}")
    return found


def _column(op: Json, name: str = "column") -> int:
    wanted = op[name]
    return wanted if isinstance(wanted, int) else a1.column_index(str(wanted))


def _cell(change: Change, tab: Tab, row: int, column: int, value: Any, *, raw: bool) -> None:
    """Type into one cell; the grid grows under a person's hands."""
    tab.row_count, tab.column_count = max(tab.row_count, row + 1), max(tab.column_count, column + 1)
    kept, form = cells.taken(
        "" if value is None else value,
        "RAW" if raw else "USER_ENTERED",
        change.content,
        tab.form(row, column),
        a1.cell(row, column),
    )
    tab.put(row, column, [kept], change.mark, {} if form is None else {column: form})


def _set(change: Change, op: Json) -> None:
    tab, raw = _tab(change, op), bool(op.get("raw"))
    for name, value in (op.get("cells") or {}).items():
        area = a1.cells(str(name))
        _cell(change, tab, area.top, area.left, value, raw=raw)
        change.touch(tab, Box(area.top, area.left, area.top + 1, area.left + 1))
    if op.get("rows"):
        at = a1.cells(str(op.get("at") or "A1"))
        for row, line in enumerate(op["rows"], at.top):
            for column, value in enumerate(line, at.left):
                _cell(change, tab, row, column, value, raw=raw)
        width = max(map(len, op["rows"]))
        change.touch(tab, Box(at.top, at.left, at.top + len(op["rows"]), at.left + max(1, width)))


def _append(change: Change, op: Json) -> None:
    tab = _tab(change, op)
    _set(change, {**op, "at": f"A{tab.used().bottom + 1}"})


def _clear(change: Change, op: Json) -> None:
    tab = _tab(change, op)
    area = a1.cells(str(op["range"])) if op.get("range") else a1.WHOLE
    values.clear_box(change, tab, tab.box(area))


def _span(op: Json, dimension: str) -> tuple[int, int]:
    """Where an edit of rows (counted from 1) or columns (letters) begins, and how many it takes."""
    at = op["at"]
    start = int(at) - 1 if dimension == ROWS else _column(op, "at")
    if start < 0:
        raise ValueError("rows are counted from 1")
    return start, int(op.get("count", 1))


def _insert(dimension: str) -> Callable[[Change, Json], None]:
    def insert(change: Change, op: Json) -> None:
        tab = _tab(change, op)
        start, count = _span(op, dimension)
        given = op.get("rows") or []
        structure.insert(change, tab, dimension, start, max(count, len(given)))
        for row, line in enumerate(given, start):
            for column, value in enumerate(line):
                _cell(change, tab, row, column, value, raw=bool(op.get("raw")))
        if op.get("header") and dimension == COLUMNS:
            _cell(change, tab, int(op.get("row", 1)) - 1, start, op["header"], raw=True)

    return insert


def _delete(dimension: str) -> Callable[[Change, Json], None]:
    def delete(change: Change, op: Json) -> None:
        start, count = _span(op, dimension)
        tab = _tab(change, op)
        structure.delete(change, tab, dimension, start, min(start + count, tab.size(dimension)))

    return delete


def _move(dimension: str) -> Callable[[Change, Json], None]:
    def move(change: Change, op: Json) -> None:
        start, count = _span(op, dimension)
        to = int(op["to"]) - 1 if dimension == ROWS else _column(op, "to")
        structure.move(change, _tab(change, op), dimension, start, start + count, to)

    return move


def _hide(change: Change, op: Json) -> None:
    tab = _tab(change, op)
    for each in op.get("columns") or []:
        index = each if isinstance(each, int) else a1.column_index(str(each))
        (tab.hidden[COLUMNS].add if op["op"] == "hide" else tab.hidden[COLUMNS].discard)(index)
    for each in op.get("rows") or []:
        (tab.hidden[ROWS].add if op["op"] == "hide" else tab.hidden[ROWS].discard)(int(each) - 1)


def _sort(change: Change, op: Json) -> None:
    tab = _tab(change, op)
    used, column = tab.used(), _column(op)
    box = Box(int(op.get("from_row", 2)) - 1, 0, used.bottom, tab.column_count)
    if box:
        structure.sort(change, tab, box, [(column, not op.get("descending"))])


def _formula(change: Change, op: Json) -> None:
    tab, area = _tab(change, op), a1.cells(str(op["cell"]))
    text = str(op["formula"])
    made = Formula(text if text.startswith("=") else "=" + text, op.get("shown"))
    change.content.has_formulas = True
    tab.row_count, tab.column_count = max(tab.row_count, area.top + 1), max(tab.column_count, area.left + 1)
    tab.put(area.top, area.left, [made], change.mark)
    change.touch(tab, Box(area.top, area.left, area.top + 1, area.left + 1))


def _protect(change: Change, op: Json) -> None:
    tab = _tab(change, op)
    if op["op"] == "unprotect":
        tab.protected.clear()
        return
    made: Json = {"range": {"sheetId": tab.sheet_id}, "editors": {"users": list(op.get("editors") or [])}}
    if op.get("range"):
        area = a1.cells(str(op["range"]))
        ends = (area.top, area.bottom, area.left, area.right)
        names = ("startRowIndex", "endRowIndex", "startColumnIndex", "endColumnIndex")
        made["range"] |= {name: end for name, end in zip(names, ends, strict=True) if end is not None}
    structure.protect(tab, made, change.mark.who if change.mark else "")


def _format(change: Change, op: Json) -> None:
    tab, form = _tab(change, op), Format(str(op.get("type", "NUMBER")), str(op.get("pattern", "")))
    area = a1.cells(str(op["range"]))
    used = tab.used()
    box = Area(area.top, area.left, area.bottom or max(used.bottom, area.top + 1), area.right).within(
        tab.row_count, tab.column_count
    )
    for row in range(box.top, box.bottom):
        tab.put(row, box.left, [], None, dict.fromkeys(range(box.left, box.right), form))


def _rename_header(change: Change, op: Json) -> None:
    tab, row = _tab(change, op), int(op.get("row", 1)) - 1
    shown = [cells.text(each, None, "") for each in tab.row(row).cells]
    if op["header"] not in shown:
        raise ValueError(f"no header {op['header']!r} in row {row + 1}")
    column = shown.index(op["header"])
    _cell(change, tab, row, column, op["to"], raw=True)
    change.touch(tab, Box(row, column, row + 1, column + 1))


def _rename_tab(change: Change, op: Json) -> None:
    structure.rename(change.content, _tab(change, op), str(op["to"]))


def _delete_tab(change: Change, op: Json) -> None:
    structure.remove(change, _tab(change, op))


def _add_tab(change: Change, op: Json) -> None:
    tab = structure.new_tab(change.content, {"title": op.get("title"), "sheetId": op.get("id")})
    structure.place(change.content, tab, op.get("index"))
    if op.get("rows"):
        _set(change, {**op, "tab": tab.title})


def _reorder_tab(change: Change, op: Json) -> None:
    tab = _tab(change, op)
    change.content.tabs.remove(tab)
    change.content.tabs.insert(int(op["index"]), tab)


def _rename_file(change: Change, op: Json) -> None:
    change.content.title = str(op["to"])


def _undo(file: File, op: Json, who: str, now: float) -> None:
    """Take the last write back, whoever made it; or return to a version, as the version history does."""
    wanted = op.get("version")
    if not file.past:
        raise ValueError("there is nothing to undo")
    if wanted is None:
        _, _, content = file.past.pop()
    else:
        found = next((each for version, _, each in file.past if version == int(wanted)), None)
        if found is None:
            raise ValueError(f"version {wanted} is not remembered")
        file.past.append((file.version, who, file.content))
        content = found
    file.content = content
    file.touched(Change(content, None, "undo" if wanted is None else f"restore version {wanted}"), who, now)


def _share(file: File, op: Json, who: str, now: float) -> None:
    role = str(op.get("role", "writer"))
    if role not in ROLES:
        raise ValueError(f"role must be one of {', '.join(ROLES)}")
    file.roles[str(op["email"])] = role


def _unshare(file: File, op: Json, who: str, now: float) -> None:
    if file.roles.pop(str(op["email"]), None) is None:
        raise ValueError(f"it is not shared with {op['email']}")


def _remove(file: File, op: Json, who: str, now: float) -> None:
    file.deleted = True


def _restore(file: File, op: Json, who: str, now: float) -> None:
    file.deleted = False


KINDS: dict[str, Callable[[Change, Json], None]] = {
    "set": _set,
    "append": _append,
    "clear": _clear,
    "insert_rows": _insert(ROWS),
    "insert_columns": _insert(COLUMNS),
    "delete_rows": _delete(ROWS),
    "delete_columns": _delete(COLUMNS),
    "move_rows": _move(ROWS),
    "move_columns": _move(COLUMNS),
    "hide": _hide,
    "show": _hide,
    "sort": _sort,
    "formula": _formula,
    "format": _format,
    "protect": _protect,
    "unprotect": _protect,
    "rename_header": _rename_header,
    "rename_tab": _rename_tab,
    "delete_tab": _delete_tab,
    "add_tab": _add_tab,
    "reorder_tab": _reorder_tab,
    "rename_file": _rename_file,
}
FILE_KINDS: dict[str, Callable[[File, Json, str, float], None]] = {
    "undo": _undo,
    "share": _share,
    "unshare": _unshare,
    "delete": _remove,
    "restore": _restore,
}
