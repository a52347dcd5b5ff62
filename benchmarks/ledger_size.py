"""Books of 10,000,000 entries beside books of 10,000: balance, statement, trial balance, verification, posting, bytes.

    python -m benchmarks.ledger_size [--entries 10000000]

Starts its own PostgreSQL in a temporary folder (about 4 GB). A house with 1,000 accounts, of which one is in a tenth of the
transfers, over three years. The entries are written by a superuser with the triggers switched off, and with the same chain
of hashes that ledger_post makes; then `verify` walks all of it, and would say if one were wrong. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ACCOUNTS = 1000
AT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST_DAY, DAYS = date(2023, 1, 1), 1095
BATCH = 250_000  # transfers
RUNS = 30

# A transfer's accounts and amount follow from its number: every tenth debits account 0, the hot one.
TRANSFERS = """
INSERT INTO ledger_transfer (id, organization_id, reference, description, currency, effective_on, posted_at, fingerprint)
SELECT n.id, %(house)s, 'b' || n.id, 'bench', 'AED', n.day, %(at)s,
       sha256(convert_to(jsonb_build_array('b' || n.id, 'bench', 'AED', n.day, NULL::bigint, jsonb_build_array(
           jsonb_build_array(n.debit, n.amount), jsonb_build_array(n.credit, -n.amount)))::text, 'UTF8'))
  FROM bench_numbers n WHERE n.id BETWEEN %(first)s AND %(last)s ORDER BY n.id
"""
NUMBERS = """
CREATE TEMPORARY VIEW bench_numbers AS
SELECT {base} + g AS id, {first} + g %% {accounts} * CASE WHEN g %% 10 = 0 THEN 0 ELSE 1 END AS debit,
       {first} + (g %% {accounts} + 1 + g %% 7) %% {accounts} AS credit,
       1 + g %% 9973 AS amount, DATE '{day}' + (g * {days} / {total})::integer AS day
  FROM generate_series(1::bigint, {total}) g
"""
ENTRIES = """
WITH lines AS (
    SELECT t.id AS transfer, t.fingerprint, t.effective_on, l.account, l.amount, l.place
      FROM bench_numbers n JOIN ledger_transfer t ON t.id = n.id
     CROSS JOIN LATERAL (VALUES (n.debit, n.amount, 1), (n.credit, -n.amount, 2)) AS l(account, amount, place)
     WHERE n.id BETWEEN %(first)s AND %(last)s
), numbered AS (
    SELECT l.*, a.last_hash, a.last_sequence + row_number() OVER w AS sequence,
           (a.balance_minor + sum(l.amount) OVER w)::bigint AS balance
      FROM lines l JOIN ledger_account a ON a.id = l.account
    WINDOW w AS (PARTITION BY l.account ORDER BY l.transfer, l.place)
), chained AS MATERIALIZED (
    SELECT n.*, ledger_chain(n.last_hash, concat_ws('|', n.sequence, n.amount, n.balance, n.transfer,
               encode(n.fingerprint, 'hex'), 0, (extract(epoch FROM %(at)s::timestamptz) * 1000000)::bigint))
               OVER (PARTITION BY n.account ORDER BY n.sequence) AS hash
      FROM numbered n
), written AS (
    INSERT INTO ledger_entry (organization_id, transfer_id, account_id, amount_minor, sequence, balance_after_minor,
                              effective_on, at, hash)
    SELECT %(house)s, transfer, account, amount, sequence, balance, effective_on, %(at)s, hash
      FROM chained ORDER BY transfer, place
)
UPDATE ledger_account a SET balance_minor = c.balance, last_sequence = c.sequence, last_hash = c.hash
  FROM (SELECT DISTINCT ON (account) * FROM chained ORDER BY account, sequence DESC) c WHERE a.id = c.account
