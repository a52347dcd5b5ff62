"""Rows that Majlis adds to a linked sheet: one for every unit that was made here since that is wanted.

The id of such a row, and what both sides agree on, are kept before Google is asked, in the transaction of the merge. So
a worker may be killed at any moment: the next sync finds the row in the sheet by its id and takes it for what it is, or
does not find it and appends it then.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from sheets.sync import statements
from sheets.sync.merged import Append
from sheets.tables import Link, LinkedImporter

MOST = 1_000  # rows a sync: one call of some hundred kilobytes


def rows_to_append(
    cursor: Any, *, given: dict[str, Any], since: datetime | None, keys: set[str], importer: LinkedImporter,
    present: Callable[[dict[str, Link]], dict[str, dict[str, str]]],
) -> list[Append]:  # fmt: skip
    """Rows that are not in the sheet (`keys` are) and are to be; each is kept as one that is awaited.

    `since`: from when on new objects get rows; None: no more, and those that are still awaited are forgotten.
    """
    cursor.execute(statements.AWAITED, given)
    awaited = {
        key: Link(object_id, related_id, {}) for key, object_id, related_id in cursor.fetchall() if key not in keys
    }
    alive = importer.alive([link.object_id for link in awaited.values()])
    lost = [key for key, link in awaited.items() if since is None or link.object_id not in alive]
    if lost:
        cursor.execute(statements.FORGET_AWAITED, given | {"keys": lost})
    wanted = {key: link for key, link in awaited.items() if key not in lost}
    if since is not None:
        found = importer.unlisted(given["spreadsheet"], since, MOST - len(wanted))
        new = {f"m{secrets.token_hex(8)}": Link(object_id, related_id, {}) for object_id, related_id in found}
        for key, link in new.items():
            cursor.execute(statements.AWAIT, given | {"key": key, "object": link.object_id, "related": link.related_id})
        wanted |= new
    cells = present(wanted)
    appends = [Append(key, cells[key]) for key in wanted if cells.get(key)]  # in the order in which they were made
    for each in appends:
        cursor.execute(
            statements.SAY_AWAITED, given | {"key": each.row_key, "cells": orjson.dumps(dict(each.cells)).decode()}
        )
    return appends
