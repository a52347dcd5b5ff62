"""Fresh planner statistics after bulk work, in the same transaction or after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection, models, transaction


def refresh(tables: Iterable[type[models.Model]]) -> None:
    """ANALYZE the tables of these models (tens of milliseconds each), as their owner."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT majlis_analyze(%s::regclass[])", [[model._meta.db_table for model in tables]])


@contextmanager
def many_rows_expected() -> Iterator[None]:
    """Right after an import there are no statistics, PostgreSQL takes an organisation for one row, and loops: 44 s for
    10,000 people instead of four. What reads a whole house at once is joined by hash."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        yield
        cursor.execute("SET LOCAL enable_nestloop = on")
