"""What a piece of work read of some tables, as the server counted it, inside its functions too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

SCANS = """
SELECT i.indexrelid::regclass::text, pg_stat_get_xact_numscans(i.indexrelid) FROM pg_index i WHERE i.indrelid = ANY (%(tables)s::regclass[])
 UNION ALL
SELECT t::text || ' from end to end', pg_stat_get_xact_numscans(t) FROM unnest(%(tables)s::regclass[]) AS t
"""


def read(work: Callable[[], Any], tables: Sequence[str]) -> set[str]:
    """Indexes, without their tables' names, and whole tables."""

    def scans() -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(SCANS, {"tables": list(tables)})
            return dict(cursor.fetchall())

    before = scans()
    work()
    return {name for name, count in scans().items() if count > before[name]}


def whole(found: set[str]) -> set[str]:
    """The tables among what was read."""
    return {name for name in found if name.endswith("end to end")}
