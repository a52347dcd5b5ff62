"""Sequences with very many people due at once: how fast they are taken, and what a batch asks of the database.

    python -m benchmarks.sequences [--people 5000 50000] [--batches 40]

People, their units, numbers and enrolments are made by SQL and bulk inserts, all due now for the first of three steps. One process runs
batches of 100 until all are done (or `--batches` of them): each is taken with SKIP LOCKED, asked everything, queued as a
message, proven and led on. Then all of them are put into quiet hours, which is what a batch costs that sends nothing.
Prints JSON: people a second, queries a batch and a person.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from typing import Any

from benchmarks.ground import own_servers, set_up

NOON = datetime(2026, 6, 1, 8, tzinfo=UTC)  # in Dubai


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--batches", type=int, default=40, help="at most so many of each kind are timed")
    options = parser.parse_args()
    os.environ["LOG_LEVEL"] = "ERROR"

    with ExitStack() as stack:
        stack.enter_context(own_servers(durable=False))
        set_up()
        found = {size: _measured(size, options.batches) for size in options.people}
    report = {"cores": os.cpu_count(), "load_average": os.getloadavg()[0], "people": found}
    print(json.dumps(report, indent=2))


def _measured(size: int, batches: int) -> dict[str, Any]:
    from django.db import connection

    from campaigns import sequences
    from campaigns.models import Enrollment
    from core.actors import Actor
    from core.models import Membership, Organization, User
    from core.roles import Role
    from core.tenancy import organization_scope
    from tests.campaigns import factories
    from tests.campaigns.sequences import drips

    house = Organization.objects.create(slug=f"bench{size}", name="Bench")
    author, approver = (
        Actor(
            house,
            Membership.objects.create(
                organization=house,
                user=User.objects.create_user(f"{name}@bench{size}.example", None, name=name),
                role=Role.MANAGER,
            ),
        )
        for name in ("author", "approver")
    )
    with organization_scope(house.pk):
        number = factories.channel(house, phone_number_id=str(size), waba_id=str(size))
        people = factories.owners(factories.project(house), size)
        drip = drips.active(author, approver, number)
        start = time.perf_counter()
        sequences.enrol(actor=author, sequence=drip, contact_ids=people, at=NOON)
        enrolled = time.perf_counter() - start
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE campaigns_enrollment, crm_contact, crm_contactpoint")
        sending = _run(house, NOON, batches)
        Enrollment.objects.update(due_at=NOON)
        drip.quiet_from, drip.quiet_until = clock(11), clock(14)
        drip.save()
        drip.refresh_from_db()
        sequences.approve_sequence(actor=approver, sequence=drip, at=NOON)
        putting_off = _run(house, NOON + timedelta(days=8), batches)
    return {
        "enrolled_per_second": round(size / enrolled),
        "queued": sending,
        "put_off_by_quiet_hours": putting_off,
    }


def _run(house: Any, at: datetime, batches: int) -> dict[str, Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from campaigns import sequences

    with CaptureQueriesContext(connection) as queries:
        first = sequences.run_due(organization=house, at=at)
    taken, start = 0, time.perf_counter()
    for _ in range(batches):
        tally = sequences.run_due(organization=house, at=at)
        taken += tally.taken
        if not tally.taken:
            break
    seconds = time.perf_counter() - start
    return {
        "people_per_second": round(taken / seconds, 1),
        "queries_a_batch": len(queries),
        "queries_a_person": round(len(queries) / max(first.taken, 1), 1),
        "sent_in_first_batch": first.sent,
        "timed": taken,
    }


if __name__ == "__main__":
    main()
