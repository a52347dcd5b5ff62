"""One import: rows are read once, unchanged ones are known by their fingerprint, the rest is staged and merged in sets.

Runs inside the caller's transaction, and so is everything or nothing. COPY into a table behind row-level security is
refused by PostgreSQL: COPY goes into temporary tables, and `INSERT ... SELECT` from there into the real ones.
"""

# ruff: noqa: S608 - the one name put into statements is our own

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from django.db import connection

from sheets.cells import PLACEHOLDERS, text_of
from sheets.headers import fold
from sheets.issues import Issues
from sheets.mapping import Plan
from sheets.tables import (
    CHANGED,
    CREATED,
    ERROR,
    FILLED_BY_IMPORTERS,
    OBJECTS,
    SKIPPED,
    WARNING,
    Importer,
    Issue,
    Link,
    Row,
    RowRefused,
    Run,
    Table,
)

BATCH = 2000
SAMPLES = 15
_LONGEST_KEY = 500
_TOTALS = ("total", "grand total", "subtotal", "sum", "sub total", "المجموع", "الاجمالي", "الإجمالي")

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What to import where."""

    organization_id: int
    region: str
    currency: str
    spreadsheet_id: int
    run_id: int
    table: Table
    plan: Plan
    header_row: int
    source: str
    at: datetime


@dataclass(slots=True)
class Result:
    """What became of the rows."""

    issues: Issues
    counts: dict[str, int] = field(default_factory=dict)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"new": [], "changed": []})


@dataclass(slots=True)
class StagedRow:
    number: int
    fingerprint: bytes
    key: str
    values: dict[str, str]


class Staging:
    """The state of one run. `take` all rows, then `finish`."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.headers = {step.name: step.header for step in job.plan.steps}
        self.issues = Issues(self.headers)
        self.result = Result(self.issues)
        self.counts: Counter[str] = Counter()
        self.cursor = connection.cursor()
        self.cursor.execute(_TEMPORARY)
        self.cursor.execute(FILLED_BY_IMPORTERS)
        self.known = self._fingerprints()
        self.importer = self._importer(
            Run(job.organization_id, job.region, job.currency, job.plan.options, job.source, self.issues.add)
        )
        self.used: set[int] = set()
        self.batch: list[StagedRow] = []

    def _importer(self, run: Run) -> Importer:
        return self.job.table.importer(run)

    def take(self, rows: Iterable[list[Any]], progress: Progress) -> None:
        """Read every row below the header. Raises nothing for what is wrong with a row: that is reported."""
        steps = self.job.plan.steps
        indexes = [step.index for step in steps]
        width = max(indexes) + 1
        # Whole: a key of blake2b has 64 bytes at most, and the salt of a wide sheet has many more.
        salt = blake2b(self.job.plan.salt.encode()).digest()
        seen: dict[bytes, int] = {}
        known, used, counts = self.known, self.used, self.counts
        for number, cells in enumerate(rows, start=1):
            if number <= self.job.header_row:
                continue
            if len(cells) < width:
                cells = [*cells, *[""] * (width - len(cells))]
            raw = [cells[index] for index in indexes]
            if not any(raw):
                continue
            counts["read"] += 1
            if counts["read"] % BATCH == 0:
                progress(number)
            fingerprint = blake2b(repr(raw).encode("utf-8", "surrogatepass"), digest_size=16, key=salt).digest()
            first = seen.setdefault(fingerprint, number)
            if first != number:
                self._skip(number, "duplicate_row", f"The same as row {first}, cell by cell.")
            elif fingerprint in known:
                used.add(known[fingerprint])
                counts["unchanged"] += 1
            else:
                self._read(number, fingerprint, raw)
        self._flush()
        progress(-1)

    def finish(self) -> Result:
        """Merge what was staged. Few statements, however many rows."""
        figures = self.importer.finish()
        job = self.job
        self.cursor.execute(_LINKS_BEFORE, [job.run_id, job.at, job.at, job.organization_id, job.spreadsheet_id])
        self.cursor.execute(
            _LINKS,
            [job.organization_id, job.spreadsheet_id, job.at, job.at, job.organization_id, job.run_id, job.at, job.at],
        )
        self.cursor.execute(_RELINKS, [job.at, job.organization_id, job.spreadsheet_id])
        self.cursor.execute(_CREATIONS, [job.organization_id, job.run_id, job.at, job.at])
        self.cursor.execute(_CHANGES, [job.organization_id, job.run_id, job.at, job.at])
        severities = self.issues.severities
        self.result.counts = {
            **dict.fromkeys(("read", "new", "changed", "unchanged", "conflicts"), 0),
            **self.counts,
            "errors": severities[ERROR],
            "warnings": severities[WARNING],
            "skipped": severities[SKIPPED],
            **figures,
        }
        self.cursor.execute(f"DROP TABLE sheets_import_link, {OBJECTS}, {CREATED}, {CHANGED}")
        return self.result

    def _fingerprints(self) -> dict[bytes, int]:
        """Of each row that we know, with the hash of its key."""
        known: dict[bytes, int] = {}
        with connection.chunked_cursor() as cursor:
            cursor.execute(
                "SELECT fingerprint, row_key FROM sheets_rowlink WHERE organization_id = %s AND spreadsheet_id = %s",
                [self.job.organization_id, self.job.spreadsheet_id],
            )
            while rows := cursor.fetchmany(BATCH):
                known |= {bytes(fingerprint): hash(key) for fingerprint, key in rows}
        return known

    def _values(self, raw: list[Any]) -> dict[str, str]:
        """What is not empty, by the names of the plan."""
        values: dict[str, str] = {}
        for step, cell in zip(self.job.plan.steps, raw, strict=True):
            if cell is None or cell == "":
                continue
            # A cell that is one word needs no tidying: half of all are.
            text = cell if type(cell) is str and cell.isalnum() else text_of(cell)
            if text not in PLACEHOLDERS:
                values[step.name] = text
            elif step.keeps_zero and text[:1] == "0":
                values[step.name] = "0"
        return values

    def _read(self, number: int, fingerprint: bytes, raw: list[Any]) -> None:
        values = self._values(raw)
        if not values:
            self.counts["read"] -= 1
            return
        noise = self._noise(values)
        if noise:
            self._skip(number, *noise)
            return
        values |= self.job.plan.constants
        try:
            key = self.importer.key(values)
        except RowRefused as refusal:
            self._refuse(number, refusal, values)
            return
        self.batch.append(StagedRow(number, fingerprint, self._unused(key), values))
        if len(self.batch) == BATCH:
            self._flush()

    def _noise(self, values: Mapping[str, str]) -> tuple[str, str] | None:
        """Rows that are no data: the header again, totals, titles."""
        first = next(iter(values.values()))
        if self.job.table.has_titles and len(values) == 1 and len(self.job.plan.steps) > 3:
            return "title_row", "Only one cell is filled: taken for a title or a note."
        if fold(first).startswith(_TOTALS) and len(values) * 2 <= len(self.job.plan.steps) + 1:
            return "total_row", "Taken for a row of totals."
        if fold(first) == fold(self.headers[next(iter(values))]):
            same = sum(fold(text) == fold(self.headers[name]) for name, text in values.items())
            if same * 2 >= len(values):
                return "repeated_header", "The header again."
        return None

    def _unused(self, key: str) -> str:
        """Rows that are known by the same things are told apart by their order."""
        if len(key) > _LONGEST_KEY - 8:
            key = key[:200] + blake2b(key.encode(), digest_size=16).hexdigest()
        unused, again = key, 2
        while hash(unused) in self.used:
            unused, again = f"{key}#{again}", again + 1
        self.used.add(hash(unused))
        return unused

    def _flush(self) -> None:
        if not self.batch:
            return
        links = self._links() if self.known else {}
        staged: list[tuple[int, str, bytes, str, bool]] = []
        for row in self.batch:
            link = links.get(row.key)
            changed = None
            base: dict[str, str] = row.values
            if link:
                changed = frozenset(name for name, text in row.values.items() if link.base.get(name) != text)
                base = {**link.base, **row.values}
            if link is None or changed:
                try:
                    self.importer.add(Row(row.number, row.values, link, changed))
                except RowRefused as refusal:
                    self._refuse(row.number, refusal, row.values)
                    continue
            staged.append(
                (row.number, row.key, row.fingerprint, orjson.dumps(base).decode(), bool(link and not changed))
            )
            self._count(row, link, changed)
        with self.cursor.copy("COPY sheets_import_link FROM STDIN") as copy:
            for line in staged:
                copy.write_row(line)
        self.batch.clear()

    def _links(self) -> dict[str, Link]:
        self.cursor.execute(
            "SELECT row_key, object_id, related_id, base FROM sheets_rowlink "
            "WHERE organization_id = %s AND spreadsheet_id = %s AND row_key = ANY(%s)",
            [self.job.organization_id, self.job.spreadsheet_id, [row.key for row in self.batch]],
        )
        found = self.cursor.fetchall()
        alive = self.importer.alive([object_id for _, object_id, _, _ in found])
        return {
            key: Link(object_id, related_id, orjson.loads(base) if isinstance(base, str) else base)
            for key, object_id, related_id, base in found
            if object_id in alive
        }

    def _count(self, row: StagedRow, link: Link | None, changed: frozenset[str] | None) -> None:
        kind = "new" if link is None else "changed" if changed else "unchanged"
        self.counts[kind] += 1
        samples = self.result.samples.get(kind)
        if samples is None or len(samples) >= SAMPLES:
            return
        before = {name: link.base.get(name, "") for name in sorted(changed)} if link and changed else {}
        after = {name: row.values.get(name, "") for name in before} if before else row.values
        samples.append({"row": row.number, "before": before, "after": after})

    def _skip(self, number: int, code: str, message: str) -> None:
        self.issues.add(Issue(number, SKIPPED, code, message))

    def _refuse(self, number: int, refusal: RowRefused, values: Mapping[str, str]) -> None:
        value = values.get(refusal.field, "")
        self.issues.add(Issue(number, ERROR, refusal.code, refusal.message, refusal.field, value))


