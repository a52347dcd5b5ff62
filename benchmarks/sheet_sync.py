"""What a sync of a linked sheet costs over reading it, when nothing changed and when something did.

    python -m benchmarks.sheet_sync [--sizes 5000 50000] [--rounds 5]

The sandbox serves a generated sheet in the master layout over HTTP as Google does; it is linked and synced once. Then
rounds of: the HTTP read alone (the same request, the same answer, parsed by the fastest parser there is), the tab as
gspread itself reads it (`Worksheet.get`, what a script does), our read with a comparison of
every row against the one before (the rival: what a script would do), and our sync of the unchanged sheet. At the end one
sync with 1 % of the rows changed there and 1 % changed here. Prints JSON: seconds (medians), ratios, growth.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from benchmarks.ground import own_servers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    from benchmarks.import_units import Bench
    from config.processes import Supervisor, free_port, sandbox

    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=True))
        os.environ["MEDIA_ROOT"] = str(home / "media")
        port = free_port()
        os.environ["SHEETS_API_URL"] = url = f"http://127.0.0.1:{port}"
        programs = stack.enter_context(Supervisor(logs=home / "logs"))
        programs.start("sandbox", sandbox(port)).wait_for_port(port)
        bench = Bench(home)
        stack.callback(bench.close)
        report: dict[str, Any] = {"cores": os.cpu_count(), "rounds": options.rounds, "sizes": {}}
        for size in options.sizes:
            bench.empty()
            report["sizes"][size] = _measure(url, size, options.rounds)
        first, last = (report["sizes"][size] for size in (options.sizes[0], options.sizes[-1]))
        report["growth"] = {name: round(last[name] / first[name], 2) for name in ("read_seconds", "sync_seconds")}
        print(json.dumps(report, indent=2))


def _measure(url: str, size: int, rounds: int) -> dict[str, float]:
    import gspread
    from django.utils import timezone
    from gspread.utils import ValueRenderOption

    from core.actors import system
    from core.models import Organization
    from core.tenancy import organization_scope
    from sheets.google import GoogleSheets, _Client
    from sheets.sync import linking, performing, requests

    _admin(url, "configure", {"quota": None})
    key = _admin(url, "accounts", {})
    book = {"rows": size, "seed": 7, "layout": "master", "title": "Sheet1"}
    made = _admin(
        url, "spreadsheets", {"title": "Stock", "shared_with": {key["client_email"]: "writer"}, "workbook": book}
    )
    tab_id = next(tab["id"] for tab in made["tabs"] if tab["title"] == "Sheet1")
    organization = Organization.objects.get()
    actor = system(organization)
    with organization_scope(organization.pk):
        account = linking.add_account(actor=actor, key=json.dumps(key), at=timezone.now())
        sheet = linking.link_sheet(actor=actor, account=account, address=made["id"], tab_id=tab_id, at=timezone.now())

        def sync() -> dict[str, int]:
            run = requests.request_sync(actor=actor, spreadsheet=sheet, at=timezone.now())
            assert run is not None
            performing.perform(organization=organization, run_id=run.pk, at=timezone.now())
            run.refresh_from_db()
            if run.status != "done":
                raise SystemExit(f"the sync failed: {run.error}")
            return dict(run.counts)

        first = _timed(sync)
        sync()
        google = GoogleSheets(account.key)

        def read() -> list[list[Any]]:
            tab = google.document(made["id"]).tab(tab_id)
            return google.rows(made["id"], tab, 1, tab.rows)

        known = read()
        rival = gspread.Client(None, session=google._client.session, http_client=_Client)

        def get() -> list[list[Any]]:
            tab = rival.open_by_key(made["id"]).get_worksheet_by_id(tab_id)
            return list(tab.get(value_render_option=ValueRenderOption.unformatted))

        def compare() -> int:
            return sum(row != before for row, before in zip(read(), known, strict=True))

        reads, gets, compares, syncs = [], [], [], []
        for _ in range(rounds):
            reads.append(_timed(read)[0])
            gets.append(_timed(get)[0])
            compares.append(_timed(compare)[0])
            syncs.append(_timed(sync)[0])
        _change(url, made["id"], size)
        changed = _timed(sync)
    took = statistics.median(reads)
    return {
        "first_sync_seconds": round(first[0], 2),
        "read_seconds": round(took, 3),
        "gspread_seconds": round(statistics.median(gets), 3),
        "sync_to_gspread": round(statistics.median(syncs) / statistics.median(gets), 2),
        "compare_seconds": round(statistics.median(compares), 3),
        "sync_seconds": round(statistics.median(syncs), 3),
        "sync_to_read": round(statistics.median(syncs) / took, 2),
        "compare_to_read": round(statistics.median(compares) / took, 2),
        "changed_sync_seconds": round(changed[0], 2),
        "changed_rows": changed[1]["changed"],
        "written_cells": changed[1]["written"],
    }


def _change(url: str, document: str, size: int) -> None:
    """One row in a hundred there, and another one in a hundred here."""
    from django.utils import timezone

    from crm.models import Property

    cells = {f"J{row}": f"View {row}" for row in range(2, size + 2, 100)}
    _admin(
        url, f"spreadsheets/{document}/people", {"by": "reem@office.example", "ops": [{"op": "set", "cells": cells}]}
    )
    ids = list(Property.objects.order_by("pk").values_list("pk", flat=True)[50::100])
    Property.objects.filter(pk__in=ids).update(layout="ZZ-1", updated_at=timezone.now())


def _admin(url: str, path: str, body: Any) -> Any:
    request = urllib.request.Request(f"{url}/_sandbox/sheets/{path}", data=json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.loads(answer.read())


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


if __name__ == "__main__":
    main()
