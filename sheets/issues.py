"""What is wrong with the rows of a run: on disk while it runs, in the table once it is known what became of the run.

A preview is rolled back, and its wrong rows are kept all the same; in memory they would grow with the sheet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from tempfile import TemporaryFile
from weakref import finalize

import orjson
from django.db import connection

from sheets.tables import Issue

LONGEST_VALUE = 2000


class Issues:
    """`headers`: name of a value -> the header of its column."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.severities: Counter[str] = Counter()
        self._headers = headers
        self._file = TemporaryFile()  # noqa: SIM115 - closed with the last reference to this
        finalize(self, self._file.close)

    def add(self, issue: Issue) -> None:
        self.severities[issue.severity] += 1
        column = self._headers.get(issue.field, "")
        value = issue.value.replace("\0", "")[:LONGEST_VALUE]
        line = (issue.row, column, value, issue.severity, issue.code, issue.message)
        self._file.write(orjson.dumps(line) + b"\n")

    def keep(self, *, organization_id: int, run_id: int, at: datetime) -> None:
        """Put them into the table, in the order of the sheet."""
        self._file.seek(0)
        with connection.cursor() as cursor:
            cursor.execute(_TEMPORARY)
            with cursor.copy("COPY sheets_import_issue FROM STDIN") as copy:
                for line in self._file:
                    copy.write_row(orjson.loads(line))
            cursor.execute(_INSERT, [organization_id, run_id, at, at])
            cursor.execute("DROP TABLE sheets_import_issue")


_TEMPORARY = """
    CREATE TEMPORARY TABLE sheets_import_issue (
        row integer, header text, value text, severity text, code text, message text
    ) ON COMMIT DROP
"""

_INSERT = """
    INSERT INTO sheets_rowerror (
        organization_id, run_id, row, "column", value, severity, code, message, created_at, updated_at)
    SELECT %s, %s, row, header, value, severity, code, message, %s, %s FROM sheets_import_issue ORDER BY row
"""
