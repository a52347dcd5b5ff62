"""The `values` collection: get, update, append, clear, in batches and by data filter."""

from typing import Any

from . import a1, cells, metadata, structure
from .a1 import Area, Box
from .book import Change, Content, beyond_grid
from .cells import FORMATTED, FORMULA, SERIAL, STRING, UNFORMATTED
from .errors import invalid
from .formats import Format
from .grid import ROWS, SKIP, Skip, Tab, Value

Json = dict[str, Any]

RENDERS = (FORMATTED, UNFORMATTED, FORMULA)
DIMENSIONS = ("ROWS", "COLUMNS")


def _choice(value: object, name: str, known: tuple[str, ...], default: str = "") -> str:
    if not value and default:
        return default
    if value not in known:
        raise invalid(f"Invalid value at '{name}' (type.googleapis.com/google.apps.sheets.v4), \"{value or ''}\"")
    return str(value)


def rendering(wanted: Json, prefix: str = "") -> tuple[str, str]:
    """The value and date options of a request."""

    def named(name: str) -> str:
        return f"response{name[0].upper()}{name[1:]}" if prefix else name

    render, dates = named("valueRenderOption"), named("dateTimeRenderOption")
    return (
        _choice(wanted.get(render), render, RENDERS, FORMATTED),
        _choice(wanted.get(dates), dates, (SERIAL, STRING), SERIAL),
    )


def value_range(content: Content, tab: Tab, box: Box, wanted: Json) -> Json:
    """A ValueRange: no `values` key when there is nothing."""
    render, dates = rendering(wanted)
    dimension = _choice(wanted.get("majorDimension"), "major_dimension", DIMENSIONS, ROWS)
    lines = cells.matrix(content, tab, box, render, dates)
    if dimension != ROWS:
        lines = cells.turned(lines)
    found: Json = {"range": a1.written(tab.title, box), "majorDimension": dimension}
    if lines:
        found["values"] = lines
    return found


def get(content: Content, text: str, wanted: Json) -> Json:
    """GET values/RANGE."""
    tab, _, box = content.on_grid(text)
    return value_range(content, tab, box, wanted)


def batch_get(content: Content, file_id: str, ranges: list[str], wanted: Json) -> Json:
    """GET values:batchGet."""
    return {"spreadsheetId": file_id, "valueRanges": [get(content, each, wanted) for each in ranges]}


def batch_get_by_filter(content: Content, file_id: str, wanted: Json, project: str) -> Json:
    """POST values:batchGetByDataFilter: one answer for each place, with the filters that found it."""
    found: dict[tuple[int, Box], tuple[Tab, list[Json]]] = {}
    for each in wanted.get("dataFilters") or []:
        for tab, box in metadata.places(content, each, project):
            found.setdefault((tab.sheet_id, box), (tab, []))[1].append(each)
    answers = [
        {"valueRange": value_range(content, tab, box, wanted), "dataFilters": filters}
        for (_, box), (tab, filters) in found.items()
    ]
    return {"spreadsheetId": file_id} | ({"valueRanges": answers} if answers else {})


def lines_of(body: Json, dimension: str) -> list[list[Any]]:
    """The rows of a ValueRange that is to be written."""
    given = body.get("values") or []
    if not isinstance(given, list) or not all(isinstance(each, list) for each in given):
        raise invalid(
            "Invalid value at 'data.values' (type.googleapis.com/google.protobuf.ListValue), a list of lists is needed"
        )
    return cells.turned(given, SKIP) if dimension == "COLUMNS" else given


def write(change: Change, text: str, body: Json, option: str) -> tuple[Json, Tab, Box]:
    """Write a ValueRange to a range. Refuses one that does not fit into the range or onto the grid."""
    tab, area, _ = change.content.on_grid(text)
    return write_area(change, tab, area, body, option)


