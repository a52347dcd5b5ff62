"""Developer metadata: making it, finding it, and the places that data filters mean."""

import random
from collections.abc import Iterator
from typing import Any

from .a1 import Area, Box
from .book import Change, Content, Metadata
from .errors import GoogleError, invalid
from .grid import COLUMNS, ROWS, Tab

Json = dict[str, Any]

PLACES = ("ROW", "COLUMN", "SHEET", "SPREADSHEET")


def shown(content: Content, each: Metadata) -> Json:
    """DeveloperMetadata as the API writes it."""
    found: Json = {"metadataId": each.id, "metadataKey": each.key}
    if each.value:
        found["metadataValue"] = each.value
    return found | {"location": content.located(each), "visibility": each.visibility}


def visible(content: Content, project: str) -> Iterator[Metadata]:
    """What a client of this project may see."""
    return (each for each in content.metadata.values() if each.visibility == "DOCUMENT" or each.project == project)


def place_of(content: Content, location: Json) -> tuple[str, int | None, int | None]:
    """The place that a location names. Refuses one that is not there."""
    if location.get("spreadsheet"):
        return "SPREADSHEET", None, None
    if "dimensionRange" in location:
        span = location["dimensionRange"]
        tab, start, end = dimension_range(content, span)
        if end - start != 1:
            raise invalid("DimensionRange must represent a single row or column.")
        return ("ROW" if span.get("dimension") == ROWS else "COLUMN"), tab.sheet_id, start
    if "sheetId" in location:
        return "SHEET", sheet(content, location["sheetId"]).sheet_id, None
    raise invalid("Must specify a location for the developer metadata.")


def sheet(content: Content, sheet_id: Any) -> Tab:
    """The tab with this id, or Google's refusal."""
    tab = content.tab(sheet_id) if isinstance(sheet_id, int) else None
    if tab is None:
        raise invalid(f"No grid with id: {sheet_id}")
    return tab


def dimension_range(content: Content, span: Json) -> tuple[Tab, int, int]:
    """The tab and the half-open indexes of a DimensionRange."""
    tab = sheet(content, span.get("sheetId", 0))
    dimension = span.get("dimension")
    if dimension not in (ROWS, COLUMNS):
        raise invalid("No dimension specified." if not dimension else f"Invalid dimension: {dimension}")
    size = tab.size(dimension)
    start, end = span.get("startIndex", 0), span.get("endIndex", size)
    if not 0 <= start < end:
        raise invalid(f"startIndex[{start}] must be less than endIndex[{end}]")
    if end > size:
        name = "rows" if dimension == ROWS else "columns"
        raise invalid(f"endIndex[{end}] is after last {name[:-1]} in grid[{size}]")
    return tab, start, end


def create(change: Change, wanted: Json) -> Metadata:
    """Add metadata to a place."""
    content = change.content
    if not wanted.get("metadataKey"):
        raise invalid("Must specify a metadata key.")
    visibility = wanted.get("visibility")
    if visibility not in ("DOCUMENT", "PROJECT"):
        raise invalid("Must specify a visibility for the developer metadata.")
    known = wanted.get("metadataId")
    if known is not None and (not isinstance(known, int) or known <= 0 or known in content.metadata):
        raise invalid(f"Developer metadata with ID {known} already exists or is not valid.")
    made = Metadata(
        known or _free_id(content),
        str(wanted["metadataKey"]),
        str(wanted.get("metadataValue") or ""),
        visibility,
        change.project,
        *place_of(content, wanted.get("location") or {}),
    )
    content.metadata[made.id] = made
    return made


def _free_id(content: Content) -> int:
    while (number := random.randrange(1, 2**31)) in content.metadata:
        continue
    return number


