"""How much memory the import of a sheet takes over that of an idle worker, at two sizes four times apart.

    python -m benchmarks.import_memory [--sizes 50000 200000] [--kind csv] [--changed]

Each import runs in a process of its own: Django is set up and has asked the database something (idle), then the peak of
its resident memory (VmHWM, reset before) is taken while a generated sheet of units comes in, dirt and all; with --changed,
while the same sheet comes again with every row changed. Prints JSON: megabytes, seconds, growth.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.ground import own_servers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50_000, 200_000])
    parser.add_argument("--kind", choices=["csv", "xlsx"], default="csv")
    parser.add_argument("--changed", action="store_true", help="import it again, with every row changed (csv)")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(_import(options.alone)))
        return
    from benchmarks.import_units import Bench

    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=True))
        os.environ["MEDIA_ROOT"] = str(home / "media")
        bench = Bench(home)
        stack.callback(bench.close)
        report: dict[str, Any] = {"kind": options.kind, "sizes": {}}
        for size in options.sizes:
            bench.empty()
            sheet = home / f"sheet.{options.kind}"
            _generate(size, sheet)
            report["sizes"][size] = {"new": _alone(sheet)}
            if options.changed:
                report["sizes"][size]["every_row_changed"] = _alone(_change(sheet))
        first, last = (report["sizes"][size]["new"] for size in (options.sizes[0], options.sizes[-1]))
        report["growth"] = {
            name: round(last[name] / first[name], 2) for name in ("rows", "seconds", "peak_over_idle_mb")
        }
        print(json.dumps(report, indent=2))


def _generate(size: int, to: Path) -> None:
    command = [sys.executable, "-m", "sandbox.workbook", "--rows", str(size), "--out", str(to)]
    subprocess.run([*command, "--truth", os.devnull], check=True)


def _change(sheet: Path) -> Path:
    changed = sheet.with_name("changed.csv")
    with sheet.open(encoding="utf-8", newline="") as source, changed.open("w", encoding="utf-8", newline="") as to:
        reader = csv.DictReader(source)
        writer = csv.DictWriter(to, reader.fieldnames or [])
        writer.writeheader()
        writer.writerows(row | {"View": f"{row['View']} again"} for row in reader)
    return changed


def _alone(sheet: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.import_memory", "--alone", str(sheet)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _import(sheet: Path) -> dict[str, float]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from django.core.files import File
    from django.utils import timezone

    from core.actors import system
    from core.models import Organization
    from core.tenancy import organization_scope
    from sheets import services
    from sheets.models import ImportRun

    organization = Organization.objects.get()
    with organization_scope(organization.pk):
        with sheet.open("rb") as opened:
            run = services.create_import(
                actor=system(organization), file=File(opened), name=sheet.name, at=timezone.now()
            )
        ImportRun.objects.filter(pk=run.pk).update(status="queued")
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
        idle, began = _memory("VmRSS"), time.perf_counter()
        services.commit(organization=organization, run_id=run.pk, at=timezone.now())
        seconds, peak = time.perf_counter() - began, _memory("VmHWM")
        run.refresh_from_db()
    if run.status != "done":
        raise SystemExit(f"the import failed: {run.error}")
    return {
        "rows": run.counts["read"],
        "seconds": round(seconds, 1),
        "idle_mb": round(idle),
        "peak_mb": round(peak),
        "peak_over_idle_mb": round(peak - idle),
    }


def _memory(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    main()
