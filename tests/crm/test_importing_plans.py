"""Imports do not depend on what the planner believes: fresh tables have no statistics, or those of an empty table."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from core.actors import Actor
from crm.models import Contact, ContactPoint, Ownership, Project, Property
from sheets import services
from tests.sheets.imports import bring, comma_separated, commit, upload

ROOT = Path(__file__).resolve().parents[2]
TABLES = [model._meta.db_table for model in (Project, Property, Contact, ContactPoint, Ownership)]
ROWS = 4000
ONE = {"P-NUMBER": "P-1", "PROJECT": "Viridis", "NAME": "Omar Said", "MOBILE": "0501234567"}
# Every statement takes some hundredths of a second, unless one is run again for every row.
LONGEST = "3s"


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plans")
    command = ["-m", "sandbox.workbook", "--rows", str(ROWS), "--out", folder / "book.csv", "--truth", folder / "truth"]
    subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, check=True, timeout=120)
    return folder / "book.csv"


@pytest.mark.slow
@pytest.mark.parametrize("believed", ["nothing", "empty", "one row", "empty while it fills"])
def test_no_statement_of_an_import_runs_away_on_fresh_tables(
    manager: Actor, superuser_database: psycopg.Connection, sheet: Path, believed: str
) -> None:
    _forget(superuser_database, analyzed=believed != "nothing")
    if believed == "one row":
        bring(manager, ONE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT majlis_analyze(%s::regclass[])", [TABLES])
    run = upload(manager, sheet, "book.csv")
    if believed == "empty while it fills":
        # Autovacuum sees many pages and, as nothing is committed, no row in them: so it says of all that come.
        services.preview(actor=manager, run=run, at=timezone.now())
        for table in TABLES:
            superuser_database.execute(f"ANALYZE {table}")
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{LONGEST}'")

    first = commit(manager, run)

    assert first.status == "done", first.error
    assert first.counts["points_new"] > ROWS / 4
    second = commit(manager, upload(manager, _from_elsewhere(sheet), "other.csv"))

    assert second.status == "done", second.error
    assert (second.counts["properties_new"], second.counts["properties_changed"]) == (0, 0)
    assert second.counts["points_new"] > ROWS / 4


def _from_elsewhere(sheet: Path) -> bytes:
    """The same rows in another layout, so that nothing is known by its link; and everybody has one number more."""
    with sheet.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    second_mobile = lines[0].index("SECONDARY MOBILE")
    for number, line in enumerate(lines[1:]):
        line[second_mobile] = f"05220{number:05}"
    return comma_separated([[*line, ""] for line in lines]).replace(b",\r\n", b",Remark\r\n", 1)


def _forget(superuser: psycopg.Connection, *, analyzed: bool) -> None:
    """The tables as after a migration; `analyzed` as autovacuum finds them then."""
    superuser.execute("SET allow_system_table_mods = on")
    for table in TABLES:
        superuser.execute(f"VACUUM (ANALYZE, TRUNCATE) {table}")
        superuser.execute("DELETE FROM pg_statistic WHERE starelid = %s::regclass", [table])
        if not analyzed:
            superuser.execute("UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = %s::regclass", [table])
