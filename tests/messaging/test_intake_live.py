"""The door as it runs, with real sockets: broker gone, connections cut, SIGTERM in the middle. What got a 200 is kept."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections import Counter
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import psycopg
import pytest
from django.db import connection

from core.tenancy import organization_scope
from messaging.models import WebhookEvent
from tests.live import Live, house, wait_for
from tests.messaging import factories


@pytest.fixture
def door(live: Live) -> str:
    """A web server with no worker and no broker; gives the address of Palm's webhooks."""
    organization, _ = house()
    with organization_scope(organization.pk):
        factories.channel(organization)
    live.programs.env["REDIS_URL"] = "redis://127.0.0.1:1/0"
    live.start_web()
    live.organization = organization
    return f"{live.base_url}/webhooks/whatsapp/palm/"


def kept(live: Live) -> set[int]:
    with organization_scope(live.organization.pk):
        return set(WebhookEvent.objects.values_list("pk", flat=True))


def post_many(url: str, count: int, connections: int = 32) -> tuple[Counter[int], set[int]]:
    """Statuses of the answers (0: no answer), and the events that were promised."""
    bodies = [factories.body(factories.value(messages=[factories.text_message(f"{index}")])) for index in range(count)]
    statuses: Counter[int] = Counter()
    promised: set[int] = set()

    async def run() -> None:
        waiting = iter(bodies)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

            async def work() -> None:
                for body in waiting:
                    headers = {"X-Hub-Signature-256": factories.sign(body)}
                    try:
                        async with session.post(url, data=body, headers=headers) as answer:
                            statuses[answer.status] += 1
                            if answer.status == 200:
                                promised.add((await answer.json())["event"])
                    except aiohttp.ClientError:
                        statuses[0] += 1

            await asyncio.gather(*(work() for _ in range(connections)))

    asyncio.run(run())
    return statuses, promised


def cut_connections(live: Live, stop: threading.Event, ours: int) -> None:
    """Every now and then PostgreSQL throws everybody out but this test."""
    parts = urlsplit(os.environ["MAJLIS_SUPERUSER_URL"])
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as superuser:
        while not stop.wait(0.15):
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
                [live.database, ours],
            )


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_broker_and_workers_and_with_connections_cut_every_200_is_kept(live: Live, door: str) -> None:
    statuses, promised = post_many(door, 200)
    assert statuses == {200: 200}
    assert kept(live) == promised

    stop = threading.Event()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ours = cursor.fetchone()[0]
    cutting = threading.Thread(target=cut_connections, args=[live, stop, ours])
    cutting.start()
    time.sleep(0.3)
    statuses, more = post_many(door, 2000)
    stop.set()
    cutting.join()

    assert set(statuses) <= {200, 503}
    assert len(more) == statuses[200] > 0
    assert kept(live) >= promised | more


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_half_a_body_keeps_nothing_and_sigterm_answers_what_is_committed(live: Live, door: str) -> None:
    address = urlsplit(door)
    body = factories.body(factories.value(messages=[factories.text_message("half")]))
    head = (
        f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
        f"X-Hub-Signature-256: {factories.sign(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        line.sendall(head + body[:100])
    # One announces too much and is told so before it sends a byte of it.
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        line.sendall(head.replace(f"Length: {len(body)}".encode(), b"Length: 4000000"))
        assert line.recv(100).startswith(b"HTTP/1.1 413")
    assert kept(live) == set()

    web = live.programs._processes[-1]
    outcome: list[tuple[Counter[int], set[int]]] = []
    posting = threading.Thread(target=lambda: outcome.append(post_many(door, 3000)))
    posting.start()
    wait_for(lambda: len(kept(live)) > 100, what="some webhooks")
    os.kill(web.pid, signal.SIGTERM)
    posting.join()
    wait_for(lambda: not web.is_alive, what="the server to stop")
    live.programs._processes.remove(web)

    [(statuses, promised)] = outcome
    assert set(statuses) <= {200, 0}
    assert statuses[200] > 100
    assert statuses[0] > 0
    # Nobody who was answered is missing, and nobody was stored whom nobody answered.
    assert kept(live) == promised
