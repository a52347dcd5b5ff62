"""When what the cells mean was changed: another unit of areas, another column for a field, a column mapped only now.

Then what both sides agreed on was said in another language. The agreement is said anew, before anything is compared:
where Majlis still has what the old reading gave, its side counts as unchanged and the cell as never read, so that the
cell comes in under its new meaning. Where Majlis was changed since, both sides differ: a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sheets.sync import statements
from sheets.tables import LinkedImporter


def has_other_meaning(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether cells that both agreed on may mean something else under the mapping of now. Constants show by themselves."""
    return bool(before) and (before.get("options", {}) != now.get("options", {}) or _columns(before) != _columns(now))


def say_anew(
    cursor: Any, *, given: dict[str, Any], mappings: tuple[Mapping[str, Any], Mapping[str, Any]],
    importers: tuple[LinkedImporter, LinkedImporter], fields: frozenset[str],
) -> None:  # fmt: skip
    """Rewrite the agreement of every row. `mappings` and `importers`: before, and now. Four statements."""
    (before, now), (former, present) = mappings, importers
    known = frozenset(name for header, name in _columns(before).items() if _columns(now).get(header) == name) & fields
    for table, importer, names in (("before", former, known), ("now", present, fields)):
        statement, asked = importer.present(statements.EVERY_ROW, names)
        cursor.execute(statements.READING.format(table=table, present=statement), asked | given)
    cursor.execute(statements.SAY_ANEW, given | {"fields": sorted(fields), "known": sorted(known)})


def _columns(mapping: Mapping[str, Any]) -> dict[str, str]:
    return {header: name for header, name in mapping.get("columns", {}).items() if name}
