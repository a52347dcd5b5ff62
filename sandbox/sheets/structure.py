"""Batch update requests about tabs, rows and columns: add, delete, duplicate, insert, move, hide, sort, protect."""

import random
from typing import Any

from . import cells, metadata, references
from .a1 import Box
from .book import Change, Content
from .errors import invalid
from .grid import COLUMNS, MOST_COLUMNS, ROWS, Formula, Row, Shift, Tab
from .metadata import dimension_range, grid_range, sheet

Json = dict[str, Any]


def properties(content: Content, tab: Tab) -> Json:
    """SheetProperties as the API writes them."""
    grid: Json = {"rowCount": tab.row_count, "columnCount": tab.column_count}
    if tab.frozen[ROWS]:
        grid["frozenRowCount"] = tab.frozen[ROWS]
    if tab.frozen[COLUMNS]:
        grid["frozenColumnCount"] = tab.frozen[COLUMNS]
    found: Json = {
        "sheetId": tab.sheet_id,
        "title": tab.title,
        "index": content.tabs.index(tab) if tab in content.tabs else 0,
        "sheetType": "GRID",
        "gridProperties": grid,
    }
    if tab.is_hidden:
        found["hidden"] = True
    if tab.right_to_left:
        found["rightToLeft"] = True
    return found | tab.extra


def shifted(change: Change, tab: Tab, shift: Shift) -> None:
    """Let everything that refers to rows or columns follow them."""
    change.content.follow(tab, shift)
    references.followed(change.content, tab, shift)


def free_title(content: Content, title: str) -> str:
    """Refuse a title that is taken."""
    if content.titled(title) is not None:
        raise invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')
    if not title or len(title) > 100:
        raise invalid("Invalid sheet name.")
    return title


def new_tab(content: Content, wanted: Json) -> Tab:
    """A tab made from SheetProperties; not yet in the book."""
    sheet_id = int(wanted.get("sheetId") or random.randrange(1, 2**31))
    if content.tab(sheet_id) is not None:
        raise invalid(f"Sheet with id {sheet_id} already exists.")
    title = str(wanted.get("title") or "")
    if not title:
        number = len(content.tabs) + 1
        while content.titled(title := f"Sheet{number}") is not None:
            number += 1
    grid = wanted.get("gridProperties") or {}
    tab = Tab(sheet_id, free_title(content, title), grid.get("rowCount", 1000), grid.get("columnCount", 26))
    if tab.row_count < 1 or tab.column_count < 1:
        raise invalid("Grid must have at least one row and one column.")
    if tab.column_count > MOST_COLUMNS:
        raise invalid(f"This action would increase the number of columns above the limit of {MOST_COLUMNS}.")
    tab.frozen = {ROWS: grid.get("frozenRowCount", 0), COLUMNS: grid.get("frozenColumnCount", 0)}
    tab.is_hidden = bool(wanted.get("hidden"))
    tab.right_to_left = bool(wanted.get("rightToLeft"))
    tab.extra = {key: wanted[key] for key in ("tabColor", "tabColorStyle") if key in wanted}
    return tab


def place(content: Content, tab: Tab, index: int | None) -> None:
    """Put a new tab where it is wanted; the end if nowhere."""
    content.tabs.insert(len(content.tabs) if index is None else index, tab)
    content.check_size()


def add_sheet(change: Change, wanted: Json) -> Json:
    wanted = wanted.get("properties") or {}
    tab = new_tab(change.content, wanted)
    place(change.content, tab, wanted.get("index"))
    change.touch(tab, Box(0, 0, tab.row_count, tab.column_count))
    return {"addSheet": {"properties": properties(change.content, tab)}}


def delete_sheet(change: Change, wanted: Json) -> Json:
    content = change.content
    tab = content.tab(wanted.get("sheetId", 0))
    if tab is None:
        raise invalid(f"No sheet with id: {wanted.get('sheetId', 0)}")
    remove(change, tab)
    return {}


