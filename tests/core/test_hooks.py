"""Others are told of what happened: signed, more than once rather than never, and nowhere inside our own network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from celery import Celery
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from config.announcing import announced
from core import events, hooks
from core.actors import Actor
from core.models import AuditEntry, HookDelivery, HookEndpoint
from core.outside import AddressRefused, post
from core.roles import Role
from core.tenancy import organization_scope
from crm import services
from crm.models import Project
from tests.core.test_writing_twice import API, Till
from tests.crm import factories
from tests.live import Live, house, wait_for

NOON = datetime(2026, 6, 1, 8, tzinfo=UTC)


class Receiver(ThreadingHTTPServer):
    """Somebody's own server. Keeps what it was sent, answers `status`, and with `holds` set does not answer yet."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Ear)
        self.status, self.calls = 200, list[tuple[dict[str, str], bytes]]()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.url = f"http://127.0.0.1:{self.server_port}/in?from=majlis"

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.calls]


class Ear(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.server.may_answer.wait(30)
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"well")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.may_answer.set()
        server.shutdown()


@pytest.fixture
def inside(settings: Any) -> None:
    settings.OUTSIDE_MAY_BE_INSIDE = True


def endpoint(actor: Actor, receiver: Receiver, *kinds: str) -> HookEndpoint:
    made, _ = hooks.add_endpoint(
        actor=actor, name="Books", url=receiver.url, kinds=kinds or ["unit.owners_changed"], at=NOON
    )
    return made


def change_owners(actor: Actor) -> int:
    project = Project.objects.first() or factories.project(actor.organization)
    unit = factories.unit(project)
    services.set_owners(
        actor=actor, property=unit, owners=[services.Share(factories.contact(actor.organization))], at=NOON
    )
    return unit.pk


def send(at: datetime = NOON) -> None:
    """What the nudge or the sweeper does."""
    for delivery in HookDelivery.objects.order_by("pk"):
        hooks.deliver(organization=delivery.organization, delivery_id=delivery.pk, at=at)


def soon(hours: float = 0) -> datetime:
    return timezone.now() + timedelta(hours=hours, seconds=1)


def test_an_endpoint_is_told_and_can_check_who_told_it(admin: Actor, receiver: Receiver, inside: None) -> None:
    till = Till(admin)
    made = till.post(
        "hook-endpoints/", {"name": "Books", "url": receiver.url, "kinds": ["unit.owners_changed"]}, "k"
    ).json()
    shown = till.send("get", f"hook-endpoints/{made['id']}/").json()
    assert "secret" not in shown

    unit_id = change_owners(admin)
    send(soon())

    [(headers, body)] = receiver.calls
    told = json.loads(body)
    assert (told["type"], told["data"]) == ("unit.owners_changed", {"property_id": unit_id})
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(made["secret"].removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60

    [row] = till.send("get", "hook-deliveries/?arrived=true").json()["results"]
    assert (row["event_id"], row["attempts"], row["answer_status"]) == (headers["webhook-id"], 1, 200)
    send(soon(1))
    assert len(receiver.calls) == 1


def test_what_did_not_happen_is_not_told(admin: Actor, receiver: Receiver, inside: None) -> None:
    endpoint(admin, receiver, "deal.closed")
    with transaction.atomic():
        hooks.announce(organization_id=admin.organization.pk, kind="deal.closed", data={"deal_id": 1}, at=NOON)
        transaction.set_rollback(True)
    change_owners(admin)  # of another kind

    assert not HookDelivery.objects.exists()
    assert sorted(announced().values()) == hooks.KINDS
    assert all(events.subscribers(event) for event in announced())


def test_an_endpoint_that_fails_is_tried_for_days_and_then_given_up(
    admin: Actor, receiver: Receiver, inside: None
) -> None:
    endpoint(admin, receiver)
    change_owners(admin)
    receiver.status, at = 302, soon()  # is not followed

    begun = at
    while HookDelivery.objects.waiting().exists():
        send(at)
        at = HookDelivery.objects.get().due_at

    row = HookDelivery.objects.get()
    assert (row.attempts, row.answer_status, row.error) == (11, 302, "well")
    assert len(set(receiver.ids)) == 1
    assert len(receiver.calls) == 11
    assert timedelta(days=2.5) < row.given_up_at - begun < timedelta(days=3.5)  # type: ignore[operator]

    receiver.status = 200
    till, address = Till(admin), f"hook-endpoints/{row.endpoint_id}/"
    assert till.send("post", address + "replays/", {"first": row.pk, "last": row.pk}).json() == {"replayed": 1}
    send(soon(80))
    assert len(set(receiver.ids)) == 1
    assert HookDelivery.objects.get().delivered_at


@pytest.mark.parametrize(
    ("status", "failures", "why"), [(410, 0, "410 Gone"), (500, hooks.MOST_FAILURES - 1, "50 times")]
)
def test_an_endpoint_that_is_gone_is_stopped_and_taken_up_again(
    admin: Actor, receiver: Receiver, inside: None, status: int, failures: int, why: str
) -> None:
    made = endpoint(admin, receiver)
    HookEndpoint.objects.update(failures=failures)
    change_owners(admin)
    receiver.status = status
    send(soon())

    made.refresh_from_db()
    assert (made.is_active, why in made.stopped_reason) == (False, True)
    assert AuditEntry.objects.filter(action="core.hook_endpoint_stopped").count() == 1
    till, address = Till(admin), f"hook-endpoints/{made.pk}/"
    assert till.send("post", address + "test/").json()["code"] == "hook_endpoint_stopped"
    send(soon(1))
    assert len(receiver.calls) == 1

    receiver.status = 200
    assert till.send("patch", address, {"is_active": True}).json()["stopped_reason"] == ""
    assert till.send("post", address + "test/").status_code == 202
    send(soon(1))
    assert [json.loads(body)["type"] for _, body in receiver.calls[1:]] == ["unit.owners_changed", "test"]

    assert till.send("delete", address).status_code == 204
    assert till.send("get", address).status_code == 404
    change_owners(admin)
    assert HookDelivery.objects.count() == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost/", "https://10.1.2.3/", "https://[::1]/", "https://169.254.169.254/latest",
        "https://2130706433/", "https://[::ffff:10.0.0.1]/", "https://0.0.0.0/", "https://[fd00::1]/", "https://100.64.0.1/",
    ],
)  # fmt: skip
def test_nobody_reaches_our_own_network_through_us(url: str) -> None:
    with pytest.raises(AddressRefused):
        post(url, b"{}", {})


