"""How many queries each list costs, at 5 rows a page and at 50, over a house with an imported workbook.

    python -m benchmarks.queries_per_page [--rows 2000]

Every list of the API, the back office and the agents' pages, found from the routes; a manager looks. Prints JSON by
address: queries at 5 rows, at 50, and the milliseconds of the second. A list whose count grows is named at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.ground import own_servers, set_up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    options = parser.parse_args()
    os.environ["LOG_LEVEL"] = "ERROR"

    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=False))
        os.environ["MEDIA_ROOT"] = str(home / "media")
        set_up()
        report = measure(home, options.rows)
        growing = [path for path, found in report.items() if found["queries_50"] > found["queries_5"]]
        print(json.dumps({"rows": options.rows, "lists": report, "growing": growing}, indent=2))


def measure(home: Path, rows: int) -> dict[str, dict[str, Any]]:
    """Queries by address, for a manager of a house with `rows` imported rows."""
    from django.test import Client

    from config.demo.cast import gather
    from core.tenancy import organization_scope

    cast = gather()
    with organization_scope(cast.organization.pk):
        _fill(cast, home, rows)
    client = Client()
    client.force_login(cast.member("aisha").user)
    found = {}
    for path in _lists(cast.organization.slug):
        small = _count(client, f"{path}?page_size=5" if "/api/" in path else path)
        large = _count(client, f"{path}?page_size=50" if "/api/" in path else path)
        if small is not None and large is not None:
            found[path] = {"queries_5": small[0], "queries_50": large[0], "milliseconds": large[1]}
    return found


def _fill(cast: Any, home: Path, rows: int) -> None:
    from django.core.files import File
    from django.utils import timezone

    from sheets import services

    book = home / "book.xlsx"
    subprocess.run(
        [sys.executable, "-m", "sandbox.workbook", "--rows", str(rows), "--out", str(book)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with book.open("rb") as stream:
        run = services.create_import(
            actor=cast.actor("mona"), file=File(stream, name=book.name), name=book.name, at=timezone.now()
        )
    services.request_commit(actor=cast.actor("mona"), run=run, at=timezone.now())
    services.commit(organization=cast.organization, run_id=run.pk, at=timezone.now())


def _lists(slug: str) -> list[str]:
    """Addresses that need no row to be named."""
    from django.urls import URLPattern, URLResolver, get_resolver

    def walk(resolver: URLResolver, before: str) -> list[str]:
        paths = []
        for pattern in resolver.url_patterns:
            text = before + str(pattern.pattern).replace("^", "").replace("$", "").replace("\\Z", "")
            if isinstance(pattern, URLResolver):
                paths += walk(pattern, text)
            elif isinstance(pattern, URLPattern):
                paths.append(text)
        return paths

    named = [path.replace("<slug:organization>", slug) for path in walk(get_resolver(), "")]
    plain = sorted({path for path in named if "<" not in path and "(" not in path and path.endswith("/")})
    skip = ("add/", "stream/", "jsi18n/", "autocomplete/", "logout/", "login/", "password", "sign-", "language/")
    inside = [path for path in plain if not any(each in path for each in skip)]
    return [
        f"/o/{slug}/{path}" if path.startswith("admin/") else f"/{path}"
        for path in inside
        if path.startswith(("api/v1/", "o/", "admin/"))
    ]


def _count(client: Any, path: str) -> tuple[int, float] | None:
    """Queries and milliseconds of one GET; None when it is not a list to look at."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        began = time.perf_counter()
        answer = client.get(path)
        took = round((time.perf_counter() - began) * 1000, 1)
    return (len(queries), took) if answer.status_code == 200 else None


if __name__ == "__main__":
    main()