def remove(change: Change, tab: Tab) -> None:
    """Delete a tab with its metadata. The last visible one stays."""
    content = change.content
    if not any(not each.is_hidden for each in content.tabs if each is not tab):
        raise invalid("You can't remove all the visible sheets in a document.")
    change.touch(tab, Box(0, 0, tab.row_count, tab.column_count))
    content.tabs.remove(tab)
    content.metadata = {key: each for key, each in content.metadata.items() if each.sheet_id != tab.sheet_id}


def duplicate_sheet(change: Change, wanted: Json) -> Json:
    content = change.content
    source = sheet(content, wanted.get("sourceSheetId", 0))
    title = wanted.get("newSheetName") or f"Copy of {source.title}"
    like = {"sheetId": wanted.get("newSheetId"), "title": title}
    fresh = new_tab(content, {key: value for key, value in like.items() if value is not None})
    twin = source.copy()
    twin.sheet_id, twin.title = fresh.sheet_id, fresh.title
    place(content, twin, wanted.get("insertSheetIndex", 0))
    for each in list(content.metadata.values()):
        if each.sheet_id == source.sheet_id:
            metadata_id = max(content.metadata) + 1
            content.metadata[metadata_id] = each._replace(id=metadata_id, sheet_id=twin.sheet_id)
    change.touch(twin, Box(0, 0, twin.row_count, twin.column_count), cells=False)
    return {"duplicateSheet": {"properties": properties(content, twin)}}


