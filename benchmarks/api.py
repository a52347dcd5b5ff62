"""The busiest endpoints of the API at a million rows, against PostgreSQL building the same rows as JSON by itself.

    python -m benchmarks.api [--rows 1000000] [--calls 200] [--connections 4]

Its own servers; units, contacts, numbers and owners of three houses (benchmarks/search_stock.py), the first of which is
asked, and as many messages in a fiftieth of the conversations. The API is asked over HTTP with a token, at uvicorn with one
process. The ceiling: the statements of that very answer (without those that find out who calls), each inside
`SELECT json_agg(...)`, over one connection of the same role behind the same wall. Both in turns, in one run.
Prints JSON: p50 and p95 in milliseconds one call at a time, calls a second over several connections, and the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
from contextlib import ExitStack
from typing import Any

from benchmarks import http_load, search_stock
from benchmarks.ground import own_servers, set_up

# What finds out who calls, and writes that a token was used: not the answer.
OF_THE_CALLER = re.compile(r"core_(apitoken|membership|organization|user|idempotencykey)\b")
DEEP = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--connections", type=int, default=4)
    options = parser.parse_args()
    os.environ |= {
        "LOG_LEVEL": "ERROR", "API_CALLS_PER_CALLER": "100000000", "API_CALLS_PER_ORGANIZATION": "100000000",
    }  # fmt: skip

    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=False))
        set_up()
        import psycopg

        from core.tenancy import organization_scope

        superuser = stack.enter_context(psycopg.connect(os.environ["MAJLIS_SUPERUSER_URL"], autocommit=True))
        began = time.perf_counter()
        organization, secret = fill(superuser, options.rows)
        print(f"filled in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        port = serve(stack, home)
        with organization_scope(organization.pk):
            asked = endpoints(organization.slug)
            found = {name: measure(port, path, secret, options) for name, path in asked.items()}
        report = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "rows": options.rows, "endpoints": found}
        print(json.dumps(report, indent=2))


def fill(superuser: Any, rows: int) -> tuple[Any, str]:
    """Three houses and what is in them; the first, and a token of its manager."""
    from django.utils import timezone

    from core.actors import Actor
    from core.models import Membership, Organization, User
    from core.roles import Role
    from core.services import issue_token
    from core.tenancy import organization_scope
    from messaging.bulk import _insert
    from messaging.models import Conversation, Message
    from tests.messaging import factories

    houses = [Organization.objects.create(slug=f"house-{n}", name=f"House {n}") for n in range(3)]
    search_stock.build(superuser, [house.pk for house in houses], rows)
    house = houses[0]
    with organization_scope(house.pk):
        user = User.objects.create_user("manager@bench.example", None, name="Mona")
        member = Membership.objects.create(organization=house, user=user, role=Role.MANAGER)
        channel = factories.channel(house)
        _, secret = issue_token(actor=Actor(house, member), name="bench", at=timezone.now())
    common = {
        "organization_id": str(house.pk),
        "created_at": "now()",
        "updated_at": "now()",
        "channel_id": str(channel.pk),
    }
    columns, values = _insert(Conversation, common | {
        "contact_id": "c.id", "status": "'open'", "address": "'971500000000'",
        "last_message_at": "now() - c.id %% 1000000 * interval '1 second'",
        "last_inbound_at": "now() - c.id %% 1000000 * interval '1 second'",
        "window_expires_at": "now() + interval '1 day' - c.id %% 1000000 * interval '1 second'",
    })  # fmt: skip
    chosen = f"(SELECT id FROM crm_contact WHERE organization_id = {house.pk} ORDER BY id LIMIT {rows // 50}) c"
    superuser.execute(
        f"INSERT INTO messaging_conversation ({columns}) SELECT {values} FROM {chosen}".replace("%%", "%")
    )
    columns, values = _insert(Message, common | {
        "conversation_id": "talk.first + n %% talk.how_many", "type": "'text'",
        "direction": "CASE WHEN n %% 2 = 0 THEN 'inbound' ELSE 'outbound' END",
        "status": "CASE WHEN n %% 2 = 0 THEN 'received' ELSE 'read' END", "provider_id": "'wamid.' || n",
        "body": "'Is it still available? ' || md5(n::text)", "at": f"now() - ({rows} - n) * interval '1 second'",
    })  # fmt: skip
    talk = "(SELECT min(id) AS first, count(*) AS how_many FROM messaging_conversation) talk"
    statement = f"INSERT INTO messaging_message ({columns}) SELECT {values} FROM generate_series(1, {rows}) n, {talk}"
    superuser.execute(statement.replace("%%", "%"))
    for table in ("messaging_conversation", "messaging_message"):
        superuser.execute(f"VACUUM (ANALYZE) {table}")
    return house, secret


def serve(stack: ExitStack, home: Any) -> int:
    from config.processes import Supervisor, free_port, web

    port = free_port()
    passed = (
        "DATABASE_URL",
        "REDIS_URL",
        "MAJLIS_ENV",
        "LOG_LEVEL",
        "API_CALLS_PER_CALLER",
        "API_CALLS_PER_ORGANIZATION",
    )
    env = {name: os.environ[name] for name in passed} | {"DATABASE_POOL_SIZE": "20"}
    programs = stack.enter_context(Supervisor(logs=home / "logs", env=env))
    programs.start("web", web(port)).wait_for_url(f"http://127.0.0.1:{port}/healthz")
    return port


def endpoints(slug: str) -> dict[str, str]:
    """Ten addresses that integrations ask most, in the scope of the house."""
    from base64 import b64encode

    from crm.models import Contact, Property
    from messaging.models import Conversation, Message

    middle = {model: model.objects.order_by("pk").values_list("pk", flat=True)[1000] for model in (Contact, Property)}
    talk, message = (
        model.objects.order_by("pk").values_list("pk", flat=True)[100] for model in (Conversation, Message)
    )
    last = Property.objects.order_by("-pk").values_list("pk", flat=True)[
        DEEP * 50 if Property.objects.count() > DEEP * 50 else 5000
    ]
    cursor = b64encode(f"p={last}".encode()).decode()
    paths = {
        "contacts": "contacts/",
        "a contact": f"contacts/{middle[Contact]}/",
        "units": "properties/",
        f"units, page {DEEP:,}": f"properties/?cursor={cursor}",
        "units, rented, 2 bedrooms or more": "properties/?status=rented&bedrooms_min=2",
        "a unit": f"properties/{middle[Property]}/",
        "numbers of a contact": f"contact-points/?contact={middle[Contact]}",
        "conversations": "conversations/",
        "messages of a conversation": f"messages/?conversation={talk}",
        "a message": f"messages/{message}/",
    }
    return {name: f"/api/v1/{slug}/{path}" for name, path in paths.items()}


def measure(port: int, path: str, secret: str, options: argparse.Namespace) -> dict[str, Any]:
    """One endpoint at the door and by the database alone, in turns of a tenth of the calls."""
    request = http_load.get(path, {"Authorization": f"Bearer {secret}"})
    statements = statements_of(path, secret)
    http_load.run(port, [request] * 20, connections=1)
    ours, bare = http_load.Result(), []
    turn = max(options.calls // 10, 1)
    for _ in range(10):
        result = http_load.run(port, [request] * turn, connections=1)
        ours.latencies += result.latencies
        ours.statuses += result.statuses
        bare += [alone(statements) for _ in range(turn)]
    assert set(ours.statuses) == {200}, (path, ours.statuses)
    busy = http_load.run(port, [request] * options.calls * 2, connections=options.connections)
    p50, p95 = 1000 * statistics.median(bare), 1000 * sorted(bare)[int(0.95 * len(bare))]
    found = {
        "p50_ms": round(ours.percentile(0.5), 2), "p95_ms": round(ours.percentile(0.95), 2),
        "per_second": round(busy.per_second), "statements": len(statements),
        "database_p50_ms": round(p50, 2), "database_p95_ms": round(p95, 2),
        "ratio_p50": round(ours.percentile(0.5) / p50, 1), "ratio_p95": round(ours.percentile(0.95) / p95, 1),
    }  # fmt: skip
    print(path, found, file=sys.stderr)
    return found


def statements_of(path: str, secret: str) -> list[str]:
    """What the answer asks of the database, as it is asked, each building JSON."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"Authorization": f"Bearer {secret}"})
    client.get(path)
    with CaptureQueriesContext(connection) as caught:
        assert client.get(path).status_code == 200, path
    asked = [each["sql"].rstrip("; ") for each in caught if each["sql"].lstrip()[:6].upper() == "SELECT"]
    rows = [sql for sql in asked if " FROM " in sql and not OF_THE_CALLER.search(sql.partition(" FROM ")[2][:40])]
    return [f"SELECT json_agg(answer) FROM ({sql}) answer" for sql in rows]


def alone(statements: list[str]) -> float:
    """Seconds that the database takes for all of them, the JSON fetched."""
    from django.db import connection

    began = time.perf_counter()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            cursor.fetchall()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
