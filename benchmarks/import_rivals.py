"""The import of a sheet of units beside django-import-export, and beside a raw COPY, all into the same tables.

    python -m benchmarks.import_rivals [--sizes 500 5000 50000] [--default-up-to 5000] [--rounds 1]

A generated sheet in the master layout comes in by our import: from the kept file to the commit, dirt, numbers, owners, row
errors and all. Then again with 5 % of its rows changed. The units, contacts, points and ownerships that it became are
written out as four clean files, and the tables emptied. django-import-export takes these in: nothing is left for it to
read out of cells, to tell apart or to report. It has a resource for each table, written for speed: primary keys are given,
keys to other tables are plain numbers, so that no row costs a look-up of another. Twice each, new and with 5 % of the units
changed:

- default: the settings of a ModelResource as they are
- tuned: use_bulk, CachedInstanceLoader, skip_unchanged, skip_html_diff, report_skipped off: what its documentation offers

COPY puts the four files back as they are, as a superuser, with every index, key and trigger in place. The default takes
minutes for what takes us seconds: it runs up to --default-up-to rows, and its growth from size to size is printed.
Also: reading a workbook of each size with python-calamine, and with openpyxl where that is installed (it is not locked).
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import json
import os
import random
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

from benchmarks.ground import own_servers
from benchmarks.import_units import Bench

UNITS, CONTACTS, POINTS, OWNERSHIPS = "crm_property", "crm_contact", "crm_contactpoint", "crm_ownership"
COLUMNS = {
    CONTACTS: "id organization_id kind display_name first_name last_name normalized_name nationality address source",
    UNITS: (
        "id organization_id project_id property_type_id p_number registration municipality_number plot_number unit_number "
        "building cluster dewa_number floor layout view rooms bedrooms bathrooms area_sqm asking_price_minor currency "
        "price_note purpose status latitude longitude description extra"
    ),
    POINTS: "id organization_id contact_id kind value raw country line_type status is_primary notes",
    OWNERSHIPS: "id organization_id property_id contact_id is_primary",
}
TUNED = {
    "use_bulk": True,
    "skip_unchanged": True,
    "skip_html_diff": True,
    "report_skipped": False,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 5000, 50_000])
    parser.add_argument("--default-up-to", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=True))
        os.environ["MEDIA_ROOT"] = str(home / "media")
        bench = Bench(home)
        stack.callback(bench.close)
        with bench.superuser() as connection:  # django-import-export sets the sequences after each import
            connection.execute("GRANT UPDATE ON ALL SEQUENCES IN SCHEMA public TO PUBLIC")
        sizes: dict[int, dict[str, Any]] = {}
        for size in options.sizes:
            rounds = [_round(bench, size, size <= options.default_up_to) for _ in range(options.rounds)]
            sizes[size] = _summary(rounds)
            print(f"{size} rows: done", file=sys.stderr)
        report = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "rounds": options.rounds, "sizes": sizes}
        print(json.dumps(report | {"growth": _growth(sizes)}, indent=2))


def _round(bench: Bench, size: int, with_default: bool) -> dict[str, float]:
    path, changed = bench.files(size)
    bench.empty()
    found = {"rows": size, "ours_new": bench.import_file(path), "ours_unchanged": bench.import_file(path)}
    found["ours_5_percent"] = bench.import_file(changed)
    texts, files = bench.take_out(), _files(bench)
    found["rows_in_tables"] = sum(text.count(b"\n") for text in texts.values())
    bench.empty()
    found["copy"] = bench.put_back(texts)
    for name in ["tuned", *["default"] * with_default]:
        bench.empty()
        bench.put_back({"crm_project": texts["crm_project"]})
        found[f"{name}_new"] = _rival(files, name == "tuned", texts)
        found[f"{name}_5_percent"] = _rival(files | {UNITS: _changed(files[UNITS])}, name == "tuned", texts)
    return found | _workbook(bench, size)


def _summary(rounds: list[dict[str, float]]) -> dict[str, Any]:
    seconds = {name: round(statistics.median(each[name] for each in rounds), 2) for name in rounds[0]}
    ratios = {}
    for ours, rival, name in (
        ("ours_new", "default_new", "new_faster_than_default"),
        ("ours_new", "tuned_new", "new_faster_than_tuned"),
        ("ours_5_percent", "default_5_percent", "5_percent_faster_than_default"),
        ("ours_5_percent", "tuned_5_percent", "5_percent_faster_than_tuned"),
        ("copy", "ours_new", "new_to_copy"),
        ("copy", "ours_5_percent", "5_percent_to_copy"),
        ("copy", "ours_unchanged", "unchanged_to_copy"),
        ("calamine", "openpyxl", "calamine_faster_than_openpyxl"),
    ):
        if ours in seconds and rival in seconds:
            ratios[name] = round(statistics.median(each[rival] / each[ours] for each in rounds), 2)
    return {"seconds": seconds, "ratios": ratios}


def _growth(sizes: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """How much longer each takes from one size to the next, where it ran at both."""
    pairs = zip(sizes, list(sizes)[1:], strict=False)
    return {
        f"{small} to {large}": {
            name: round(seconds / sizes[small]["seconds"][name], 1)
            for name, seconds in sizes[large]["seconds"].items()
            if name in sizes[small]["seconds"]
        }
        for small, large in pairs
    }


def _files(bench: Bench) -> dict[str, str]:
    """The finished rows of each table, as somebody would hand them to django-import-export."""
    files: dict[str, str] = {}
    with bench.superuser() as connection, connection.cursor() as cursor:
        for table, columns in COLUMNS.items():
            wanted = columns.replace(" ", ", ").replace("is_primary", "is_primary::int")
            with cursor.copy(f"COPY (SELECT {wanted} FROM {table} ORDER BY id) TO STDOUT (FORMAT csv, HEADER)") as copy:
                files[table] = b"".join(bytes(block) for block in copy).decode()
    return files


def _changed(text: str) -> str:
    chance, to = random.Random(5), io.StringIO(newline="")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    writer = csv.DictWriter(to, reader.fieldnames or [])
    writer.writeheader()
    writer.writerows(row | {"view": "Marina"} if chance.random() < 0.05 else row for row in reader)
    return to.getvalue()


def _rival(files: dict[str, str], tuned: bool, texts: dict[str, bytes]) -> float:
    """Seconds that the four files take, from their text to the last commit."""
    from django.apps import apps
    from tablib import Dataset

    models = {model._meta.db_table: model for model in apps.get_models()}
    began = time.perf_counter()
    for table, columns in COLUMNS.items():
        dataset = Dataset().load(files[table], format="csv")
        _resource(models[table], columns.split(), tuned)().import_data(dataset, raise_errors=True)
    seconds = time.perf_counter() - began
    for table in COLUMNS:
        found, wanted = models[table]._default_manager.count(), texts[table].count(b"\n")
        if found != wanted:
            raise SystemExit(f"django-import-export made {found} rows of {table}, not {wanted}")
    return seconds


def _resource(model: Any, columns: list[str], tuned: bool) -> Any:
    from import_export.fields import Field
    from import_export.instance_loaders import CachedInstanceLoader
    from import_export.resources import modelresource_factory
    from import_export.widgets import IntegerWidget

    keys = [name for name in columns if name.endswith("_id")]
    meta: dict[str, Any] = {"fields": columns}
    if tuned:
        meta |= TUNED | {"instance_loader_class": CachedInstanceLoader}
    fields = {name: Field(attribute=name, column_name=name, widget=IntegerWidget()) for name in keys}
    return modelresource_factory(model, meta_options=meta, custom_fields=fields)


def _workbook(bench: Bench, size: int) -> dict[str, float]:
    """Seconds to read every cell of a workbook."""
    path = bench.home / f"{size}.xlsx"
    if not path.exists():
        command = [sys.executable, "-m", "sandbox.workbook", "--rows", str(size), "--out", str(path)]
        subprocess.run([*command, "--truth", os.devnull], check=True)
    from sheets.files import open_source

    began = time.perf_counter()
    rows = sum(1 for _ in open_source(path).rows)
    found = {"calamine": time.perf_counter() - began}
    if importlib.util.find_spec("openpyxl"):
        import openpyxl

        began = time.perf_counter()
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        if sum(1 for _ in book.active.iter_rows(values_only=True)) != rows:
            raise SystemExit("openpyxl read another number of rows")
        found["openpyxl"] = time.perf_counter() - began
    return found


if __name__ == "__main__":
    main()