def masked(wanted: Json) -> list[str]:
    """The fields that a mask names."""
    fields = [each.strip().replace("/", ".") for each in str(wanted.get("fields") or "").split(",") if each.strip()]
    if not fields:
        raise invalid("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    return fields


def update_sheet_properties(change: Change, wanted: Json) -> Json:
    content, new, fields = change.content, wanted.get("properties") or {}, masked(wanted)
    tab = sheet(content, new.get("sheetId", 0))
    grid = new.get("gridProperties") or {}

    def named(name: str) -> bool:
        parent = name.partition(".")[0]
        return "*" in fields or name in fields or parent in fields

    if named("title") and "title" in new:
        rename(content, tab, str(new["title"]))
    rows = grid.get("rowCount", tab.row_count) if named("gridProperties.rowCount") else tab.row_count
    columns = grid.get("columnCount", tab.column_count) if named("gridProperties.columnCount") else tab.column_count
    if (rows, columns) != (tab.row_count, tab.column_count):
        resize(change, tab, rows, columns)
    for dimension, name in ((ROWS, "frozenRowCount"), (COLUMNS, "frozenColumnCount")):
        if named(f"gridProperties.{name}"):
            if grid.get(name, 0) >= tab.size(dimension) > 0 and grid.get(name, 0):
                raise invalid(f"You can't freeze all visible {dimension.lower()} on the sheet.")
            tab.frozen[dimension] = grid.get(name, 0)
    if named("hidden"):
        tab.is_hidden = bool(new.get("hidden"))
        if all(each.is_hidden for each in content.tabs):
            raise invalid("You can't hide all the sheets in a document.")
    if named("rightToLeft"):
        tab.right_to_left = bool(new.get("rightToLeft"))
    for key in ("tabColor", "tabColorStyle"):
        if named(key) and key in new:
            tab.extra[key] = new[key]
    if named("index") and "index" in new:
        content.tabs.remove(tab)
        content.tabs.insert(new["index"], tab)
    change.touch(tab, Box(0, 0, 1, 1), cells=False)
    return {}


def rename(content: Content, tab: Tab, title: str) -> None:
    """Give a tab another title; formulas that name it follow."""
    if title.casefold() != tab.title.casefold():
        free_title(content, title)
    before, tab.title = tab.title, title
    references.renamed(content, before, title)


def resize(change: Change, tab: Tab, rows: int, columns: int) -> None:
    """Give a grid another size, and let metadata go with what is cut off."""
    if rows < 1 or columns < 1:
        raise invalid("Grid must have at least one row and one column.")
    if rows < tab.row_count:
        shifted(change, tab, tab.delete(ROWS, rows, tab.row_count))
    if columns < tab.column_count:
        shifted(change, tab, tab.delete(COLUMNS, columns, tab.column_count))
    tab.row_count, tab.column_count = rows, columns
    change.content.check_size()


def update_dimension_properties(change: Change, wanted: Json) -> Json:
    tab, start, end = dimension_range(change.content, wanted.get("range") or {})
    new, fields, dimension = wanted.get("properties") or {}, masked(wanted), wanted["range"]["dimension"]
    span = range(start, end)
    if "*" in fields or "hiddenByUser" in fields:
        if new.get("hiddenByUser"):
            tab.hidden[dimension] |= set(span)
        else:
            tab.hidden[dimension] -= set(span)
        if len(tab.hidden[dimension]) >= tab.size(dimension):
            raise invalid(f"You can't hide all the {dimension.lower()} on a sheet.")
    if ("*" in fields or "pixelSize" in fields) and "pixelSize" in new:
        tab.sizes[dimension] |= dict.fromkeys(span, new["pixelSize"])
    change.touch(tab, _span(tab, dimension, start, end))
    return {}


def _span(tab: Tab, dimension: str, start: int, end: int) -> Box:
    return Box(start, 0, end, tab.column_count) if dimension == ROWS else Box(0, start, tab.row_count, end)


def insert_dimension(change: Change, wanted: Json) -> Json:
    span = wanted.get("range") or {}
    tab = sheet(change.content, span.get("sheetId", 0))
    dimension, start, end = span.get("dimension"), span.get("startIndex", 0), span.get("endIndex", 0)
    if dimension not in (ROWS, COLUMNS):
        raise invalid("No dimension specified.")
    if start > tab.size(dimension):
        raise invalid(
            f"range.startIndex[{start}] is too large: the grid has {tab.size(dimension)} {dimension.lower()}. "
            "You can't insert after the last one with inheritFromBefore unset; use AppendDimensionRequest."
        )
    if not 0 <= start < end:
        raise invalid(f"startIndex[{start}] must be less than endIndex[{end}]")
    insert(change, tab, dimension, start, end - start, inherit=bool(wanted.get("inheritFromBefore")))
    return {}


def insert(change: Change, tab: Tab, dimension: str, start: int, count: int, *, inherit: bool = False) -> None:
    """Insert rows or columns; everything behind them follows."""
    shifted(change, tab, tab.insert(dimension, start, count, inherit=inherit))
    change.content.check_size()
    change.touch(tab, _span(tab, dimension, start, start + count))


def delete_dimension(change: Change, wanted: Json) -> Json:
    tab, start, end = dimension_range(change.content, wanted.get("range") or {})
    delete(change, tab, wanted["range"]["dimension"], start, end)
    return {}


def delete(change: Change, tab: Tab, dimension: str, start: int, end: int) -> None:
    """Delete rows or columns; one must stay."""
    if not 0 <= start < end <= tab.size(dimension):
        raise invalid(f"There are no {dimension.lower()} from {start} to {end} in a grid of {tab.size(dimension)}.")
    if end - start >= tab.size(dimension):
        raise invalid(f"You can't delete all the {dimension.lower()} on the sheet.")
    change.touch(tab, _span(tab, dimension, start, end))
    shifted(change, tab, tab.delete(dimension, start, end))


def move_dimension(change: Change, wanted: Json) -> Json:
    tab, start, end = dimension_range(change.content, wanted.get("source") or {})
    move(change, tab, wanted["source"]["dimension"], start, end, int(wanted.get("destinationIndex", 0)))
    return {}


def move(change: Change, tab: Tab, dimension: str, start: int, end: int, to: int) -> None:
    """Move rows or columns before the one that has index `to` now."""
    if not 0 <= to <= tab.size(dimension):
        raise invalid(f"destinationIndex[{to}] is out of the grid")
    if start <= to <= end:
        return
    shifted(change, tab, tab.move(dimension, start, end, to))
    change.touch(tab, _span(tab, dimension, min(start, to), max(end, to)))


def append_dimension(change: Change, wanted: Json) -> Json:
    tab = sheet(change.content, wanted.get("sheetId", 0))
    length = wanted.get("length", 0)
    if wanted.get("dimension") == ROWS:
        tab.row_count += length
    else:
        tab.column_count += length
    change.content.check_size()
    return {}


def sort_range(change: Change, wanted: Json) -> Json:
    tab, box = grid_range(change.content, wanted.get("range") or {})
    specs = [
        (each.get("dimensionIndex", 0), each.get("sortOrder", "ASCENDING") != "DESCENDING")
        for each in wanted.get("sortSpecs") or []
    ]
    if not specs:
        raise invalid("Must specify at least one sort spec.")
    if any(not box.left <= column < box.right for column, _ in specs):
        raise invalid("Sort spec dimension index is outside of the sort range.")
    sort(change, tab, box, specs)
    return {}


def sort(change: Change, tab: Tab, box: Box, specs: list[tuple[int, bool]]) -> None:
    """Sort the cells of a part of the grid. Metadata of rows stays where it is: rows do not move, cells do."""
    content = change.content
    order = tab.sort(box, specs, lambda row, column: cells.outcome(content, tab, row, column))
    if content.has_formulas:
        for place, source in enumerate(order, box.top):
            row = tab.rows[place]
            if place != source and any(isinstance(each, Formula) for each in row.cells[box.left : box.right]):
                moved = [
                    references.offset(each, place - source, 0)
                    if isinstance(each, Formula) and box.left <= column < box.right
                    else each
                    for column, each in enumerate(row.cells)
                ]
                tab.rows[place] = Row(moved, row.formats, row.marks)
        content.worked_out.clear()
    change.touch(tab, box)


def add_protected_range(change: Change, wanted: Json) -> Json:
    made = dict(wanted.get("protectedRange") or {})
    tab = sheet(change.content, (made.get("range") or {}).get("sheetId", 0))
    protect(tab, made, change.mark.who if change.mark else "")
    return {"addProtectedRange": {"protectedRange": made}}


def protect(tab: Tab, made: Json, who: str) -> None:
    """Protect a range. Whoever does it remains an editor of it."""
    users = list((made.get("editors") or {}).get("users") or [])
    if made.get("warningOnly"):
        if users:
            raise invalid("ProtectedRange is warningOnly. Editors cannot be set on it.")
    else:
        made["editors"] = {"users": list(dict.fromkeys([*users, who]))}
    made.setdefault("protectedRangeId", random.randrange(1, 2**31))
    tab.protected.append(made)


def delete_protected_range(change: Change, wanted: Json) -> Json:
    known = wanted.get("protectedRangeId")
    for tab in change.content.tabs:
        kept = [each for each in tab.protected if each["protectedRangeId"] != known]
        if len(kept) < len(tab.protected):
            tab.protected = kept
            return {}
    raise invalid(f"No protected range with id: {known}")


def update_spreadsheet_properties(change: Change, wanted: Json) -> Json:
    new, fields = wanted.get("properties") or {}, masked(wanted)
    for name, attribute in (("title", "title"), ("locale", "locale"), ("timeZone", "time_zone")):
        if ("*" in fields or name in fields) and name in new:
            setattr(change.content, attribute, str(new[name]))
    return {}


def create_metadata(change: Change, wanted: Json) -> Json:
    made = metadata.create(change, wanted.get("developerMetadata") or {})
    return {"createDeveloperMetadata": {"developerMetadata": metadata.shown(change.content, made)}}


def update_metadata(change: Change, wanted: Json) -> Json:
    changed = metadata.update(change, wanted)
    return {
        "updateDeveloperMetadata": {"developerMetadata": [metadata.shown(change.content, each) for each in changed]}
    }


def delete_metadata(change: Change, wanted: Json) -> Json:
    shown = [metadata.shown(change.content, each) for each in metadata.delete(change, wanted)]
    return {"deleteDeveloperMetadata": {"deletedDeveloperMetadata": shown}}
