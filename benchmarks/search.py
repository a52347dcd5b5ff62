"""Search and lists of units over a city, against the bare index scan, ILIKE and OFFSET, at two sizes ten times apart.

    python -m benchmarks.search [--sizes 100000 1000000] [--rounds 3] [--slow 200]

Starts its own PostgreSQL and fills three houses (benchmarks/search_stock.py); the first one, seven tenths of the units,
is measured. Every question of benchmarks/search_questions.py is asked as majlis_app behind row-level security: of the two
functions alone, and at the door (GET /api/v1/<house>/search/); by a manager, and by an agent who sees 3 projects of 100.
Beside it in the same round: the same words looked up in the same indexes by a superuser whom no wall binds, and, once,
ILIKE over the columns. Then the lists: pages by key and by OFFSET, every filter, counts (benchmarks/search_lists.py).
Prints JSON: milliseconds (the median of the rounds for each question; p50, p95 and the worst over the questions of a kind);
the same of the processor time that PostgreSQL's process took (`_cpu`, on Linux), which a busy machine does not blur, and
from which the ratios are made; growth; and on stderr the statements of lists that took more than --slow milliseconds, with their plans.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import search_lists, search_stock
from benchmarks.ground import own_servers
from benchmarks.search_questions import Office, questions, staff

MOST = 51
SIDES = ("functions", "functions_agent", "door", "door_agent", "index", "ilike")
ON_CPU = ("functions", "functions_agent", "index", "ilike")
UNIT_COLUMNS = (
    "p_number", "registration", "municipality_number", "plot_number", "unit_number", "dewa_number", "building", "cluster",
)  # fmt: skip
BY_ILIKE = ("unit number", "P-number", "phone", "owner, whole name", "common word", "nonsense")
UNIT_WORDS = "p.search_text"
CONTACT_WORDS = "c.search_text"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--slow", type=float, default=200, help="milliseconds from which a list's statement is explained"
    )
    options = parser.parse_args()
    os.environ["LOG_LEVEL"] = "ERROR"

    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=False))
        os.environ["MEDIA_ROOT"] = str(home / "media")
        import django
        import psycopg

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        superuser = stack.enter_context(psycopg.connect(os.environ["MAJLIS_SUPERUSER_URL"], autocommit=True))
        report: dict[str, Any] = {"cores": os.cpu_count(), "rounds": options.rounds, "sizes": {}}
        for size in options.sizes:
            began = time.perf_counter()
            house = fill(superuser, size)
            filled = round(time.perf_counter() - began, 1)
            report["sizes"][size] = {"filled_seconds": filled, "load": os.getloadavg()[0]}
            report["sizes"][size] |= measure(house, superuser, options.rounds, options.slow)
            report["sizes"][size]["seconds"] = round(time.perf_counter() - began, 1)
        if len(options.sizes) > 1:
            report["growth"] = growth(report["sizes"][options.sizes[0]], report["sizes"][options.sizes[-1]])
        print(json.dumps(report, indent=2, ensure_ascii=False))


def fill(superuser: Any, size: int) -> Any:
    """Three new houses with so many units in all, in emptied tables. Returns the first."""
    from core.models import Organization

    superuser.execute("SET session_replication_role = replica")
    superuser.execute(f"TRUNCATE {', '.join(search_stock.TABLES)} RESTART IDENTITY CASCADE")
    houses = [Organization.objects.create(slug=f"house-{size}-{n}", name=f"House {n}") for n in range(3)]
    search_stock.build(superuser, [house.pk for house in houses], size)
    return houses[0]


def measure(house: Any, superuser: Any, rounds: int, slow: float) -> dict[str, Any]:
    from core.tenancy import organization_scope

    with organization_scope(house.pk):
        office = staff(house, superuser)
    superuser.execute("RESET enable_nestloop")
    superuser.execute("SET enable_seqscan = off")  # the index scan is what is asked for
    superuser.execute("SET enable_indexscan = off")
    asked = questions(superuser, house.pk)
    found = {"search": boxes(office, superuser, asked, rounds)}
    with organization_scope(house.pk):
        found["lists"] = search_lists.measure(office, rounds, slow)
    return found


# ── the box ───────────────────────────────────────────────────────────────────


def boxes(office: Office, superuser: Any, asked: dict[str, list[str]], rounds: int) -> dict[str, Any]:
    took: dict[str, dict[str, dict[str, float]]] = {}
    for kind, texts in asked.items():
        # ILIKE takes seconds: the first of some kinds is enough
        took[kind] = {
            text: _ask(office, superuser, text, rounds, number == 0 and kind in BY_ILIKE)
            for number, text in enumerate(texts)
        }
    everything = {f"{kind}: {text}": times for kind, each in took.items() for text, times in each.items()}
    kinds = {kind: _summary(each) for kind, each in took.items()}
    return {"questions": len(everything), "all": _summary(everything), "kinds": kinds}


def _summary(took: dict[str, dict[str, float]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for side in (*SIDES, *(f"{side}_cpu" for side in ON_CPU)):
        by_text = sorted((times[side], text) for text, times in took.items() if side in times)
        if not by_text:
            continue
        found[side] = {
            "p50": round(statistics.median(ms for ms, _text in by_text), 2),
            "p95": by_text[math.ceil(0.95 * len(by_text)) - 1][0],
            "worst": by_text[-1][0],
            "worst_text": by_text[-1][1],
        }
    for side in ("functions", "functions_agent"):
        for mark in ("p50", "p95"):
            found[f"{side}_to_index_{mark}"] = round(found[f"{side}_cpu"][mark] / found["index_cpu"][mark], 2)
    if "ilike" in found:
        found["ilike_to_functions_p50"] = round(found["ilike_cpu"]["p50"] / found["functions_cpu"]["p50"], 1)
    return found


def _ask(office: Office, superuser: Any, text: str, rounds: int, is_ilike_too: bool = False) -> dict[str, float]:
    from django.db import connection
    from django.test import Client

    from core.tenancy import organization_scope
    from crm.selectors.numbers import reads_numbers
    from crm.selectors.search import _reach

    house = office.organization.pk
    with organization_scope(house):
        reaches = {actor: _reach(actor) for actor in (office.manager, office.agent)}
    by_index, by_ilike = (_statements(superuser, house, text, is_ilike) for is_ilike in (False, True))

    def functions(actor: Any) -> Callable[[], None]:
        reach, whole = reaches[actor], reads_numbers(actor)

        def work() -> None:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT id, tier FROM majlis_search_units(%s, %s, %s, %s)",
                    [text, reach.projects, reach.units, MOST],
                )
                cursor.fetchall()
                cursor.execute(
                    "SELECT id, tier FROM majlis_search_contacts(%s, %s, '971', %s, %s, %s, %s)",
                    [text, whole, reach.members, reach.projects, reach.units, MOST],
                )
                cursor.fetchall()

        return work

    def door(actor: Any) -> Callable[[], None]:
        client = Client()
        client.force_login(actor.user)
        address = f"/api/v1/{office.organization.slug}/search/"

        def work() -> None:
            if client.get(address, {"q": text}).status_code != 200:
                raise SystemExit(f"the search for {text!r} failed")

        return work

    def index() -> None:
        for statement, values in by_index:
            superuser.execute(statement, values).fetchall()

    def ilike() -> None:
        with connection.cursor() as cursor:
            for statement, values in by_ilike:
                cursor.execute(statement, values)
                cursor.fetchall()

    doors = {"door": door(office.manager), "door_agent": door(office.agent)}
    inside = {"functions": functions(office.manager), "functions_agent": functions(office.agent), "index": index}
    took: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 1):  # the first one warms
        with organization_scope(house):
            servers = {side: superuser if side == "index" else connection.connection for side in (*inside, "ilike")}
            asked = inside | ({"ilike": ilike} if number == 1 and is_ilike_too else {})
            measured = {}
            for side, work in asked.items():
                before = _on_cpu(servers[side])
                measured[side] = milliseconds(work)
                measured[f"{side}_cpu"] = _on_cpu(servers[side]) - before
        if number:
            measured |= {side: milliseconds(work) for side, work in doors.items()}
            for side, ms in measured.items():
                took[side].append(ms)
    return {side: round(statistics.median(times), 2) for side, times in took.items()}


def _on_cpu(server: Any) -> float:
    """Milliseconds that the process of this connection has spent on a processor."""
    nanoseconds = Path(f"/proc/{server.info.backend_pid}/schedstat").read_text().split()[0]
    return int(nanoseconds) / 1_000_000


def _statements(superuser: Any, house: int, text: str, is_ilike: bool) -> list[tuple[str, list[Any]]]:
    """The plain way to look every word up among units and among contacts, by the indexes or by ILIKE."""
    (spaced,) = superuser.execute("SELECT btrim(majlis_spaced(%s))", [text]).fetchone()
    words = spaced.split()[:6]
    digits = re.sub(r"\D", "", text).lstrip("0")
    is_number = re.fullmatch(r"[\d\s+().\-/]+", text) is not None and len(digits) >= 4
    of_units = "SELECT p.id FROM crm_property p WHERE p.organization_id = %s AND p.deleted_at IS NULL"
    of_contacts = "SELECT c.id FROM crm_contact c WHERE c.organization_id = %s AND c.deleted_at IS NULL"
    of_points = "SELECT k.contact_id FROM crm_contactpoint k WHERE k.organization_id = %s AND k.deleted_at IS NULL"
    many = f" LIMIT {MOST}"
    if is_ilike:
        any_column = " AND (" + " OR ".join(f"p.{name} ILIKE %s" for name in UNIT_COLUMNS) + ")"
        unit_values = [f"%{word}%" for word in words for _name in UNIT_COLUMNS]
        statements = [(of_units + any_column * len(words) + many, [house, *unit_values])]
        if is_number or "@" in text:
            wanted = f"%{digits if is_number else text}%"
            return [*statements, (f"{of_points} AND k.value ILIKE %s{many}", [house, wanted])]
        like = " AND c.display_name ILIKE %s" * len(words)
        return [*statements, (of_contacts + like + many, [house, *(f"%{word}%" for word in words)])]
    # of less than three letters no trigram can be made: such a word is looked up where one begins
    patterns = [f"o{house}o %{'' if len(word) > 2 else ' '}{word}%" for word in words]
    statements = [(of_units + f" AND {UNIT_WORDS} LIKE %s" * len(words) + many, [house, *patterns])]
    if is_number:
        return [*statements, (f"{of_points} AND reverse(k.value) LIKE %s{many}", [house, f"{digits[::-1]}%"])]
    if "@" in text:
        return [*statements, (f"{of_points} AND k.value LIKE %s{many}", [house, f"{text}%"])]
    return [*statements, (of_contacts + f" AND {CONTACT_WORDS} LIKE %s" * len(words) + many, [house, *patterns])]


def milliseconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return round((time.perf_counter() - began) * 1000, 2)


def growth(first: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    """How many times longer the last size takes than the first."""
    ours, theirs = last["search"]["all"], first["search"]["all"]
    lists = {
        f"{who}: {name}": round(times["page_ms"] / first["lists"][who][name]["page_ms"], 1)
        for who, each in last["lists"].items()
        for name, times in each.items()
    }
    sides = [side for side in ours if isinstance(ours[side], dict) and side in theirs]
    return {"search_p95": {side: round(ours[side]["p95"] / theirs[side]["p95"], 2) for side in sides}, "lists": lists}


if __name__ == "__main__":
    main()
    sys.exit(0)
