"""100,000 statuses, a fifth of them told twice, shuffled: folded and written, against one UPDATE each and one for all.

    python -m benchmarks.status_updates [--updates 10000 100000] [--rounds 3] [--sample 1000]

Messages each get sent, delivered and read. Ours: `apply_statuses` with everything at once, in batches of 5,000 and of
1,000 (a message is then written as often as batches name it), and from stored webhooks of 100 statuses to `done`. The
rivals, on a sample, scaled: one conditional UPDATE a status, and the ORM's get and save. The ceiling: one UPDATE ... FROM
unnest of the final states. After every run each message is asked for its status and its three times. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.ground import own_servers, set_up

T0 = datetime(2026, 11, 1, tzinfo=UTC)
STEPS = ("sent", "delivered", "read")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=1000, help="statuses that the rivals are measured on")
    options = parser.parse_args()
    os.environ["LOG_LEVEL"] = "ERROR"

    with ExitStack() as stack:
        stack.enter_context(own_servers(durable=True))
        set_up()
        from core.models import Organization
        from core.tenancy import organization_scope

        organization = Organization.objects.create(slug="bench", name="Bench")
        with organization_scope(organization.pk):
            bench = _Bench(organization)
            sizes = {size: bench.measure(size, options.rounds, options.sample) for size in options.updates}
        report: dict[str, Any] = {"cores": os.cpu_count(), "load_average": os.getloadavg()[0], "updates": sizes}
        few, many = min(sizes), max(sizes)
        if few != many:
            growth = sizes[many]["ours_at_once"]["seconds"] / sizes[few]["ours_at_once"]["seconds"]
            report["growth"] = {"updates": many / few, "seconds": round(growth, 1)}
        print(json.dumps(report, indent=2))


class _Bench:
    def __init__(self, organization: Any) -> None:
        from core.actors import system
        from tests.crm import factories as crm
        from tests.messaging import factories

        self.organization, self.actor = organization, system(organization)
        self.channel = factories.channel(organization)
        self.talks = []
        for index in range(100):
            contact = crm.contact(organization, f"Person {index}")
            self.talks.append(factories.conversation(self.channel, contact).pk)

    def measure(self, updates: int, rounds: int, sample: int) -> dict[str, Any]:
        count = max(int(updates * 0.8 / len(STEPS)), 1)
        told = self._told(count, updates)
        ways: dict[str, Callable[[], None]] = {
            "ceiling": lambda: self._final(count),
            "ours_at_once": lambda: self._apply(told, len(told)),
            "ours_by_5000": lambda: self._apply(told, 5000),
            "ours_by_1000": lambda: self._apply(told, 1000),
            "ours_from_webhooks": self._process,
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                self._fresh(count)
                if name == "ours_from_webhooks":
                    self._store(told)
                began = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - began)
                self._check(count)
                print(f"{updates} {name}: {seconds[name][-1]:.2f} s", file=sys.stderr)
        found: dict[str, Any] = {
            name: {"seconds": round(statistics.median(each), 3), "per_second": round(updates / statistics.median(each))}
            for name, each in seconds.items()
        }
        for name, rival in (("one_update_each", self._update_each), ("orm_get_and_save", self._save_each)):
            self._fresh(count)
            some = told[:sample]
            began = time.perf_counter()
            rival(some)
            each = (time.perf_counter() - began) / len(some)
            found[name] = {"seconds": round(each * updates, 1), "per_second": round(1 / each), "sample": len(some)}
        ours = found["ours_at_once"]["seconds"]
        found["ours_to_ceiling"] = round(ours / found["ceiling"]["seconds"], 2)
        for rival_name in ("one_update_each", "orm_get_and_save"):
            found[f"{rival_name}_to_ours"] = round(found[rival_name]["seconds"] / ours, 1)
            found[f"{rival_name}_to_ours_by_1000"] = round(
                found[rival_name]["seconds"] / found["ours_by_1000"]["seconds"], 1
            )
        return found

    def _told(self, count: int, updates: int) -> list[Any]:
        from messaging.incoming import StatusUpdate

        chance = random.Random(7)
        told = [
            StatusUpdate(f"wamid.{index}", step, T0 + timedelta(seconds=place), price_category="utility")
            for index in range(count)
            for place, step in enumerate(STEPS)
        ]
        told += chance.choices(told, k=updates - len(told))
        chance.shuffle(told)
        return told

    def _fresh(self, count: int) -> None:
        """So many accepted messages, as if no status had ever come."""
        self._sql("DELETE FROM messaging_messageread")
        self._sql("DELETE FROM messaging_webhookevent")
        self._sql("DELETE FROM messaging_message")
        from django.utils import timezone

        from messaging.models import Message

        Message.objects.bulk_create(
            (
                Message(
                    organization=self.organization,
                    conversation_id=self.talks[index % len(self.talks)],
                    channel=self.channel,
                    direction="outbound",
                    type="text",
                    status="accepted",
                    body=f"Good morning, is unit {index} still yours?",
                    provider_id=f"wamid.{index}",
                    accepted_at=T0,
                    at=timezone.now(),
                )
                for index in range(count)
            ),
            batch_size=5000,
        )
        from django.db import connections

        with connections["owner"].cursor() as cursor:
            cursor.execute("VACUUM ANALYZE messaging_message")

    def _final(self, count: int) -> None:
        self._sql(
            """
            UPDATE messaging_message m
               SET status = u.status, sent_at = u.sent, delivered_at = u.delivered, read_at = u.read, updated_at = now()
              FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
                   AS u(wamid, status, sent, delivered, read)
             WHERE m.organization_id = %s AND m.channel_id = %s AND m.provider_id = u.wamid AND m.provider_id <> ''
            """,
            [f"wamid.{index}" for index in range(count)],
            ["read"] * count,
            *([T0 + timedelta(seconds=place)] * count for place in range(len(STEPS))),
            self.organization.pk,
            self.channel.pk,
        )

    def _apply(self, told: list[Any], batch: int) -> None:
        from messaging.services.progress import apply_statuses

        for start in range(0, len(told), batch):
            apply_statuses(actor=self.actor, channel=self.channel, updates=told[start : start + batch], at=T0)

    def _store(self, told: list[Any]) -> None:
        from django.utils import timezone

        from messaging.models import WebhookEvent
        from tests.messaging import factories

        rows = []
        for start in range(0, len(told), 100):
            statuses = [
                factories.status(each.provider_id, each.status, at=int(each.at.timestamp()))
                for each in told[start : start + 100]
            ]
            body = factories.body(factories.value(statuses=statuses))
            rows.append(
                WebhookEvent(
                    organization=self.organization, body=body, signature_verified=True, received_at=timezone.now()
                )
            )
        WebhookEvent.objects.bulk_create(rows)

    def _process(self) -> None:
        from django.utils import timezone

        from messaging.services import processing

        last = 0
        while last := processing.process_webhooks(actor=self.actor, at=timezone.now(), after=last):
            pass

    def _update_each(self, told: list[Any]) -> None:
        """As a careful person writes it: one statement that never goes back."""
        from messaging.models.conversations import STATUS_RANK

        for each in told:
            below = [status for status, rank in STATUS_RANK.items() if rank < STATUS_RANK[each.status]]
            self._sql(
                f"UPDATE messaging_message SET {each.status}_at = LEAST({each.status}_at, %s), updated_at = now(),"
                " status = CASE WHEN status = ANY(%s) THEN %s ELSE status END"
                " WHERE organization_id = %s AND channel_id = %s AND provider_id = %s AND provider_id <> ''",
                each.at,
                below,
                each.status,
                self.organization.pk,
                self.channel.pk,
                each.provider_id,
            )

    def _save_each(self, told: list[Any]) -> None:
        from messaging.models import Message
        from messaging.models.conversations import STATUS_RANK

        for each in told:
            message = Message.objects.get(
                organization=self.organization, channel=self.channel, provider_id=each.provider_id
            )
            if STATUS_RANK[each.status] > STATUS_RANK[message.status]:
                message.status = each.status
            setattr(message, f"{each.status}_at", each.at)
            message.save()

    def _check(self, count: int) -> None:
        from messaging.models import Message

        right = Message.objects.filter(
            status="read", sent_at=T0, delivered_at__lte=T0 + timedelta(seconds=1), read_at=T0 + timedelta(seconds=2)
        )
        assert right.count() == Message.objects.count() == count, (right.count(), count)

    def _sql(self, statement: str, *given: Any) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(statement, list(given) or None)


if __name__ == "__main__":
    main()
