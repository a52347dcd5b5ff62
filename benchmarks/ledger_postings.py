"""Postings a second: our service, against the same function called by psycopg with a prepared statement.

    python -m benchmarks.ledger_postings [--seconds 5] [--size 10000]

Starts its own PostgreSQL (durable, as in production), fills a house with accounts, and posts transfers of two entries:
spread over the accounts, on one hot account, and in batches of 500; the last pair is against inserting one row into a
table without indexes. "other" is the raw side. Prints JSON with the medians and the ratios, at
two sizes of the books ten times apart.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RUNS = 5
ACCOUNTS = 1000
BATCH = 500
AT = datetime(2026, 1, 1, tzinfo=UTC)


def rate(work: Callable[[int], int], seconds: float) -> float:
    """Units of work a second."""
    done, number, start = 0, 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        done += work(number)
        number += 1
    return done / elapsed


def measure(seconds: float, size: int) -> dict[str, Any]:
    import psycopg
    from django.conf import settings
    from django.db import connection

    from core.actors import system
    from core.models import Organization
    from core.tenancy import organization_scope
    from ledger import selectors, services, verification
    from ledger.models import Account, AccountKind, Entry
    from ledger.postings import Line, NewAccount, Posting
    from ledger.services import POST

    organization = Organization.objects.create(slug=f"bench-{size}", name="Bench")
    actor = system(organization)
    chance = random.Random(7)
    wanted = settings.DATABASES["default"]
    raw = psycopg.connect(
        host=wanted["HOST"], port=wanted["PORT"], user=wanted["USER"], password=wanted["PASSWORD"], dbname=wanted["NAME"],
        autocommit=True,
    )  # fmt: skip
    raw.execute("SELECT set_config('majlis.organization', %s, false)", [str(organization.pk)])
    names = iter(range(10**9))

    def one(hot: bool) -> Posting:
        debit, credit = chance.sample(ids, 2)
        debit = ids[0] if hot else debit
        credit = ids[1] if hot and credit == debit else credit
        amount = chance.randint(1, 10_000)
        return Posting(f"b{next(names)}", "bench", "AED", AT.date(), [Line(debit, amount), Line(credit, -amount)])

    def ours(hot: bool) -> Callable[[int], int]:
        return lambda _: len([services.post(actor=actor, posting=one(hot), at=AT)])

    def bare(hot: bool) -> Callable[[int], int]:
        def work(_: int) -> int:
            made = one(hot)
            raw.execute(
                POST,
                [organization.pk, None, AT, [made.reference], ["bench"], ["AED"], [made.effective_on], [None], [1, 1],
                 [line.account_id for line in made.lines], [line.amount_minor for line in made.lines]],
                prepare=True,
            )  # fmt: skip
            return 1

        return work

    def insert(_: int) -> int:
        """The least that any durable write costs here: one row, one commit."""
        raw.execute("INSERT INTO bench_floor VALUES (1)", prepare=True)
        return 1

    def batch(hot: bool) -> Callable[[int], int]:
        return lambda _: len(services.post_many(actor=actor, postings=[one(hot) for _ in range(BATCH)], at=AT))

    with organization_scope(organization.pk):
        new = [NewAccount(f"a{number}", "A", AccountKind.ASSET, "AED") for number in range(ACCOUNTS)]
        ids = [account.pk for account in services.open_accounts(actor=actor, accounts=new, at=AT).values()]
        while next(names) < size:
            services.post_many(actor=actor, postings=[one(next(names) % 2 == 0) for _ in range(BATCH)], at=AT)
        connection.cursor().execute("SELECT 1")
        sides = {
            "spread": (ours(False), bare(False)), "hot": (ours(True), bare(True)),
            "batch_spread": (batch(False), bare(False)), "batch_hot": (batch(True), bare(True)),
            "spread_against_one_row_insert": (ours(False), insert),
        }  # fmt: skip
        found: dict[str, Any] = {}
        for name, (our, their) in sides.items():
            pairs = [(rate(our, seconds), rate(their, seconds)) for _ in range(RUNS)]  # alternating, on a noisy machine
            our_rate, their_rate = (statistics.median(side) for side in zip(*pairs, strict=True))
            found[name] = {
                "ours_per_second": round(our_rate),
                "other_per_second": round(their_rate),
                "ratio": round(statistics.median(mine / other for mine, other in pairs), 2),
            }
        entries = Entry.objects.count()
        hot_account = Account.objects.get(pk=ids[0])
        timings = {}
        reads: dict[str, Callable[[], Any]] = {
            "balance_ms": lambda: selectors.balance(actor=actor, account_id=ids[0]),
            "statement_page_ms": lambda: selectors.statement(actor=actor, account=hot_account, limit=50),
        }
        for name, read in reads.items():
            read()
            start = time.perf_counter()
            for _ in range(50):
                read()
            timings[name] = round((time.perf_counter() - start) / 50 * 1000, 2)
        start = time.perf_counter()
        verdict = verification.verify(organization)
        timings["verify_seconds"] = round(time.perf_counter() - start, 2)
        if verdict.findings:
            raise SystemExit(f"the ledger is not as written: {verdict.findings[:3]}")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_total_relation_size('ledger_entry') / (SELECT count(*) FROM ledger_entry)")
            bytes_per_entry = cursor.fetchone()[0]
    raw.close()
    return {"entries": entries, "hot_account_entries": hot_account.last_sequence, **found, **timings,
            "bytes_per_entry_with_indexes": bytes_per_entry}  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=3)
    asked.add_argument("--size", type=int, default=10_000, help="transfers in the books; also run at ten times it")
    options = asked.parse_args()
    os.environ["MAJLIS_ENV"] = "test"
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from config.embedded import services

    with tempfile.TemporaryDirectory() as folder, services(Path(folder), durable=True) as running:
        os.environ.update(running.env)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        with connections["owner"].cursor() as cursor:
            cursor.execute("CREATE TABLE bench_floor (one integer); GRANT INSERT ON bench_floor TO PUBLIC")
        sizes = [measure(options.seconds, options.size), measure(options.seconds, 10 * options.size)]
    print(json.dumps({"ledger_postings": sizes}, indent=2))


if __name__ == "__main__":
    main()
