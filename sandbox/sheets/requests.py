"""Batch update: requests about cells, and the list of all requests there are."""

import re
from collections.abc import Callable
from typing import Any

from . import cells, formats, references, structure
from .a1 import Box
from .book import Change
from .errors import GoogleError, invalid
from .formats import Format
from .grid import SKIP, Formula, Skip, Tab, Value, check_length
from .metadata import grid_range, sheet
from .structure import masked

Json = dict[str, Any]


def cell_of(wanted: Json, locale: str) -> tuple[Value, Format | None]:
    """CellData as a cell keeps it: a typed value, and the number format."""
    value = wanted.get("userEnteredValue") or {}
    form = (wanted.get("userEnteredFormat") or {}).get("numberFormat")
    made = Format(form.get("type", "NUMBER"), form.get("pattern", "")) if form else None
    if "numberValue" in value:
        return formats.number(value["numberValue"]), made
    if "stringValue" in value:
        check_length((value["stringValue"],))
        return value["stringValue"] or None, made
    if "boolValue" in value:
        return bool(value["boolValue"]), made
    if "formulaValue" in value:
        return Formula(value["formulaValue"]), made
    return None, made


def _wants(fields: list[str], name: str) -> bool:
    return "*" in fields or any(each == name or each.startswith(f"{name}.") for each in fields)


def _apply(change: Change, tab: Tab, row: int, column: int, data: list[Json], fields: list[str]) -> None:
    """Write CellData side by side: values, formats and notes as the mask says."""
    made = [cell_of(each, change.content.locale) for each in data]
    values: list[Value | Skip] = [SKIP] * len(made)
    if _wants(fields, "userEnteredValue"):
        values = [value for value, _ in made]
        if any(isinstance(each, Formula) for each in values):
            change.content.has_formulas = True
    forms = {}
    if _wants(fields, "userEnteredFormat") or any("numberFormat" in each for each in fields):
        forms = {column + index: form for index, (_, form) in enumerate(made) if form is not None}
    tab.put(row, column, values, change.mark, forms)
    if _wants(fields, "note"):
        for index, each in enumerate(data):
            if each.get("note"):
                tab.notes[row, column + index] = each["note"]
            else:
                tab.notes.pop((row, column + index), None)


def update_cells(change: Change, wanted: Json) -> Json:
    fields = masked(wanted)
    if "start" in wanted:
        start = wanted["start"]
        tab = sheet(change.content, start.get("sheetId", 0))
        top, left, box = start.get("rowIndex", 0), start.get("columnIndex", 0), None
    else:
        tab, box = grid_range(change.content, wanted.get("range") or {})
        top, left = box.top, box.left
    rows = [each.get("values") or [] for each in wanted.get("rows") or []]
    width = max(map(len, rows), default=0)
    if box is not None and (len(rows) > box.bottom - top or width > box.right - left):
        raise invalid(f"Attempting to write outside of the range [{box.bottom - top}x{box.right - left}]")
    if top + len(rows) > tab.row_count or left + width > tab.column_count:
        raise invalid(
            f"Attempting to write column: {left + width - 1}, beyond the last requested column of: "
            f"{tab.column_count - 1}"
            if left + width > tab.column_count
            else f"Attempting to write row: {top + len(rows) - 1}, beyond the last requested row of: {tab.row_count - 1}"
        )
    if box is not None:  # a range is written whole: what the rows do not reach is emptied
        width = box.right - left
        rows += [[] for _ in range(box.bottom - top - len(rows))]
        rows = [each + [{}] * (width - len(each)) for each in rows]
    for index, data in enumerate(rows, top):
        _apply(change, tab, index, left, data, fields)
    change.touch(tab, Box(top, left, top + max(1, len(rows)), left + max(1, width)))
    return {}


def append_cells(change: Change, wanted: Json) -> Json:
    tab, fields = sheet(change.content, wanted.get("sheetId", 0)), masked(wanted)
    rows = [each.get("values") or [] for each in wanted.get("rows") or []]
    top, width = tab.used().bottom, max(map(len, rows), default=0)
    tab.row_count = max(tab.row_count, top + len(rows))
    tab.column_count = max(tab.column_count, width)
    change.content.check_size()
    for index, data in enumerate(rows, top):
        _apply(change, tab, index, 0, data, fields)
    change.touch(tab, Box(top, 0, top + max(1, len(rows)), max(1, width)))
    return {}


def repeat_cell(change: Change, wanted: Json) -> Json:
    tab, box = grid_range(change.content, wanted.get("range") or {})
    fields, cell = masked(wanted), wanted.get("cell") or {}
    value, _ = cell_of(cell, change.content.locale)
    for row in range(box.top, box.bottom):
        data = [cell] * (box.right - box.left)
        if isinstance(value, Formula):
            data = [
                {**cell, "userEnteredValue": {"formulaValue": _filled(value, row - box.top, index)}}
                for index in range(box.right - box.left)
            ]
        _apply(change, tab, row, box.left, data, fields)
    change.touch(tab, box)
    return {}


def _filled(formula: Formula, rows: int, columns: int) -> str:
    return references.offset(formula, rows, columns).text


