"""How fast a dirty sheet of units comes in, against a raw COPY of the very rows it ends as, into the same tables.

    python -m benchmarks.import_units [--sizes 5000 50000] [--rounds 3]

Each round: import a generated sheet (parsing, phone numbers, owners, row errors, links and all, one transaction), the
same file again, the same with 5 % of its rows changed; then the finished units, contacts, points and ownerships are
taken out as text, the tables emptied, and the text put back by COPY as a superuser (row-level security refuses COPY to
anyone else) with every index, key and trigger in place. Prints JSON: seconds, rows a second, ratios, growth.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from benchmarks.ground import own_servers

TABLES = ("crm_project", "crm_property", "crm_contact", "crm_contactpoint", "crm_ownership")
OURS = ("crm_historyentry", "sheets_importchange", "sheets_importcreation", "sheets_rowerror", "sheets_rowlink")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5000, 50000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="print where the time of the first import goes")
    options = parser.parse_args()
    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=True))
        os.environ["MEDIA_ROOT"] = str(home / "media")
        report: dict[str, Any] = {"cores": os.cpu_count(), "rounds": options.rounds, "sizes": {}}
        bench = Bench(home)
        stack.callback(bench.close)
        for size in options.sizes:
            rounds = [bench.round(size, options.profile and not number) for number in range(options.rounds)]
            report["sizes"][size] = _medians(rounds)
        if len(options.sizes) > 1:
            first, last = report["sizes"][options.sizes[0]], report["sizes"][options.sizes[-1]]
            report["growth"] = {
                "rows": options.sizes[-1] / options.sizes[0],
                "import": round(last["import_seconds"] / first["import_seconds"], 2),
                "copy": round(last["copy_seconds"] / first["copy_seconds"], 2),
            }
        report["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps(report, indent=2))


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    found = {name: round(statistics.median(each[name] for each in rounds), 3) for name in rounds[0]}
    found["rows_per_second"] = round(found["rows"] / found["import_seconds"])
    for name in ("import", "changed_5_percent", "unchanged"):
        ratios = [each[f"{name}_seconds"] / each["copy_seconds"] for each in rounds]
        found[f"{name}_to_copy"] = round(statistics.median(ratios), 2)
    return found


@contextmanager
def _profile() -> Iterator[None]:
    import cProfile
    import pstats

    with cProfile.Profile() as profiler:
        yield
    pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(30)


@contextmanager
def _statements() -> Iterator[None]:
    """Print the slowest statements, and how long the commit took (deferred keys and triggers)."""
    from django.db import connection

    took: Counter[str] = Counter()

    def timed(execute: Any, sql: str, *rest: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            took[" ".join(sql.split())[:90]] += time.perf_counter() - began  # type: ignore[assignment]

    commit = connection._commit

    def timed_commit() -> None:
        began = time.perf_counter()
        commit()
        took["COMMIT"] += time.perf_counter() - began  # type: ignore[assignment]

    connection._commit = timed_commit
    with connection.execute_wrapper(timed):
        yield
    connection._commit = commit
    for sql, seconds in took.most_common(25):
        print(f"{seconds:8.3f}  {sql}", file=sys.stderr)


class Bench:
    """One migrated database with one organisation, emptied before every round."""

    def __init__(self, home: Path) -> None:
        import django

        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        django.setup()
        from django.core.management import call_command

        from core.models import Organization
        from core.tenancy import organization_scope

        call_command("migrate", verbosity=0)
        self.home = home
        self.organization = Organization.objects.create(slug="bench", name="Bench")
        self.scope = organization_scope(self.organization.pk)
        self.scope.__enter__()

    def close(self) -> None:
        from django.db import connection

        self.scope.__exit__(None, None, None)
        connection.close()

    def round(self, size: int, profile: bool) -> dict[str, float]:
        path, changed = self.files(size)
        self.empty()
        result: dict[str, float] = {"rows": size, "import_seconds": self.import_file(path, profile)}
        result["unchanged_seconds"] = self.import_file(path)
        result["changed_5_percent_seconds"] = self.import_file(changed)
        texts = self.take_out()
        result["units"] = texts["crm_property"].count(b"\n")
        result["contact_points"] = texts["crm_contactpoint"].count(b"\n")
        self.empty()
        result["copy_seconds"] = self.put_back(texts)
        return result

    def files(self, size: int) -> tuple[Path, Path]:
        path, changed = self.home / f"{size}.csv", self.home / f"{size}-changed.csv"
        if not path.exists():
            command = [sys.executable, "-m", "sandbox.workbook", "--rows", str(size), "--out", str(path)]
            subprocess.run([*command, "--truth", str(self.home / "truth.json")], check=True)
            chance = random.Random(5)
            with (
                path.open(encoding="utf-8", newline="") as source,
                changed.open("w", encoding="utf-8", newline="") as to,
            ):
                reader = csv.DictReader(source)
                writer = csv.DictWriter(to, reader.fieldnames or [])
                writer.writeheader()
                writer.writerows(row | {"View": "Sea"} if chance.random() < 0.05 else row for row in reader)
        return path, changed

    def import_file(self, path: Path, profile: bool = False) -> float:
        """Seconds from the kept file to the commit."""
        from django.core.files import File
        from django.utils import timezone

        from core.actors import system
        from sheets import services
        from sheets.models import ImportRun

        actor = system(self.organization)
        with path.open("rb") as opened:
            run = services.create_import(actor=actor, file=File(opened), name=path.name, at=timezone.now())
        ImportRun.objects.filter(pk=run.pk).update(status="queued")
        began = time.perf_counter()
        if profile:
            with _profile(), _statements():
                services.commit(organization=self.organization, run_id=run.pk, at=timezone.now())
        else:
            services.commit(organization=self.organization, run_id=run.pk, at=timezone.now())
        seconds = time.perf_counter() - began
        run.refresh_from_db()
        if run.status != "done":
            raise SystemExit(f"the import failed: {run.error}")
        return seconds

    def superuser(self) -> Any:
        import psycopg
        from django.db import connection

        parts = urlsplit(os.environ["MAJLIS_SUPERUSER_URL"])
        name = connection.settings_dict["NAME"]
        return psycopg.connect(urlunsplit(parts._replace(path=f"/{name}")))

    def empty(self) -> None:
        with self.superuser() as connection:
            connection.execute("SET session_replication_role = replica")
            for table in (*OURS, *reversed(TABLES)):
                connection.execute(f"DELETE FROM {table}")
        with self.superuser() as connection:
            connection.autocommit = True
            for table in (*OURS, *TABLES):
                connection.execute(f"VACUUM (ANALYZE, TRUNCATE) {table}")

    def take_out(self) -> dict[str, bytes]:
        texts: dict[str, bytes] = {}
        with self.superuser() as connection, connection.cursor() as cursor:
            for table in TABLES:
                with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                    texts[table] = b"".join(bytes(block) for block in copy)
        return texts

    def put_back(self, texts: dict[str, bytes]) -> float:
        began = time.perf_counter()
        with self.superuser() as connection, connection.cursor() as cursor:
            for table, text in texts.items():
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(text)
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