_TEMPORARY = """
    DROP TABLE IF EXISTS sheets_import_link;
    CREATE TEMPORARY TABLE sheets_import_link (
        row integer, row_key text, fingerprint bytea, base jsonb, agreed boolean
    ) ON COMMIT DROP
"""

# What a reversal sets back, and what it removes.
_LINKS_BEFORE = f"""
    INSERT INTO sheets_importchange (
        organization_id, run_id, target_type, target_id, before, after, created_at, updated_at)
    SELECT r.organization_id, %s, 'sheets.rowlink', r.id, to_jsonb(r) - '{{id,organization_id}}'::text[],
           jsonb_build_object('fingerprint', l.fingerprint), %s, %s
      FROM sheets_import_link l
      JOIN {OBJECTS} o ON o.row = l.row
      JOIN sheets_rowlink r ON r.row_key = l.row_key
     WHERE NOT l.agreed AND r.organization_id = %s AND r.spreadsheet_id = %s
"""

_LINKS = f"""
    WITH linked AS (
    INSERT INTO sheets_rowlink (
        organization_id, spreadsheet_id, row_key, fingerprint, object_id, related_id, base, created_at, updated_at)
    SELECT %s, %s, l.row_key, l.fingerprint, o.object_id, o.related_id, l.base, %s, %s
      FROM sheets_import_link l JOIN {OBJECTS} o ON o.row = l.row
     WHERE NOT l.agreed
    ON CONFLICT (organization_id, spreadsheet_id, row_key) DO UPDATE
       SET fingerprint = EXCLUDED.fingerprint, object_id = EXCLUDED.object_id, related_id = EXCLUDED.related_id,
           base = EXCLUDED.base, updated_at = EXCLUDED.updated_at
    RETURNING id, xmax = 0 AS is_new
    )
    INSERT INTO sheets_importcreation (organization_id, run_id, target_type, ids, created_at, updated_at)
    SELECT %s, %s, 'sheets.rowlink', array_agg(id), %s, %s FROM linked WHERE is_new HAVING count(*) > 0
"""

_RELINKS = """
    UPDATE sheets_rowlink r
       SET fingerprint = l.fingerprint, base = l.base, updated_at = %s
      FROM sheets_import_link l
     WHERE l.agreed AND r.organization_id = %s AND r.spreadsheet_id = %s AND r.row_key = l.row_key
"""

_CREATIONS = f"""
    INSERT INTO sheets_importcreation (organization_id, run_id, target_type, ids, created_at, updated_at)
    SELECT %s, %s, target_type, array_agg(id ORDER BY id), %s, %s FROM {CREATED} GROUP BY target_type
"""

_CHANGES = f"""
    INSERT INTO sheets_importchange (
        organization_id, run_id, target_type, target_id, before, after, created_at, updated_at)
    SELECT %s, %s, target_type, id, before, after, %s, %s FROM {CHANGED}
"""
