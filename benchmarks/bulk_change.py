"""A change of many units with its preview, its trail and its way back, against one bare UPDATE; and what history costs.

    python -m benchmarks.bulk_change [--sizes 5000 50000] [--rounds 7]

For each size: choosing, previewing, applying and undoing a change of status of that many units, by the services that the
doors call and a worker finishes; beside it, in the same run, `UPDATE crm_property SET status ... WHERE id = ANY(...)` in
one transaction. Then that UPDATE with and without the statement-level history trigger, taking turns: medians, quartiles.
Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from benchmarks.ground import own_servers, set_up

UPDATE = "UPDATE crm_property SET status = %s, updated_at = now() WHERE id = ANY(%s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with ExitStack() as stack:
        stack.enter_context(own_servers(durable=True))
        set_up()
        for size in options.sizes:
            print(json.dumps(measure(size, options.rounds) | {"load": os.getloadavg()[0]}, indent=1), flush=True)


def measure(size: int, rounds: int) -> dict[str, Any]:
    from django.utils import timezone

    from core.actors import Actor
    from core.models import Membership, Organization, User
    from core.tenancy import organization_scope
    from crm.models import HistoryEntry, Project, Property
    from crm.services import bulk

    house = Organization.objects.create(slug=f"palm-{size}", name=f"Palm {size}")
    user = User.objects.create(email=f"mona@palm-{size}.example", name="Mona")
    manager = Actor(house, Membership.objects.create(organization=house, user=user, role="manager"))
    took: dict[str, float] = {}

    def timed(name: str, act: Callable[[], Any]) -> Any:
        started = time.monotonic()
        answer = act()
        took[name] = round(time.monotonic() - started, 2)
        return answer

    with organization_scope(house.pk):
        project = Project.objects.create(organization=house, number=1, name="Vardon")
        Property.objects.bulk_create(
            (Property(organization=house, project=project, p_number=str(n), cluster="Aster") for n in range(size)),
            batch_size=5_000,
        )
        change = timed("choose", lambda: bulk.choose_rows(
            actor=manager, noun="unit", rows=Property.objects.visible_to(manager), filters={}
        ))  # fmt: skip
        timed("preview", lambda: bulk.preview_change(
            actor=manager, change=change, action="status", given={"status": "available"}
        ))  # fmt: skip
        started = time.monotonic()
        bulk.confirm_change(actor=manager, change=change, at=timezone.now())
        bulk.run_change(organization=house, change_id=change.pk, at=timezone.now())
        took["apply"] = round(time.monotonic() - started, 2)
        assert Property.objects.filter(status="available").count() == size
        started = time.monotonic()
        bulk.undo_change(actor=manager, change=change, at=timezone.now())
        bulk.run_change(organization=house, change_id=change.pk, at=timezone.now())
        took["undo"] = round(time.monotonic() - started, 2)
        assert Property.objects.filter(status="off_market").count() == size
        assert HistoryEntry.objects.filter(field="status").count() == 2 * size
        ids = list(Property.objects.values_list("pk", flat=True))
    kept, bare = history(house.pk, ids, rounds)
    alone = statistics.median(kept)
    return {
        "units": size,
        "seconds": took,
        "bare_update": round(alone, 3),
        "times_the_bare_update": {name: round(seconds / alone, 1) for name, seconds in took.items()},
        "update_with_history": spread(kept),
        "update_without": spread(bare),
        "history_costs": round(alone / statistics.median(bare), 2),
    }


def history(organization_id: int, ids: list[int], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of the same UPDATE with and without the trigger that keeps history, by turns; each is committed."""
    from django.db import connections, transaction

    from core.tenancy import SETTING
    from crm.models import Property

    owner = connections["owner"]
    trigger = next(each for each in Property._meta.triggers if each.name == "keep_history").get_pgid(Property)
    took: dict[str, list[float]] = {"ENABLE": [], "DISABLE": []}
    with owner.cursor() as cursor:
        for round_ in range(rounds):
            for state in sorted(took, reverse=bool(round_ % 2)):
                cursor.execute("VACUUM ANALYZE crm_property")
                cursor.execute(f'ALTER TABLE crm_property {state} TRIGGER "{trigger}"')
                started = time.monotonic()
                with transaction.atomic(using="owner"):
                    cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(organization_id)])
                    status = "available" if len(took[state]) % 2 == (state == "ENABLE") else "vacant"
                    cursor.execute(UPDATE, [status, ids])
                    assert cursor.rowcount == len(ids)
                took[state].append(time.monotonic() - started)
        cursor.execute(f'ALTER TABLE crm_property ENABLE TRIGGER "{trigger}"')
    return took["ENABLE"], took["DISABLE"]


def spread(seconds: list[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(seconds, n=4)
    return {"median": round(middle, 3), "lower_quartile": round(low, 3), "upper_quartile": round(high, 3)}


if __name__ == "__main__":
    main()