def write_area(change: Change, tab: Tab, area: Area, body: Json, option: str) -> tuple[Json, Tab, Box]:
    """As `write`, to a known area."""
    dimension = _choice(body.get("majorDimension"), "data.major_dimension", DIMENSIONS, ROWS)
    lines = lines_of(body, dimension)
    box = tab.box(area)
    height, width = len(lines), max(map(len, lines), default=0)
    if not area.anchor:
        _fits(tab, area, box, height, width)
    reach = Area(area.top, area.left, area.top + max(height, 1), area.left + max(width, 1), anchor=True)
    if reach.bottom is None or reach.right is None:
        raise AssertionError
    if reach.bottom > tab.row_count or reach.right > tab.column_count:
        row, column = min(area.top + height - 1, tab.row_count), min(area.left + width - 1, tab.column_count)
        raise beyond_grid(tab, Area(row, column, row + 1, column + 1))
    count, rows, columns = fill(change, tab, area.top, area.left, lines, option)
    where = Box(area.top, area.left, reach.bottom, reach.right)
    answer: Json = {"updatedRange": a1.written(tab.title, where)}
    if count:
        answer |= {"updatedRows": rows, "updatedColumns": columns, "updatedCells": count}
        change.touch(tab, where)
    return answer, tab, where


def _fits(tab: Tab, area: Area, box: Box, height: int, width: int) -> None:
    where = a1.written(tab.title, box)
    if area.bottom is not None and height > area.bottom - area.top:
        raise invalid(f"Requested writing within range [{where}], but tried writing to row [{area.bottom + 1}]")
    if area.right is not None and width > area.right - area.left:
        raise invalid(
            f"Requested writing within range [{where}], but tried writing to column [{a1.column_letters(area.right)}]"
        )


def fill(change: Change, tab: Tab, top: int, left: int, lines: list[list[Any]], option: str) -> tuple[int, int, int]:
    """Write rows of raw values onto a grid. Says how many cells, rows and columns were written."""
    count, rows, columns = 0, 0, set()
    content = change.content
    for row, line in enumerate(lines, top):
        kept: list[Value | Skip] = []
        forms: dict[int, Format] = {}
        for column, value in enumerate(line, left):
            if value is SKIP:
                kept.append(SKIP)
                continue
            place = f"data.values[{row - top}][{column - left}]"
            new, form = cells.taken(value, option, content, tab.form(row, column), place)
            kept.append(new)
            if form is not None:
                forms[column] = form
            if new is not SKIP:
                columns.add(column)
        written = tab.put(row, left, kept, change.mark, forms)
        count += written
        rows += written > 0
    return count, rows, len(columns)


def answered(change: Change, answer: Json, tab: Tab, box: Box, wanted: Json, file_id: str) -> Json:
    """An UpdateValuesResponse, with the values if they are wanted."""
    whole: Json = {"spreadsheetId": file_id, **answer}
    if str(wanted.get("includeValuesInResponse")).lower() == "true":
        render, dates = rendering(wanted, "response")
        options = {"valueRenderOption": render, "dateTimeRenderOption": dates}
        whole["updatedData"] = value_range(change.content, tab, box, options)
    return whole


def input_option(value: object) -> str:
    """RAW or USER_ENTERED; Google insists on being told."""
    if value not in ("RAW", "USER_ENTERED"):
        raise invalid(
            "'valueInputOption' is required but not specified"
            if not value
            else f"Invalid value at 'value_input_option' (type.googleapis.com/google.apps.sheets.v4.ValueInputOption), \"{value}\""
        )
    return str(value)


def update(change: Change, file_id: str, text: str, body: Json, query: Json) -> Json:
    """PUT values/RANGE."""
    if body.get("range") and body["range"] != text:
        raise invalid(f"Requested writing within range [{text}], but the body names [{body['range']}]")
    answer, tab, box = write(change, text, body, input_option(query.get("valueInputOption")))
    return answered(change, answer, tab, box, query, file_id)