def find_replace(change: Change, wanted: Json) -> Json:
    content, text, new = change.content, str(wanted.get("find") or ""), str(wanted.get("replacement") or "")
    if not text:
        raise invalid("'find' must not be empty.")
    if "range" in wanted:
        places = [grid_range(content, wanted["range"])]
    else:
        tabs = [sheet(content, wanted["sheetId"])] if "sheetId" in wanted else content.tabs
        places = [(tab, tab.used()) for tab in tabs]
    pattern = re.compile(
        text if wanted.get("searchByRegex") else re.escape(text), 0 if wanted.get("matchCase") else re.IGNORECASE
    )
    values = changed = rows = sheets = occurrences = 0
    for tab, box in places:
        before = values + changed
        for row in range(box.top, min(box.bottom, len(tab.rows))):
            touched = False
            for column in range(box.left, min(box.right, len(tab.rows[row].cells))):
                value = tab.cell(row, column)
                is_formula = isinstance(value, Formula)
                if is_formula and not wanted.get("includeFormulas"):
                    continue
                shown = (
                    value.text
                    if isinstance(value, Formula)
                    else cells.text(value, tab.form(row, column), content.locale)
                )
                if wanted.get("matchEntireCell") and not pattern.fullmatch(shown):
                    continue
                replaced, found = pattern.subn(lambda _: new, shown)
                if not found:
                    continue
                kept, form = cells.entered(replaced, content.locale, tab.form(row, column))
                tab.put(row, column, [kept], change.mark, {} if form is None else {column: form})
                occurrences += found
                change.touch(tab, Box(row, column, row + 1, column + 1))
                values, changed, touched = values + (not is_formula), changed + is_formula, True
            rows += touched
        if values + changed > before:
            sheets += 1
    counts = {
        "valuesChanged": values,
        "formulasChanged": changed,
        "rowsChanged": rows,
        "sheetsChanged": sheets,
        "occurrencesChanged": occurrences,
    }
    return {"findReplace": {name: count for name, count in counts.items() if count}}


def _nothing(change: Change, wanted: Json) -> Json:
    """A request that changes looks only."""
    return {}


KINDS: dict[str, Callable[[Change, Json], Json]] = {
    "addSheet": structure.add_sheet,
    "deleteSheet": structure.delete_sheet,
    "duplicateSheet": structure.duplicate_sheet,
    "updateSheetProperties": structure.update_sheet_properties,
    "updateSpreadsheetProperties": structure.update_spreadsheet_properties,
    "updateDimensionProperties": structure.update_dimension_properties,
    "insertDimension": structure.insert_dimension,
    "deleteDimension": structure.delete_dimension,
    "moveDimension": structure.move_dimension,
    "appendDimension": structure.append_dimension,
    "sortRange": structure.sort_range,
    "addProtectedRange": structure.add_protected_range,
    "deleteProtectedRange": structure.delete_protected_range,
    "createDeveloperMetadata": structure.create_metadata,
    "updateDeveloperMetadata": structure.update_metadata,
    "deleteDeveloperMetadata": structure.delete_metadata,
    "updateCells": update_cells,
    "appendCells": append_cells,
    "repeatCell": repeat_cell,
    "findReplace": find_replace,
}
LOOKS = (
    "updateBorders", "mergeCells", "unmergeCells", "autoResizeDimensions", "setBasicFilter", "clearBasicFilter",
    "setDataValidation", "addConditionalFormatRule", "updateConditionalFormatRule", "deleteConditionalFormatRule",
    "addBanding", "updateBanding", "deleteBanding", "addDimensionGroup", "deleteDimensionGroup",
)  # fmt: skip
KINDS |= dict.fromkeys(LOOKS, _nothing)
NOT_HERE = (
    "addChart", "addFilterView", "addNamedRange", "addSlicer", "addTable", "autoFill", "copyPaste", "cutPaste",
    "deleteDuplicates", "deleteEmbeddedObject", "deleteFilterView", "deleteNamedRange", "deleteRange", "deleteTable",
    "duplicateFilterView", "insertRange", "pasteData", "randomizeRange", "textToColumns", "trimWhitespace",
    "updateChartSpec", "updateDimensionGroup", "updateFilterView", "updateNamedRange", "updateProtectedRange",
    "updateTable",
)  # fmt: skip


def batch_update(change: Change, body: Json) -> list[Json]:
    """All requests in their order, each seeing what those before it did. Raises on the first that is refused."""
    requests = body.get("requests")
    if not requests:
        raise invalid("Must specify at least one request.")
    replies = []
    for index, request in enumerate(requests):
        if len(request) != 1:
            raise invalid(f"Invalid requests[{index}]: exactly one kind of request must be set.")
        ((kind, wanted),) = request.items()
        if kind in NOT_HERE:
            raise GoogleError(501, f"requests[{index}].{kind}: the sandbox does not do this.")
        if kind not in KINDS:
            raise invalid(
                f"Invalid JSON payload received. Unknown name \"{kind}\" at 'requests[{index}]': Cannot find field."
            )
        try:
            replies.append(KINDS[kind](change, wanted))
        except GoogleError as error:
            raise GoogleError(error.code, f"Invalid requests[{index}].{kind}: {error.message}") from None
    return replies
