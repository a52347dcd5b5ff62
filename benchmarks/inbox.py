"""The inbox and a thread at a million messages: queries, p50 and p95, against the same SQL run bare.

    python -m benchmarks.inbox [--messages 100000 1000000] [--repeat 30]

Messages are made by SQL: a fiftieth as many conversations, a tenth of the messages in one of them, twenty agents. A manager
(sees all) and an agent (sees a twentieth) open the list, its later pages, its counts and filters, a search, threads, and
the pages themselves through Django. Every query is caught once and run again by itself: the ratio is what our own code adds.
Prints JSON, with the growth from the first size to the last, and what takes over 50 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from benchmarks.ground import own_servers, set_up

AGENTS = 20
SLOW_MS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--repeat", type=int, default=30)
    parser.add_argument("--explain", action="store_true", help="print the plans of what is slow")
    options = parser.parse_args()
    os.environ["LOG_LEVEL"] = "ERROR"

    with ExitStack() as stack:
        stack.enter_context(own_servers(durable=False))
        set_up()
        sizes: dict[int, Any] = {}
        for size in options.messages:
            bench = _Bench(size)
            sizes[size] = bench.measure(options.repeat, explain=options.explain)
        report: dict[str, Any] = {"cores": os.cpu_count(), "load_average": os.getloadavg()[0], "messages": sizes}
        few, many = min(sizes), max(sizes)
        if few != many:
            report["growth_of_p50"] = {
                name: round(found["p50_ms"] / sizes[few][name]["p50_ms"], 1) for name, found in sizes[many].items()
            }
        report["slow"] = [name for name, found in sizes[many].items() if found["p95_ms"] > SLOW_MS]
        print(json.dumps(report, indent=2))


class _Bench:
    """A house of its own for each size, in the same tables."""

    def __init__(self, size: int) -> None:
        from core.actors import Actor
        from core.models import Membership, Organization, User
        from core.roles import Role
        from core.tenancy import organization_scope
        from tests.messaging import factories

        self.size, self.talks = size, size // 50
        self.organization = Organization.objects.create(slug=f"bench{size}", name="Bench")
        self.members = {}
        for name in ("manager", *(f"agent{index}" for index in range(AGENTS))):
            user = User.objects.create_user(f"{name}@bench{size}.example", None, name=name)
            role = Role.MANAGER if name == "manager" else Role.AGENT
            self.members[name] = Membership.objects.create(organization=self.organization, user=user, role=role)
        self.manager = Actor(self.organization, self.members["manager"])
        self.agent = Actor(self.organization, self.members["agent3"])
        with organization_scope(self.organization.pk):
            self.channel = factories.channel(self.organization, phone_number_id=f"100{size}")
            began = time.perf_counter()
            self._fill()
            print(f"{size} messages made in {time.perf_counter() - began:.0f} s", file=sys.stderr)

    def _fill(self) -> None:
        from crm.models import Contact
        from messaging.bulk import _insert
        from messaging.models import Conversation, Message

        agents = [self.members[f"agent{index}"].pk for index in range(AGENTS)]
        common = {"organization_id": str(self.organization.pk), "created_at": "now()", "updated_at": "now()"}
        Contact.objects.bulk_create(
            (Contact(organization=self.organization, display_name=f"Owner {n}") for n in range(self.talks)),
            batch_size=5000,
        )
        talk = common | {
            "channel_id": str(self.channel.pk), "contact_id": "c.id", "status": "CASE WHEN c.id %% 3 = 0 THEN 'closed' ELSE 'open' END",
            "assigned_to_id": f"(ARRAY{agents})[1 + c.id %% {AGENTS}]", "address": "'971500000000'", "unread_count": "c.id %% 4",
            "last_message_at": "now() - (c.id %% 1000000) * interval '1 second'", "last_inbound_at": "now() - (c.id %% 1000000) * interval '1 second'",
            "window_expires_at": "now() + interval '1 day' - (c.id %% 1000000) * interval '1 second'",
        }  # fmt: skip
        columns, values = _insert(Conversation, talk)
        self._sql(
            f"INSERT INTO messaging_conversation ({columns}) SELECT {values} FROM crm_contact c"
            f" WHERE organization_id = {self.organization.pk}"
        )
        self.ids = self._sql("SELECT id FROM messaging_conversation ORDER BY id", fetch=True)
        words = "(ARRAY['Is it still available?', 'السعر مناسب؟', 'Call me', 'The villa by the lake', 'Two bedrooms'])"
        message = common | {
            "conversation_id": f"CASE WHEN n %% 10 = 0 THEN {self.ids[0]} ELSE (%(ids)s::bigint[])[1 + (n * 7919::bigint) %% {self.talks}] END",
            "channel_id": str(self.channel.pk), "type": "'text'",
            "direction": "CASE WHEN n %% 2 = 0 THEN 'inbound' ELSE 'outbound' END",
            "status": "CASE WHEN n %% 2 = 0 THEN 'received' ELSE 'read' END", "provider_id": "'wamid.' || n",
            "body": f"{words}[1 + n %% 5] || ' ' || md5(n::text)", "at": "now() - (%(size)s - n) * interval '1 second'",
        }  # fmt: skip
        columns, values = _insert(Message, message)
        for start in range(1, self.size + 1, 100_000):
            end = min(start + 99_999, self.size)
            self._sql(
                f"INSERT INTO messaging_message ({columns}) SELECT {values} FROM generate_series({start}, {end}) n",
                {"ids": self.ids, "size": self.size},
            )
        from django.db import connections

        with connections["owner"].cursor() as cursor:
            for table in ("crm_contact", "messaging_conversation", "messaging_message"):
                cursor.execute(f"VACUUM ANALYZE {table}")

    def measure(self, repeat: int, *, explain: bool) -> dict[str, Any]:
        from django.test import Client

        from core.tenancy import organization_scope
        from messaging import selectors

        clients = {}
        for who in ("manager", "agent"):
            clients[who] = Client()
            clients[who].force_login(getattr(self, who).membership.user)
        home = f"/o/{self.organization.slug}/inbox/"
        with organization_scope(self.organization.pk):
            ways: dict[str, Callable[[int], Any]] = {}
            for who in ("manager", "agent"):
                actor = getattr(self, who)
                mine = self._of(actor)
                ways |= {
                    f"{who}: list": lambda _, actor=actor: selectors.inbox(actor=actor),
                    f"{who}: list, page 20": self._late(actor),
                    f"{who}: list, unread and mine": lambda _, actor=actor: selectors.inbox(
                        actor=actor, unread=True, assigned="me"
                    ),
                    f"{who}: list, unanswered": lambda _, actor=actor: selectors.inbox(actor=actor, needs="unanswered"),
                    f"{who}: counts": lambda _, actor=actor: selectors.inbox_counts(actor=actor),
                    f"{who}: search by words": lambda turn, actor=actor: selectors.inbox(
                        actor=actor, search=("villa by the lake", "two bedrooms", "nowhere to be found")[turn % 3]
                    ),
                    f"{who}: search by name": lambda turn, actor=actor: selectors.inbox(
                        actor=actor, search=f"Owner {turn * 13 + 7}"
                    ),
                    f"{who}: thread": lambda turn, actor=actor, mine=mine: selectors.thread(
                        actor=actor,
                        conversation=selectors.conversation(actor=actor, conversation_id=mine[turn * 7 % len(mine)]),
                    ),
                    f"{who}: page of the inbox": lambda _, who=who: self._get(clients[who], home),
                    f"{who}: page of a thread": lambda turn, who=who, mine=mine: self._get(
                        clients[who], f"{home}{mine[turn * 7 % len(mine)]}/"
                    ),
                }
            ways["manager: thread of a tenth of all"] = lambda _: selectors.thread(
                actor=self.manager,
                conversation=selectors.conversation(actor=self.manager, conversation_id=self.ids[0]),
            )
            return {name: self._time(name, way, repeat, explain) for name, way in ways.items()}

    def _late(self, actor: Any) -> Callable[[int], Any]:
        from messaging import selectors

        before = ""
        for _ in range(19):
            before = selectors.inbox(actor=actor, before=before).next or before
        return lambda _: selectors.inbox(actor=actor, before=before)

    def _of(self, actor: Any) -> list[int]:
        from messaging.models import Conversation

        return list(Conversation.objects.visible_to(actor).order_by("pk").values_list("pk", flat=True)[1:2000])

    def _get(self, client: Any, path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)

    def _time(self, name: str, way: Callable[[int], Any], repeat: int, explain: bool) -> dict[str, Any]:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        ours, bare, queries = [], [], 0
        for turn in range(repeat + 2):
            began = time.perf_counter()
            way(turn)
            took = time.perf_counter() - began
            with CaptureQueriesContext(connection) as caught:
                way(turn)
            statements = [each["sql"] for each in caught if each["sql"].lstrip()[:6].upper() in ("SELECT", "WITH R")]
            queries = max(queries, len(caught))
            began = time.perf_counter()
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                    cursor.fetchall()
            if turn >= 2:
                ours.append(1000 * took)
                bare.append(1000 * (time.perf_counter() - began))
        found = {
            "queries": queries,
            "p50_ms": round(statistics.median(ours), 1),
            "p95_ms": round(sorted(ours)[int(0.95 * len(ours))], 1),
            "bare_p50_ms": round(statistics.median(bare), 1),
            "bare_p95_ms": round(sorted(bare)[int(0.95 * len(bare))], 1),
        }
        found["ratio_p95"] = round(found["p95_ms"] / max(found["bare_p95_ms"], 0.1), 1)
        print(f"{self.size} {name}: {found}", file=sys.stderr)
        if explain and found["p95_ms"] > SLOW_MS:
            for statement in statements:
                self._explain(statement)
        return found

    def _explain(self, statement: str) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + statement)
            plan = [line for (line,) in cursor.fetchall()]
        if float(plan[-1].split()[2]) > SLOW_MS / 2:
            print(statement, *plan, sep="\n", file=sys.stderr)

    def _sql(self, statement: str, given: Any = None, *, fetch: bool = False) -> list[Any]:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(statement, given or {})
            return [row[0] for row in cursor.fetchall()] if fetch else []


if __name__ == "__main__":
    main()