@pytest.mark.parametrize(
    "url", ["http://example.com/", "ftp://example.com/", "https://", "https://me:secret@example.com/", "https://a b/", "x",
            "https://example.com:99999/", "https://example.com/\r\nX: y", "https://[::1", "https://example.com/#top"]
)  # fmt: skip
def test_an_address_that_is_refused_when_it_is_given(admin: Actor, url: str) -> None:
    answer = Till(admin).send("post", "hook-endpoints/", {"name": "x", "url": url, "kinds": ["deal.closed"]})

    assert (answer.status_code, answer.json()["code"]) == (422, "address_refused")
    assert "secret" not in answer.json()["detail"]
    assert not HookEndpoint.objects.exists()


def test_only_admins_and_only_kinds_that_there_are(admin: Actor, manager: Actor, client: Client) -> None:
    body = {"name": "x", "url": "https://example.com/", "kinds": ["deal.closed"]}
    assert Till(manager).send("post", "hook-endpoints/", body).status_code == 403
    assert Till(manager).send("get", "hook-deliveries/").status_code == 403
    unknown = Till(admin).send("post", "hook-endpoints/", {**body, "kinds": ["deal.eaten"]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "hook_kind_unknown")
    assert client.get(API + "hook-endpoints/").status_code == 401


def test_the_tables_hold_what_must_be_true(admin: Actor, receiver: Receiver, inside: None) -> None:
    hooks.send_test(actor=admin, endpoint=endpoint(admin, receiver), at=NOON)

    for change in [
        "UPDATE core_hookendpoint SET stopped_reason = 'x'",
        "UPDATE core_hookendpoint SET removed_at = now()",
        "UPDATE core_hookendpoint SET kinds = '{}'",
        "UPDATE core_hookdelivery SET delivered_at = now(), given_up_at = now()",
    ]:
        with pytest.raises(IntegrityError, match="core_hook"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM core_hookendpoint")
        assert "whsec_" not in cursor.fetchone()[0]


@pytest.mark.live
@pytest.mark.timeout(240)
def test_a_worker_killed_between_the_call_and_the_note_tells_it_again_under_the_same_id(
    live: Live, receiver: Receiver, inside: None
) -> None:
    organization, members = house()
    live.programs.env["OUTSIDE_MAY_BE_INSIDE"] = "true"
    receiver.may_answer.clear()
    with organization_scope(organization.pk):
        admin = Actor(organization, members[Role.ADMIN])
        delivery = hooks.send_test(actor=admin, endpoint=endpoint(admin, receiver), at=timezone.now())

        def nudge() -> None:
            Celery(broker=live.redis_url).send_task("core.sweep_hooks")

        worker = live.start_worker(concurrency=1)
        nudge()
        wait_for(lambda: receiver.calls, what="the first call")
        live.kill(worker)
        receiver.may_answer.set()
        HookDelivery.objects.update(due_at=timezone.now())  # the lease has run out
        live.redis().flushdb()
        live.start_worker(concurrency=1)
        nudge()

        wait_for(lambda: HookDelivery.objects.filter(delivered_at__isnull=False).exists(), what="the second call")
        assert receiver.ids == [delivery.event_id] * 2
