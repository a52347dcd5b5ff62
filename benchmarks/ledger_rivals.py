"""Postings a second beside pgbench that does the same inserts and updates raw, in the same server and the same run.

    python -m benchmarks.ledger_rivals [--seconds 5] [--processes 4]

Raw is four statements in a transaction: two balances updated, a transfer and its two entries inserted, into tables with
the same indexes, without hashes, triggers, row security or checks: what somebody in a hurry would write. Beside it: the
database's function called by pgbench, the posting service in as many Python processes, and the service in batches of 500
(the way out of a hot account). Spread over 1,000 accounts, and all on one. Own PostgreSQL, durable. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.ground import own_servers, set_up

ACCOUNTS, BATCH, RUNS = 1000, 500, 3
AT = datetime(2026, 1, 1, tzinfo=UTC)

TABLES = """
CREATE TABLE raw_account (id bigint PRIMARY KEY, balance bigint NOT NULL DEFAULT 0, sequence bigint NOT NULL DEFAULT 0)
    WITH (fillfactor = 50);
CREATE TABLE raw_transfer (id bigserial PRIMARY KEY, reference text UNIQUE, description text, currency text, day date,
                           at timestamptz);
CREATE TABLE raw_entry (id bigserial PRIMARY KEY, transfer bigint, account bigint, amount bigint, sequence bigint,
                        balance bigint, day date, at timestamptz, UNIQUE (account, sequence));