def batch_update(change: Change, file_id: str, body: Json) -> Json:
    """POST values:batchUpdate: all ranges or none."""
    option = input_option(body.get("valueInputOption"))
    written = [write(change, str(each.get("range", "")), each, option) for each in body.get("data") or []]
    return _total(change, file_id, body, written)


def batch_update_by_filter(change: Change, file_id: str, body: Json) -> Json:
    """POST values:batchUpdateByDataFilter: each filter must find exactly one place."""
    option = input_option(body.get("valueInputOption"))
    written = []
    filters: list[Json] = []
    for each in body.get("data") or []:
        wanted = each.get("dataFilter") or {}
        for tab, box in metadata.places(change.content, wanted, change.project):
            written.append(write_area(change, tab, Area(*box), each, option))
            filters.append(wanted)
    answer = _total(change, file_id, body, written)
    for response, wanted in zip(answer.get("responses", []), filters, strict=True):
        response["dataFilter"] = wanted
        del response["spreadsheetId"]
    return answer


def _total(change: Change, file_id: str, body: Json, written: list[tuple[Json, Tab, Box]]) -> Json:
    answers = [answered(change, answer, tab, box, body, file_id) for answer, tab, box in written]
    total: Json = {"spreadsheetId": file_id}
    sums = {
        "totalUpdatedRows": sum(each.get("updatedRows", 0) for each in answers),
        "totalUpdatedColumns": sum(each.get("updatedColumns", 0) for each in answers),
        "totalUpdatedCells": sum(each.get("updatedCells", 0) for each in answers),
        "totalUpdatedSheets": len({tab.sheet_id for answer, tab, _ in written if answer.get("updatedCells")}),
    }
    total |= {name: value for name, value in sums.items() if value}
    return total | ({"responses": answers} if answers else {})


def append(change: Change, file_id: str, text: str, body: Json, query: Json) -> Json:
    """POST values/RANGE:append: after the last row of the table that the range touches; the grid grows."""
    option = input_option(query.get("valueInputOption"))
    content = change.content
    tab, area, box = content.on_grid(text)
    dimension = _choice(body.get("majorDimension"), "data.major_dimension", DIMENSIONS, ROWS)
    lines = lines_of(body, dimension)
    table = tab.table_at(box)
    top, left = (area.top, area.left) if table is None else (table.bottom, table.left)
    height, width = len(lines), max(map(len, lines), default=0)
    if query.get("insertDataOption") == "INSERT_ROWS" and top < tab.row_count and height:
        insert_rows(change, tab, top, height)
    if (missing := top + height - tab.row_count) > 0:
        tab.row_count += missing
    if (missing := left + width - tab.column_count) > 0:
        tab.column_count += missing
    content.check_size()
    # An empty row needs nothing written, yet the answer names the place where it would be.
    reach = Area(top, left, top + max(height, 1), left + max(width, 1))
    tab.row_count = max(tab.row_count, top + 1) if height else tab.row_count
    if height == 0:
        answer: Json = {"updatedRange": a1.written(tab.title, Box(top, left, top + 1, left + 1))}
        where = Box(top, left, top + 1, left + 1)
    else:
        answer, tab, where = write_area(change, tab, reach, {"values": lines}, option)
    whole: Json = {"spreadsheetId": file_id}
    if table is not None:
        whole["tableRange"] = a1.written(tab.title, table)
    whole["updates"] = answered(change, answer, tab, where, query, file_id)
    return whole


def insert_rows(change: Change, tab: Tab, start: int, count: int) -> None:
    """Insert rows, and let metadata and formulas follow."""
    structure.shifted(change, tab, tab.insert(ROWS, start, count))


def clear(change: Change, text: str) -> str:
    """Empty a range. Says which."""
    tab, _, box = change.content.on_grid(text)
    return clear_box(change, tab, box)


def clear_box(change: Change, tab: Tab, box: Box) -> str:
    """Empty a known part of a grid."""
    tab.clear(box, change.mark)
    change.touch(tab, box)
    return a1.written(tab.title, box)
