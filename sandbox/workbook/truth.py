"""What is in a generated book, counted from its cells: the figures an import is compared with."""

from collections import Counter, defaultdict
from typing import Any

from . import layout
from .inventory import PHONE_COLUMNS, Row, Value
from .phones import BLANK

PLACEHOLDERS = ("", "0", "0.0", ".", "-")

Json = dict[str, Any]


def is_empty(value: Value) -> bool:
    """Whether a cell holds nothing or a placeholder for nothing."""
    return value is None or str(value).strip() in PLACEHOLDERS


def truth(rows: list[Row], *, seed: int, columns: str) -> Json:
    """The figures of this book. Row numbers are those of the sheet: the header is row 1."""
    filled = {name: sum(not is_empty(row.cells[name]) for row in rows) for name in layout.LAYOUTS[columns]}
    return {
        "seed": seed,
        "layout": columns,
        "header": list(layout.LAYOUTS[columns].values()),
        "rows": len(rows),
        "filled": filled,
        "missing": {name: len(rows) - count for name, count in filled.items()},
        "distinct": {name: len({str(r.cells[name]) for r in rows if not is_empty(r.cells[name])}) for name in filled},
        "exact_duplicate_rows": sum(row.duplicate for row in rows),
        "dot_rows": sum(row.cells["Plot No"] == "." for row in rows),
        "properties": _properties(rows),
        "names": _names(rows),
        "phones": _phones(rows),
        "emails": _emails(rows),
        "statuses": dict(Counter(str(row.cells["Status"]) for row in rows if row.cells["Status"] is not None)),
        "projects": dict(Counter(_cluster(str(row.cells["PROJECT"])) for row in rows)),
        "asking_prices": _asking_prices(rows) if "Asking Price" in filled else [],
    }


def _properties(rows: list[Row]) -> Json:
    by_key: dict[float, list[Row]] = defaultdict(list)
    for row in rows:
        key = row.cells["P-NUMBER"]
        if isinstance(key, int | float) and key:
            by_key[float(key)].append(row)
    repeated = [group for group in by_key.values() if len(group) > 1]
    co_owned = [group for group in repeated if len({row.cells["NAME "] for row in group}) == len(group)]
    without = [row for row in rows if is_empty(row.cells["P-NUMBER"])]
    no_registration = [row for row in without if is_empty(row.cells["Registration"])]
    no_plot = [row for row in no_registration if is_empty(row.cells["PLOT NUMBER"])]
    return {
        "by_p_number": len(by_key),
        "repeated_p_numbers": len(repeated),
        "rows_of_one_property_at_most": max(map(len, by_key.values()), default=0),
        "co_owned": len(co_owned),
        "owners_of_co_owned": dict(sorted(Counter(len(group) for group in co_owned).items())),
        "rows_without_p_number": len(without),
        "rows_without_p_number_registration": len(no_registration),
        "rows_without_p_number_registration_plot": len(no_plot),
        "rows_without_any_key": sum(is_empty(row.cells["Unit Number"]) for row in no_plot),
    }


def _names(rows: list[Row]) -> Json:
    named = [row for row in rows if not is_empty(row.cells["NAME "])]
    kinds = {str(row.cells["NAME "]): row.owner.kind for row in named if row.owner}
    per_name = Counter(str(row.cells["NAME "]) for row in named)
    return {
        "filled": len(named),
        "missing": len(rows) - len(named),
        "distinct": len(kinds),
        "most_rows_of_one_name": max(per_name.values(), default=0),
        **{f"{kind}_names": count for kind, count in sorted(Counter(kinds.values()).items())},
    }


def _phones(rows: list[Row]) -> Json:
    columns: Json = {}
    for column in PHONE_COLUMNS:
        cells = [row.phones.get(column, BLANK) for row in rows]
        typed = [cell for cell in cells if cell.raw is not None]
        columns[column] = {
            "typed": len(typed),
            "blank": len(cells) - len(typed),
            "lines": dict(Counter(cell.line for cell in typed)),
            "unusable": sum(cell.line in ("invalid", "review") for cell in typed),
            "home_numbers": sum(
                n.startswith("+9715") for cell in typed if cell.line == "mobile" for n in cell.numbers[:1]
            ),
            "forms": dict(Counter(cell.form for cell in typed)),
        }
    reach = [_mobiles(row) for row in rows]
    names: dict[str, set[str]] = defaultdict(set)
    properties: dict[str, set[str]] = defaultdict(set)
    for row, numbers in zip(rows, reach, strict=True):
        for number in numbers:
            if not is_empty(row.cells["NAME "]):
                names[number].add(str(row.cells["NAME "]))
            if not is_empty(row.cells["P-NUMBER"]):
                properties[number].add(str(row.cells["P-NUMBER"]))
    all_lines = [cell.line for row in rows for cell in row.phones.values()]
    return {
        "columns": columns,
        "unusable_cells": sum(line in ("invalid", "review") for line in all_lines),
        "placeholder_cells": sum(line == "empty" for line in all_lines),
        "distinct_mobiles": len({number for numbers in reach for number in numbers}),
        "distinct_landlines": len(
            {n for row in rows for c in row.phones.values() if c.line == "fixed" for n in c.numbers}
        ),
        "rows_without_mobile": sum(not numbers for numbers in reach),
        "rows_with_several_mobiles": sum(len(numbers) > 1 for numbers in reach),
        "rows_with_junk_phone_but_mobile_elsewhere": sum(
            row.phones.get("PHONE", BLANK).line not in ("mobile", "fixed")
            and row.phones.get("PHONE", BLANK).raw not in (None, ".")
            and bool(numbers)
            for row, numbers in zip(rows, reach, strict=True)
        ),
        "mobiles_shared_by_names": sum(len(each) > 1 for each in names.values()),
        "most_names_on_one_mobile": max(map(len, names.values()), default=0),
        "mobiles_shared_by_properties": sum(len(each) > 1 for each in properties.values()),
        "most_properties_on_one_mobile": max(map(len, properties.values()), default=0),
    }


def _mobiles(row: Row) -> set[str]:
    return {number for cell in row.phones.values() if cell.line == "mobile" for number in cell.numbers}


def _emails(rows: list[Row]) -> Json:
    filled = [str(row.cells["EMAIL"]) for row in rows if not is_empty(row.cells["EMAIL"])]
    return {
        "filled": len(filled),
        "without_at": sum("@" not in each for each in filled),
        "distinct": len({each.lower() for each in filled}),
    }


def _asking_prices(rows: list[Row]) -> list[Json]:
    known = {text: (amount, note) for text, amount, note in layout.ASKING_PRICES}
    found = [
        (index, str(row.cells["Asking Price"])) for index, row in enumerate(rows, start=2) if row.cells["Asking Price"]
    ]
    return [{"row": row, "text": text, "amount": known[text][0], "note": known[text][1]} for row, text in found]


def _cluster(project: str) -> str:
    return project.split("@")[0].strip().upper()