def update(change: Change, wanted: Json) -> list[Metadata]:
    """Change what the filters find: the fields that the mask names."""
    fields = [each for each in str(wanted.get("fields") or "").split(",") if each]
    if not fields:
        raise invalid("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    content, new = change.content, wanted.get("developerMetadata") or {}
    changed = []
    for each in found_by(content, wanted.get("dataFilters") or [], change.project):
        if "*" in fields or "metadataKey" in fields:
            each = each._replace(key=str(new.get("metadataKey") or each.key))
        if "*" in fields or "metadataValue" in fields:
            each = each._replace(value=str(new.get("metadataValue") or ""))
        if "visibility" in fields and new.get("visibility"):
            each = each._replace(visibility=new["visibility"])
        if any(name.startswith("location") for name in fields) or ("*" in fields and new.get("location")):
            place, sheet_id, index = place_of(content, new.get("location") or {})
            each = each._replace(place=place, sheet_id=sheet_id, line=index)
        content.metadata[each.id] = each
        changed.append(each)
    return changed


def delete(change: Change, wanted: Json) -> list[Metadata]:
    """Remove what the filter finds."""
    gone = found_by(change.content, [wanted.get("dataFilter") or {}], change.project)
    for each in gone:
        del change.content.metadata[each.id]
    return gone


def by_id(content: Content, metadata_id: str, project: str) -> Metadata:
    """One piece by its id."""
    found = content.metadata.get(int(metadata_id)) if metadata_id.isdigit() else None
    if found is None or (found.visibility == "PROJECT" and found.project != project):
        raise GoogleError(404, f"No developer metadata with ID {metadata_id} was found.")
    return found


def search(content: Content, body: Json, project: str) -> Json:
    """POST developerMetadata:search: what was found, each with the filters that found it."""
    filters = body.get("dataFilters") or []
    if not filters:
        raise invalid("Must specify at least one data filter.")
    found: dict[int, list[Json]] = {}
    for each in filters:
        for match in found_by(content, [each], project):
            found.setdefault(match.id, []).append(each)
    matched = [
        {"developerMetadata": shown(content, content.metadata[key]), "dataFilters": by} for key, by in found.items()
    ]
    return {"matchedDeveloperMetadata": matched} if matched else {}


def found_by(content: Content, filters: list[Json], project: str) -> list[Metadata]:
    """The metadata that any of the filters selects."""
    found: dict[int, Metadata] = {}
    for each in filters:
        if "developerMetadataLookup" in each:
            lookup = each["developerMetadataLookup"]
            matches = [one for one in _candidates(content, lookup, project) if _matches(content, one, lookup)]
        else:
            where = areas(content, each)
            matches = [one for one in visible(content, project) if any(_inside(one, *area) for area in where)]
        found |= {one.id: one for one in matches}
    return list(found.values())


def _candidates(content: Content, lookup: Json, project: str) -> list[Metadata]:
    known = lookup.get("metadataId")
    if known is not None:
        one = content.metadata.get(known)
        return [one] if one is not None and (one.visibility == "DOCUMENT" or one.project == project) else []
    return list(visible(content, project))


def _matches(content: Content, each: Metadata, lookup: Json) -> bool:
    for name, value in (
        ("metadataKey", each.key),
        ("metadataValue", each.value),
        ("visibility", each.visibility),
        ("locationType", each.place),
    ):
        if lookup.get(name) not in (None, value):
            return False
    location = lookup.get("metadataLocation")
    return location is None or _located(content, each, location, lookup.get("locationMatchingStrategy"))


def _located(content: Content, each: Metadata, location: Json, strategy: str | None) -> bool:
    place = place_of(content, location)
    own = (each.place, each.sheet_id, each.line)
    if strategy == "EXACT_LOCATION":
        return own == place
    if place[0] == "SPREADSHEET" or own == place:
        return True
    if each.place == "SPREADSHEET":
        return True
    if each.sheet_id != place[1]:
        return False
    # A row and a column of one sheet cross; two rows do not meet; a sheet meets all of its own.
    return "SHEET" in (each.place, place[0]) or each.place != place[0]


def _inside(each: Metadata, tab: Tab, box: Box) -> bool:
    if each.sheet_id != tab.sheet_id or each.line is None:
        return False
    if each.place == "ROW":
        return box.top <= each.line < box.bottom
    return box.left <= each.line < box.right


def areas(content: Content, wanted: Json) -> list[tuple[Tab, Box]]:
    """The place of a filter that names one: an A1 range or a GridRange."""
    if "a1Range" in wanted:
        tab, _, box = content.on_grid(str(wanted["a1Range"]))
        return [(tab, box)]
    if "gridRange" in wanted:
        return [grid_range(content, wanted["gridRange"])]
    raise invalid("Invalid dataFilter: must specify one of developerMetadataLookup, a1Range or gridRange.")


def places(content: Content, wanted: Json, project: str) -> list[tuple[Tab, Box]]:
    """Everything that a filter means as parts of grids."""
    if "developerMetadataLookup" not in wanted:
        return areas(content, wanted)
    found = []
    for each in found_by(content, [wanted], project):
        tab = content.tab(each.sheet_id) if each.sheet_id is not None else None
        if tab is None:
            continue
        area = Area(0, 0, None, None)
        if each.line is not None:
            area = (
                Area(each.line, 0, each.line + 1, None)
                if each.place == "ROW"
                else Area(0, each.line, None, each.line + 1)
            )
        found.append((tab, tab.box(area)))
    return found


def grid_range(content: Content, wanted: Json) -> tuple[Tab, Box]:
    """A GridRange on its tab, cut at the grid's edges."""
    tab = sheet(content, wanted.get("sheetId", 0))
    top, left = wanted.get("startRowIndex", 0), wanted.get("startColumnIndex", 0)
    area = Area(top, left, wanted.get("endRowIndex"), wanted.get("endColumnIndex"))
    if min(top, left) < 0 or (area.bottom is not None and area.bottom < top) or top > tab.row_count:
        raise invalid(f"Invalid range: startRowIndex[{top}] endRowIndex[{area.bottom}]")
    return tab, tab.box(area)
