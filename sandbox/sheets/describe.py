"""The spreadsheet resource, with its grid if wanted, cut down to a field mask."""

from typing import Any

from . import cells, formats, formulas, metadata, structure
from .a1 import Box
from .book import Content, File
from .errors import invalid
from .formats import Format
from .grid import COLUMNS, ROWS, Formula, Tab

Json = dict[str, Any]
Mask = dict[str, "Mask"]  # an empty one takes all

DEFAULT_SIZES = {ROWS: 21, COLUMNS: 100}


def parse_mask(text: str) -> Mask:
    """`sheets(properties(title,sheetId),data.rowData)` as a tree. Refuses what does not close."""
    mask: Mask = {}
    stack: list[Mask] = [mask]
    here, word = mask, ""
    for letter in text + ",":
        if letter in ",)(":
            if word.strip():
                leaf = here
                for name in word.strip().replace("/", ".").split("."):
                    leaf = leaf.setdefault(name, {})
                if letter == "(":
                    stack.append(leaf)
                    here, word = leaf, ""
                    continue
            word = ""
            if letter == ")":
                if len(stack) == 1:
                    raise invalid(f"Request contains an invalid argument: fields {text}")
                stack.pop()
            here = stack[-1]
        else:
            word += letter
    if len(stack) != 1:
        raise invalid(f"Request contains an invalid argument: fields {text}")
    return mask


def cut(value: Any, mask: Mask) -> Any:
    """The part of an answer that a mask takes."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [cut(each, mask) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: cut(value[name], inner) for name, inner in mask.items() if name in value}


def spreadsheet(file: File, content: Content, *, grid: bool, fields: str, ranges: list[str], project: str) -> Json:
    """GET spreadsheets/ID."""
    mask = parse_mask(fields) if fields else {}
    wanted: dict[int, list[Box]] | None = None
    if ranges:
        wanted = {}
        for each in ranges:
            tab, _, box = content.on_grid(each)
            wanted.setdefault(tab.sheet_id, []).append(box)
    sheets_mask = mask.get("sheets", {}) if mask else {}
    if mask and "*" not in mask:
        grid = "sheets" in mask and (not sheets_mask or "data" in sheets_mask or "*" in sheets_mask)
    data_mask = sheets_mask.get("data", {})
    sheets = []
    for tab in content.tabs:
        if wanted is not None and tab.sheet_id not in wanted:
            continue
        sheets.append(_sheet(content, tab, project))
        if grid:
            boxes = wanted[tab.sheet_id] if wanted is not None else [Box(0, 0, tab.row_count, tab.column_count)]
            sheets[-1]["data"] = [_grid(content, tab, box, data_mask, project) for box in boxes]
    whole: Json = {
        "spreadsheetId": file.id,
        "properties": {
            "title": content.title,
            "locale": content.locale,
            "autoRecalc": "ON_CHANGE",
            "timeZone": content.time_zone,
        },
        "sheets": sheets,
        "spreadsheetUrl": f"https://docs.google.com/spreadsheets/d/{file.id}/edit",
    }
    if own := [each for each in metadata.visible(content, project) if each.place == "SPREADSHEET"]:
        whole["developerMetadata"] = [metadata.shown(content, each) for each in own]
    return cut(whole, mask) if mask else whole


def _sheet(content: Content, tab: Tab, project: str) -> Json:
    found: Json = {"properties": structure.properties(content, tab)}
    if tab.protected:
        found["protectedRanges"] = tab.protected
    own = [
        each for each in metadata.visible(content, project) if each.place == "SHEET" and each.sheet_id == tab.sheet_id
    ]
    if own:
        found["developerMetadata"] = [metadata.shown(content, each) for each in own]
    return found


def _grid(content: Content, tab: Tab, box: Box, mask: Mask, project: str) -> Json:
    """GridData: only the parts that the mask takes are made, as a grid is large."""
    everything = not mask or "*" in mask
    found: Json = {}
    if box.top:
        found["startRow"] = box.top
    if box.left:
        found["startColumn"] = box.left
    if everything or "rowData" in mask:
        values_mask = mask.get("rowData", {}).get("values", {})
        rows = []
        for row in range(box.top, min(box.bottom, len(tab.rows))):
            width = min(box.right, len(tab.rows[row].cells))
            line = [cut(_cell(content, tab, row, column), values_mask) for column in range(box.left, width)]
            rows.append({"values": line} if line else {})
        while rows and not rows[-1]:
            rows.pop()
        found["rowData"] = rows
    for name, dimension, place, start, end in (
        ("rowMetadata", ROWS, "ROW", box.top, box.bottom),
        ("columnMetadata", COLUMNS, "COLUMN", box.left, box.right),
    ):
        if not everything and name not in mask:
            continue
        by_index: dict[int, list[Json]] = {}
        for each in metadata.visible(content, project):
            if each.sheet_id == tab.sheet_id and each.place == place and each.line is not None:
                by_index.setdefault(each.line, []).append(metadata.shown(content, each))
        found[name] = [_dimension(tab, dimension, index, by_index.get(index)) for index in range(start, end)]
    return found


def _dimension(tab: Tab, dimension: str, index: int, own: list[Json] | None) -> Json:
    found: Json = {"pixelSize": tab.sizes[dimension].get(index, DEFAULT_SIZES[dimension])}
    if index in tab.hidden[dimension]:
        found["hiddenByUser"] = True
    if own:
        found["developerMetadata"] = own
    return found


def _cell(content: Content, tab: Tab, row: int, column: int) -> Json:
    value = tab.cell(row, column)
    found: Json = {}
    form = tab.form(row, column)
    if value is not None:
        result = cells.outcome(content, tab, row, column)
        found["userEnteredValue"] = {"formulaValue": value.text} if isinstance(value, Formula) else _typed(result)
        found["effectiveValue"] = _typed(result, computed=isinstance(value, Formula))
        found["formattedValue"] = cells.text(result, form, content.locale)
    if form is not None:
        found["userEnteredFormat"] = {"numberFormat": _form(form, content.locale)}
    if (row, column) in tab.notes:
        found["note"] = tab.notes[row, column]
    return found


def _form(form: Format, locale: str) -> Json:
    return {"type": form.type, "pattern": form.pattern or formats.default_pattern(form.type, locale)}


def _typed(value: object, *, computed: bool = False) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int | float):
        return {"numberValue": value}
    if computed and value in formulas.ERRORS:
        kind = str(value).strip("#!?").replace("/", "_").replace("DIV_0", "DIVIDE_BY_ZERO").replace("N_A", "N_A")
        return {"errorValue": {"type": kind, "message": "The formula could not be worked out."}}
    return {"stringValue": str(value)}