CREATE INDEX ON raw_entry (transfer);
CREATE INDEX ON raw_entry (account, day);
INSERT INTO raw_account SELECT g FROM generate_series(1, 1000) g;
GRANT ALL ON raw_account, raw_transfer, raw_entry, raw_transfer_id_seq, raw_entry_id_seq TO PUBLIC;
"""
# The smaller account first, as ours does: otherwise two of them lock each other up.
RAW = """
\\set a {first}
\\set b random(501, 1000)
\\set n random(1, 9223372036854775806)
BEGIN;
UPDATE raw_account SET balance = balance + 5, sequence = sequence + 1 WHERE id = :a RETURNING balance AS a_balance, sequence AS a_sequence \\gset
UPDATE raw_account SET balance = balance - 5, sequence = sequence + 1 WHERE id = :b RETURNING balance AS b_balance, sequence AS b_sequence \\gset
INSERT INTO raw_transfer (reference, description, currency, day, at) VALUES ('r' || :n, 'bench', 'AED', '2026-01-01', '2026-01-01') RETURNING id AS transfer \\gset
INSERT INTO raw_entry (transfer, account, amount, sequence, balance, day, at) VALUES (:transfer, :a, 5, :a_sequence, :a_balance, '2026-01-01', '2026-01-01'), (:transfer, :b, -5, :b_sequence, :b_balance, '2026-01-01', '2026-01-01');
COMMIT;
"""
FUNCTION = """
\\set a {first}
\\set b {base} + random(501, 1000)
\\set n random(1, 9223372036854775806)
SELECT ordinal, transfer_id, replayed, refusal, detail FROM ledger_post({house}, NULL, '2026-01-01', ARRAY['f' || :n], ARRAY['bench'], ARRAY['AED'], ARRAY['2026-01-01'::date], ARRAY[NULL]::bigint[], ARRAY[1, 1], ARRAY[:a, :b]::bigint[], ARRAY[5, -5]::bigint[]);
"""


def pgbench(script: str, folder: Path, house: int, clients: int, seconds: int) -> float:
    """Transactions a second of a script."""
    found = shutil.which("pgbench")
    if found is None:
        raise SystemExit("There is no pgbench here; install PostgreSQL's client tools (Debian: postgresql-contrib).")
    file = folder / "script.sql"
    file.write_text(script)
    options = {"PGOPTIONS": f"-c majlis.organization={house}"}
    run = subprocess.run(
        [found, "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", str(file),
         os.environ["DATABASE_URL"].replace("postgres://", "postgresql://")],
        env={**os.environ, **options}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    rate = re.search(r"tps = ([\d.]+)", run.stdout)
    if run.returncode or rate is None:
        raise SystemExit(run.stderr[-2000:])
    return float(rate[1])


def ours(way: str, clients: int, seconds: int) -> float:
    """Transfers a second by so many processes of the posting service."""
    command = [sys.executable, "-m", "benchmarks.ledger_rivals", "--worker", way, "--seconds", str(seconds)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(clients)]
    return sum(float(one.communicate()[0].split()[-1]) for one in running)


def worker(way: str, seconds: int) -> None:
    """Post until the time is over; prints transfers a second."""
    import django

    django.setup()
    from core.actors import system
    from core.models import Organization
    from core.tenancy import organization_scope
    from ledger import services
    from ledger.models import Account
    from ledger.postings import Line, Posting

    house = Organization.objects.get(slug="bench")
    actor, chance, done, at_once = system(house), random.Random(os.getpid()), 0, BATCH if way.startswith("batch") else 1
    with organization_scope(house.pk):
        ids = list(Account.objects.order_by("pk").values_list("pk", flat=True))
        start = time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            postings = []
            for _ in range(at_once):
                debit = ids[0] if way.endswith("hot") else ids[chance.randrange(500)]
                lines = [Line(debit, 5), Line(ids[chance.randrange(500, 1000)], -5)]
                postings.append(Posting(f"s{chance.getrandbits(62)}", "bench", "AED", AT.date(), lines))
            done += len(services.post_many(actor=actor, postings=postings, at=AT))
    print(done / elapsed)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=int, default=5)
    asked.add_argument("--processes", type=int, default=4)
    asked.add_argument("--worker", default="")
    options = asked.parse_args()
    if options.worker:
        worker(options.worker, options.seconds)
        return
    with own_servers(durable=True) as folder:
        set_up()
        from django.db import connections

        from core.actors import system
        from core.models import Organization
        from core.tenancy import organization_scope
        from ledger import services, verification
        from ledger.models import AccountKind
        from ledger.postings import NewAccount

        house = Organization.objects.create(slug="bench", name="Bench")
        with organization_scope(house.pk):
            new = [NewAccount(f"a{number:04}", "A", AccountKind.ASSET, "AED") for number in range(ACCOUNTS)]
            opened = services.open_accounts(actor=system(house), accounts=new, at=AT)
            base = min(account.pk for account in opened.values()) - 1
        with connections["owner"].cursor() as cursor:
            cursor.execute(TABLES)
        found: dict[str, Any] = {}
        for clients in (1, options.processes):
            for way in ("spread", "hot"):
                spread, hot = f"{base} + random(1, 500)", f"{base} + 1"
                raw = RAW.format(first="random(1, 500)" if way == "spread" else "1")
                function = FUNCTION.format(first=spread if way == "spread" else hot, base=base, house=house.pk)
                runs = [  # side by side, on a noisy machine
                    {
                        "raw": pgbench(raw, folder, house.pk, clients, options.seconds),
                        "function": pgbench(function, folder, house.pk, clients, options.seconds),
                        "service": ours(way, clients, options.seconds),
                        "service_in_batches": ours(f"batch_{way}", clients, options.seconds),
                    }
                    for _ in range(RUNS)
                ]
                found[f"{way}, {clients} at once"] = {
                    side: {
                        "per_second": round(statistics.median(run[side] for run in runs)),
                        "against_raw": round(statistics.median(run[side] / run["raw"] for run in runs), 2),
                    }
                    for side in runs[0]
                }
        with organization_scope(house.pk):
            verdict = verification.verify(house)
        if verdict.findings:
            raise SystemExit(f"the ledger is not as written: {verdict.findings[:3]}")
    print(json.dumps({"ledger_rivals": found, "entries": verdict.entries}, indent=2))


if __name__ == "__main__":
    main()