"""


def write(superuser: str, house: int, first_account: int, transfers: int) -> float:
    """Fill the books; returns seconds."""
    import psycopg

    started = time.perf_counter()
    with psycopg.connect(superuser, autocommit=True) as raw:
        raw.execute("SET session_replication_role = replica")  # no trigger, no foreign key
        raw.execute("SET work_mem = '256MB'")
        row = raw.execute("SELECT COALESCE(max(id), 0) FROM ledger_transfer").fetchone()
        base = int(row[0]) if row else 0
        raw.execute(
            NUMBERS.replace("%%", "%").format(
                base=base, first=first_account, accounts=ACCOUNTS, day=FIRST_DAY, days=DAYS, total=transfers
            )
        )
        for start in range(base + 1, base + transfers + 1, BATCH):
            asked: dict[str, Any] = {
                "house": house,
                "at": AT,
                "first": start,
                "last": min(start + BATCH - 1, base + transfers),
            }
            raw.execute(TRANSFERS, asked)
            raw.execute(ENTRIES, asked)
            print(f"{asked['last'] - base:,} transfers, {time.perf_counter() - started:.0f} s", file=sys.stderr)
        raw.execute("SELECT setval(pg_get_serial_sequence('ledger_transfer', 'id'), max(id)) FROM ledger_transfer")
        raw.execute("VACUUM ANALYZE ledger_entry, ledger_transfer, ledger_account")
    return time.perf_counter() - started


def measure(superuser: str, entries: int) -> dict[str, Any]:
    from django.db import connection

    from core.actors import system
    from core.models import Organization
    from core.tenancy import organization_scope
    from ledger import selectors, services, verification
    from ledger.models import Account, AccountKind
    from ledger.postings import Line, NewAccount, Posting

    house = Organization.objects.create(slug=f"bench-{entries}", name="Bench")
    actor = system(house)
    names = iter(range(10**9))

    def timed(work: Callable[[], Any], runs: int = RUNS) -> float:
        """Median milliseconds."""
        work()
        found = []
        for _ in range(runs):
            start = time.perf_counter()
            work()
            found.append((time.perf_counter() - start) * 1000)
        return round(statistics.median(found), 2)

    with organization_scope(house.pk):
        new = [NewAccount(f"a{number:04}", "A", AccountKind.ASSET, "AED") for number in range(ACCOUNTS)]
        ids = sorted(account.pk for account in services.open_accounts(actor=actor, accounts=new, at=AT).values())
        assert ids[-1] - ids[0] == ACCOUNTS - 1
        seconds = write(superuser, house.pk, ids[0], entries // 2)
        hot, other = Account.objects.get(pk=ids[0]), Account.objects.get(pk=ids[500])

        def post() -> None:
            chosen = next(names)
            lines = [Line(ids[chosen % ACCOUNTS], 5), Line(ids[(chosen + 1) % ACCOUNTS], -5)]
            services.post(actor=actor, posting=Posting(f"p{chosen}", "bench", "AED", AT.date(), lines), at=AT)

        recent, old = date(2025, 12, 1), date(2023, 2, 1)
        found: dict[str, Any] = {
            "entries": entries,
            "hot_account_entries": hot.last_sequence,
            "written_in_seconds": round(seconds),
            "balance_ms": timed(lambda: selectors.balance(actor=actor, account_id=hot.pk)),
            "statement_page_hot_ms": timed(lambda: selectors.statement(actor=actor, account=hot, limit=50)),
            "statement_page_other_ms": timed(lambda: selectors.statement(actor=actor, account=other, limit=50)),
            "balance_as_of_last_month_hot_ms": timed(
                lambda: selectors.balance_as_of(actor=actor, account=hot, on=recent), 5
            ),
            "balance_as_of_three_years_ago_hot_ms": timed(
                lambda: selectors.balance_as_of(actor=actor, account=hot, on=old), 3
            ),
            "balance_as_of_three_years_ago_other_ms": timed(
                lambda: selectors.balance_as_of(actor=actor, account=other, on=old), 5
            ),
            "trial_balance_ms": timed(lambda: selectors.trial_balance(actor=actor), 5),
            "trial_balance_of_last_month_ms": timed(lambda: selectors.trial_balance(actor=actor, as_of=recent), 1),
            "post_ms": timed(post, 300),
        }
        start = time.perf_counter()
        verdict = verification.verify(house, workers=2)
        found["verify_seconds"] = round(time.perf_counter() - start, 2)
        if verdict.findings:
            raise SystemExit(f"the ledger is not as written: {verdict.findings[:3]}")
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT c.relname, pg_relation_size(c.oid) FROM pg_class c
                    WHERE c.oid = 'ledger_entry'::regclass
                       OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'ledger_entry'::regclass)"""
            )
            sizes = dict(cursor.fetchall())
    return {
        **found,
        "table_and_indexes_mb": {name: round(size / 2**20, 1) for name, size in sizes.items()},
        "bytes_per_entry": round(sum(sizes.values()) / entries, 1),
    }


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--entries", type=int, default=10_000_000)
    asked.add_argument("--small", type=int, default=10_000)
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

        call_command("migrate", verbosity=0)
        superuser = running.env["MAJLIS_SUPERUSER_URL"]
        # the small books first: the sizes of the second are then those of both, of which the first are a thousandth
        found = [measure(superuser, options.small), measure(superuser, options.entries)]
    print(json.dumps({"ledger_size": found}, indent=2))


if __name__ == "__main__":
    main()
