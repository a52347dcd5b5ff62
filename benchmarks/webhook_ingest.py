"""How many webhooks a second are verified, stored and answered, against the same server doing nothing, and DRF's ORM.

    python -m benchmarks.webhook_ingest [--count 4000] [--rounds 3] [--connections 64]

Real server processes (uvicorn, one each), a durable PostgreSQL, signed bodies as Meta writes them: a quarter messages,
the rest statuses. The three take turns. Then, for ours: p50 and p99 at half of that load; the same with workers running; and a
body of 1,000 statuses. Client, servers and database share the machine's cores. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks import http_load
from benchmarks.ground import own_servers, set_up

PEOPLE = 200
SECRET = "bench-app-secret"
PATH = "/webhooks/whatsapp/bench/"
NUMBER, ACCOUNT = "100200300400500", "900800700600500"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=4000, help="webhooks of one run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    os.environ["LOG_LEVEL"] = "ERROR"

    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=True))
        set_up()
        bench = _Bench(home, stack, options.connections)
        print(json.dumps(bench.report(options.count, options.rounds), indent=2))


class _Bench:
    def __init__(self, home: Path, stack: ExitStack, connections: int) -> None:
        from config.processes import Supervisor, free_port, web

        self.connections = connections
        self.messages: list[str] = []
        self._numbers = count(1)
        self._found()
        env = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL", "MAJLIS_ENV", "LOG_LEVEL")}
        env |= {"BENCH_ORGANIZATION": str(self.organization.pk), "BENCH_SECRET": SECRET, "DATABASE_POOL_SIZE": "20"}
        self.programs = stack.enter_context(Supervisor(logs=home / "logs", env=env))
        self.ports = {name: free_port() for name in ("ours", "nothing", "rival")}
        commands = {name: web(port) for name, port in self.ports.items()}
        for name in ("nothing", "rival"):
            where = commands[name].index("config.asgi:application")
            commands[name][where] = f"benchmarks.webhook_servers:{name}"
        commands["rival"].append("--factory")
        for name, command in commands.items():
            self.programs.start(name, command).wait_for_port(self.ports[name])

    def _found(self) -> None:
        """One number, people who write, and a message of ours to each."""
        from django.utils import timezone

        from core.models import Organization
        from core.tenancy import organization_scope
        from messaging.models import Message
        from tests.crm import factories as crm
        from tests.messaging import factories

        self.organization = Organization.objects.create(slug="bench", name="Bench")
        with organization_scope(self.organization.pk):
            channel = factories.channel(self.organization, app_secret=SECRET, phone_number_id=NUMBER, waba_id=ACCOUNT)
            for index in range(PEOPLE):
                contact = crm.contact(self.organization, f"Person {index}")
                crm.point(contact, f"+9715{index:08}")
                talk = factories.conversation(channel, contact, address=f"9715{index:08}")
                for _ in range(10):
                    self.messages.append(f"wamid.out{next(self._numbers)}")
                    Message.objects.create(
                        organization=self.organization,
                        conversation=talk,
                        channel=channel,
                        direction="outbound",
                        status="accepted",
                        provider_id=self.messages[-1],
                        at=timezone.now(),
                    )

    def requests(self, size: int) -> list[bytes]:
        """Signed webhooks that were never sent before."""
        from tests.messaging import factories

        made = []
        for index in range(size):
            number = next(self._numbers)
            if index % 4 == 0:
                who = f"9715{number % PEOPLE:08}"
                said = factories.text_message("Is it still available?", wa_id=who, id=f"wamid.in{number}")
                value = factories.value(messages=[said], contacts=[{"profile": {"name": "Person"}, "wa_id": who}])
            else:
                step = ("sent", "delivered", "read")[index % 3]
                value = factories.value(statuses=[factories.status(self.messages[number % len(self.messages)], step)])
            made.append(self.signed(factories.body(value, waba_id=ACCOUNT)))
        return made

    def signed(self, body: bytes) -> bytes:
        from tests.messaging import factories

        return http_load.post(PATH, body, {"X-Hub-Signature-256": factories.sign(body, SECRET)})

    def run(self, name: str, size: int, pace: float = 0) -> http_load.Result:
        result = http_load.run(self.ports[name], self.requests(size), connections=self.connections, pace=pace)
        assert set(result.statuses) == {200}, result.statuses
        return result

    def report(self, size: int, rounds: int) -> dict[str, Any]:
        found: dict[str, list[http_load.Result]] = {"nothing": [], "ours": [], "rival": []}
        before = self.stored()
        for number in range(rounds + 1):
            for name, results in found.items():
                result = self.run(name, size // 4 if name == "rival" else size)
                if number:  # the first round warms up
                    results.append(result)
                print(f"{name}: {result.shown()}", file=sys.stderr)
        speed = {name: statistics.median(each.per_second for each in results) for name, results in found.items()}
        assert self.stored() - before == (rounds + 1) * (size + size // 4)  # every 200 is a row
        report: dict[str, Any] = {
            "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0],
            "webhooks": size,
            **{name: results[-1].shown() | {"per_second": round(speed[name])} for name, results in found.items()},
            "ours_to_nothing": round(speed["ours"] / speed["nothing"], 2),
            "ours_to_rival": round(speed["ours"] / speed["rival"], 2),
        }
        half = speed["ours"] / 2
        report["half_load_workers_stopped"] = self.run("ours", size, pace=half).shown()
        report["a_thousand_statuses_a_body"] = self.large(20)
        report["workers_running"] = self.with_workers(size, half)
        return report

    def large(self, bodies: int) -> dict[str, Any]:
        from tests.messaging import factories

        requests = []
        for _ in range(bodies):
            statuses = [factories.status(self.messages[index], "read") for index in range(1000)]
            requests.append(self.signed(factories.body(factories.value(statuses=statuses), waba_id=ACCOUNT)))
        result = http_load.run(self.ports["ours"], requests, connections=4)
        return result.shown() | {"bytes": len(requests[0])}

    def with_workers(self, size: int, pace: float) -> dict[str, Any]:
        """The same load while two worker processes think about what has piled up."""
        from config.processes import worker

        self.programs.start("worker", worker(2, queues="celery"), env={"LOG_LEVEL": "INFO"}).wait_for_line("ready.")
        full = self.run("ours", size)
        paced = self.run("ours", size, pace=min(pace, full.per_second / 2))
        began, waiting = time.perf_counter(), self.waiting()
        time.sleep(10)
        done = waiting - self.waiting()
        return {
            "full": full.shown(),
            "half_load": paced.shown(),
            "events_processed_per_second_alone": round(done / (time.perf_counter() - began)),
        }

    def stored(self) -> int:
        return self._count("true")

    def waiting(self) -> int:
        return self._count("state <> 'done'")

    def _count(self, condition: str) -> int:
        from django.db import connection

        from core.tenancy import organization_scope

        with organization_scope(self.organization.pk), connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM messaging_webhookevent WHERE {condition}")
            return int(cursor.fetchone()[0])


if __name__ == "__main__":
    main()
