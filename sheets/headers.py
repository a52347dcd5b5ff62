"""Finding the header of a sheet, and guessing which column is what."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sheets.cells import is_nothing, text_of
from sheets.errors import HeaderMissing
from sheets.tables import Look, Table

DEPTH = 25  # titles, logos and dates stand above many a header
SAMPLED = 100
FITTING = 0.6  # how many of the cells must look alike
_APART = re.compile(r"[\W_]+")


@lru_cache(maxsize=4096)
def fold(header: str) -> str:
    """A header as it is compared: trimmed, case folded, punctuation and spacing gone."""
    return _APART.sub(" ", header.casefold()).strip()


def find_header(rows: Sequence[Sequence[Any]], table: Table) -> int:
    """Index of the header among the first rows. Raises HeaderMissing.

    The row with the most names that the table knows; where none is known, the first that is all words and stands over
    rows of the same width.
    """
    known = _known(table)
    best, best_score = -1, 0.0
    for index, row in enumerate(rows[:DEPTH]):
        texts = [text for text in map(text_of, row) if text]
        hits = sum(fold(text) in known for text in texts)
        if hits and hits / len(texts) >= 0.3 and hits > best_score:
            best, best_score = index, hits
    if best >= 0:
        return best
    for index, row in enumerate(rows[: min(DEPTH, len(rows) - 1)]):
        if _could_be_header(row, rows[index + 1]):
            return index
    raise HeaderMissing(
        "No header was found in the first rows. Add a row that names the columns (such as P-NUMBER, PROJECT, NAME, "
        "MOBILE) above the data, or say which row it is.",
        rows_looked_at=min(DEPTH, len(rows)),
    )


def _could_be_header(row: Sequence[Any], below: Sequence[Any]) -> bool:
    texts = [text_of(cell) for cell in row]
    filled = [text for text in texts if text]
    if len(filled) < 2 or len({fold(text) for text in filled}) < len(filled):
        return False
    if any(len(text) > 60 or sum(map(str.isdigit, text)) > len(text) / 3 for text in filled):
        return False
    numbers_below = sum(_is_number(text_of(cell)) for cell, text in zip(below, texts, strict=False) if text)
    return numbers_below >= max(1, len(filled) // 5)


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?\d[\d.,]*", text))


def places_of(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Names for the columns of a sheet that has no header."""
    width = max((position for row in rows for position, cell in enumerate(row, start=1) if text_of(cell)), default=0)
    return [f"Column {position}" for position in range(1, width + 1)]


def is_nameless(name: str) -> bool:
    """Whether names_of had to make this name up."""
    start, _space, number = name.partition(" ")
    return start == "Column" and number.isdigit()


def names_of(row: Sequence[Any]) -> list[str]:
    """The headers as people see them: trimmed, told apart where they repeat, named by position where they are blank."""
    names: list[str] = []
    for position, cell in enumerate(row, start=1):
        name = " ".join(text_of(cell).split())[:190]
        name = f"Column {position}" if is_nothing(name) else name
        base, again = name, 2
        while name in names:
            name, again = f"{base} ({again})", again + 1
        names.append(name)
    return names


def signature(names: Sequence[str], without_header: str = "") -> str:
    """The same for every file with this header. Without one nothing but what the file is called tells sheets apart."""
    return hashlib.sha256("\x1f".join([*map(fold, names), *filter(None, [without_header])]).encode()).hexdigest()


def guess(names: Sequence[str], table: Table) -> dict[str, str]:
    """Header -> field, empty where nothing fits. A field that only one column may feed goes to the first that fits."""
    known = _known(table)
    taken: set[str] = set()
    mapping: dict[str, str] = {}
    for name in names:
        found = known.get(fold(name), "")
        field = table.field(found) if found else None
        if field is None or (field.name in taken and not field.many):
            mapping[name] = ""
            continue
        taken.add(field.name)
        mapping[name] = field.name
    return mapping


def guess_by_content(
    mapping: dict[str, str], rows: Sequence[Sequence[Any]], table: Table, region: str
) -> tuple[dict[str, str], bool]:
    """The mapping with the columns that have no name guessed from their cells, and whether any was telling."""
    taken, found, telling = set(mapping.values()), dict(mapping), False
    for index, name in enumerate(mapping):
        if mapping[name] or not name.startswith("Column "):
            continue
        texts = [text for row in rows if index < len(row) and not is_nothing(text := text_of(row[index]))][:SAMPLED]
        look = _look_of(texts, taken, table, region) if texts else None
        if look:
            found[name] = next(field for field in look.fields if field not in taken)
            taken.add(found[name])
            telling |= look.telling
    return found, telling


def _look_of(texts: Sequence[str], taken: set[str], table: Table, region: str) -> Look | None:
    for look in table.looks:
        if not set(look.fields) - taken or (look.varied and len(set(texts)) * 2 < len(texts)):
            continue
        if sum(look.fits(text, region) for text in texts) >= len(texts) * FITTING:
            return look
    return None


def _known(table: Table) -> dict[str, str]:
    known: dict[str, str] = {}
    for field in table.fields:
        for alias in (field.name, field.label, *field.aliases):
            known.setdefault(fold(alias), field.name)
    return known
