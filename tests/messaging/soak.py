"""A stretch of an agency's traffic while worker, broker and database connections die, and what must hold at the end.

Used by the test (a small one) and by benchmarks/soak.py. The judge is the sandbox's own record: what its customers
wrote, what it took from us, and where each of those messages stands.
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from config import processes
from config.embedded import find_redis
from config.processes import Process, free_port
from core.actors import Actor, system
from core.roles import Role
from core.services import issue_token
from core.tenancy import organization_scope
from messaging.models import Conversation, Message, ParkedStatus, WebhookEvent
from messaging.services import delivery, processing
from tests.crm import factories as crm
from tests.live import Live, house, wait_for
from tests.messaging import factories

# Whether a message of that kind counts as unread is asked of nothing here: only that each is kept once.
KINDS: list[dict[str, Any]] = [
    *({"type": "text", "text": text} for text in ("Is it free?", "كم السعر؟", "Yes", "Call me after five")),
    {"type": "image", "image": {"caption": "The terrace"}},
    {"type": "audio"},
    {"type": "document"},
    {"type": "video"},
    {"type": "sticker"},
    {"type": "location", "location": {"latitude": 25.1, "longitude": 55.2, "name": "Marina"}},
    {"type": "contacts", "contacts": [{"name": {"formatted_name": "Reem Example"}, "phones": []}]},
    {"type": "button", "button": {"text": "Yes", "payload": "yes"}},
    {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "a", "title": "Viewing"}}},
    {"type": "unsupported"},
    {"type": "reaction"},
    {"type": "edit"},
    {"type": "revoke"},
]
FINAL = {"accepted", "sent", "delivered", "read", "failed"}


@dataclass(frozen=True)
class Plan:
    """How much, in how many seconds, and how often something dies."""

    inbound: int = 150
    sends: int = 60
    people: int = 30
    seconds: float = 15.0
    seconds_between_deaths: float = 2.5
    settle_seconds: float = 90.0
    seed: int = 7


@dataclass
class Soak:
    """One run: prepare, run, settle, verify."""

    live: Live
    plan: Plan
    deaths: Counter[str] = field(default_factory=Counter)
    wrote: dict[str, str] = field(default_factory=dict)  # what customers wrote: wamid, kind
    asked: list[str] = field(default_factory=list)  # request ids that the API took
    trouble: list[BaseException] = field(default_factory=list)
    api_retries: int = 0
    fell: int = 0  # workers that ended by themselves, not by us

    def prepare(self) -> None:
        live = self.live
        self.chance = random.Random(self.plan.seed)
        self._broker_port = free_port()
        live.redis_url = live.programs.env["REDIS_URL"] = f"redis://127.0.0.1:{self._broker_port}/0"
        self._broker = self._start_broker()
        self.organization, members = house()
        live.start_sandbox()
        live.start_web()
        with organization_scope(self.organization.pk):
            channel = factories.channel(self.organization)
            _, self._secret = issue_token(
                actor=Actor(self.organization, members[Role.MANAGER]), name="soak", at=timezone.now()
            )
            self._phones = [f"9715012{index:05}" for index in range(self.plan.people)]
            self._talks = []
            for phone in self._phones:
                contact = crm.contact(self.organization, "Person Example")
                crm.point(contact, f"+{phone}")
                self._talks.append(factories.conversation(channel, contact, address=phone).pk)
        self._configure_sandbox()
        self._worker = self._start_worker()
        self._worker.wait_for_line("ready.")
        self._scheduler = live.start_scheduler()

    def _configure_sandbox(self) -> None:
        number = {"id": factories.NUMBER_ID, "display_phone_number": factories.OUR_NUMBER}
        account = {
            "id": factories.WABA_ID,
            "app_secret": factories.APP_SECRET,
            "verify_token": factories.VERIFY_TOKEN,
            "token": factories.ACCESS_TOKEN,
            "callback_url": f"{self.live.base_url}/webhooks/whatsapp/palm/",
            "numbers": [number | {"throughput": None, "pair_limit": False}],
        }
        self.live.sandbox(
            "POST",
            "/_sandbox/configure",
            {
                "reset": True,
                "seed": self.plan.seed,
                "window": "off",
                "magic_numbers": False,
                "record": 1_000_000,
                "behaviours": {"answer": "templates", "read": 0.6, "chat_open": 0.1, "fail": {"131000": 0.1}},
                "pace": {"sent": 0.02, "delivered": 0.1, "read": 0.4},
                # Everything twice, and what comes within 0.3 s mixed.
                "webhooks": {
                    "order": "shuffled", "copies": 2, "gather": 0.3, "batch": 20, "concurrency": 8, "timeout": 10,
                    "first_retry": 0.5, "slowest_retry": 2,
                },
                "accounts": [account],
            },
        )  # fmt: skip

    # -- the traffic ----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Customers write, agents answer, and things die, until the time is over."""
        self._over = threading.Event()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self._our_connection = cursor.fetchone()[0]
        work = [threading.Thread(target=self._guard, args=[each]) for each in (self._write, self._send)]
        for thread in work:
            thread.start()
        # In this thread: Linux stops what a thread has started when that thread ends (config/processes.py).
        self._kill(work)
        if self.trouble:
            raise self.trouble[0]

    def _guard(self, work: Any) -> None:
        try:
            work()
        except BaseException as error:
            self.trouble.append(error)
            self._over.set()

    def _paced(self, count: int) -> Iterator[int]:
        began = time.monotonic()
        for index in range(count):
            if self._over.wait(max(began + index * self.plan.seconds / count - time.monotonic(), 0)):
                return
            yield index

    def _write(self) -> None:
        chance = random.Random(self.plan.seed + 1)
        last: dict[str, str] = {}
        for index in self._paced(self.plan.inbound):
            who = chance.choice(self._phones)
            said = dict(KINDS[index % len(KINDS)])
            if said["type"] in ("reaction", "edit", "revoke"):
                if who not in last:
                    said = {"type": "text", "text": "Hello"}
                elif said["type"] == "reaction":
                    said["reaction"] = {"message_id": last[who], "emoji": "👍"}
                else:
                    said |= {"original": last[who], "text": "I meant four"}
            answer = self.live.sandbox("POST", f"/_sandbox/customers/{who}/messages", said)
            self.wrote[answer["id"]] = said["type"]
            if said["type"] == "text":
                last[who] = answer["id"]

    def _send(self) -> None:
        chance = random.Random(self.plan.seed + 2)
        for index in self._paced(self.plan.sends):
            body = {"conversation": chance.choice(self._talks), "body": f"Answer {index}"}
            self._post(body | {"client_request_id": f"soak-{index}"})
            self.asked.append(f"soak-{index}")

    def _post(self, body: dict[str, Any]) -> None:
        """As a client does that lost its line: the same request again, until somebody says yes."""
        request = urllib.request.Request(
            f"{self.live.base_url}/api/v1/palm/messages/",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"},
        )
        for _ in range(30):
            try:
                with urllib.request.urlopen(request, timeout=20):
                    return
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    raise AssertionError(f"{error.code}: {error.read().decode()[:500]}") from None
            except OSError:
                pass
            self.api_retries += 1
            time.sleep(0.3)
        raise AssertionError("The API did not take a message in thirty tries.")

    # -- the deaths -----------------------------------------------------------------------------------------------

    def _kill(self, work: list[threading.Thread]) -> None:
        """As long as anybody works. Each way in turn first, so that a short run has them all; then by chance."""
        ways = [self._cut_connections, self._kill_broker, self._kill_worker]
        turn = 0
        while turn < len(ways) or any(thread.is_alive() for thread in work):
            wait = self.plan.seconds_between_deaths * self.chance.uniform(0.5, 1.5)
            for thread in work:
                thread.join(wait / len(work))
            self._restart_what_fell()
            way = ways[turn] if turn < len(ways) else self.chance.choice(ways)
            turn += 1
            way()
            self.deaths[way.__name__.removeprefix("_")] += 1

    def _restart_what_fell(self) -> None:
        """As a process manager does (docs/operations.md): a worker of Celery may end by itself when its broker dies."""
        if not self._worker.is_alive:
            self.fell += 1
            self._worker = self._start_worker()

    def _kill_worker(self) -> None:
        """Once it was ready; nobody waits for its successor to be."""
        self._restart_what_fell()
        self._worker.wait_for_line("ready.")
        self.live.kill(self._worker)
        self._worker = self._start_worker()

    def _start_worker(self) -> Process:
        return self.live.programs.start(f"worker{self.deaths.total() + self.fell}", processes.worker(2))

    def _kill_broker(self) -> None:
        self.live.kill(self._broker)
        time.sleep(self.chance.uniform(0.2, 1.0))
        self._broker = self._start_broker()  # and it has forgotten everything

    def _cut_connections(self) -> None:
        parts = urlsplit(os.environ["MAJLIS_SUPERUSER_URL"])
        with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as superuser:
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
                [self.live.database, self._our_connection],
            )

    def _start_broker(self) -> Process:
        command = [str(find_redis()), "--port", str(self._broker_port), "--bind", "127.0.0.1", "--save", ""]
        broker = self.live.programs.start("broker", [*command, "--appendonly", "no"])
        broker.wait_for_port(self._broker_port)
        return broker

    # -- the end --------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let everything come to rest. Leases are let run out by saying that it is later than it is."""
        majlis = system(self.organization)

        def is_at_rest() -> bool:
            later = timezone.now() + timedelta(minutes=2)
            while processing.process_webhooks(actor=majlis, at=later):
                pass
            self._restart_what_fell()
            delivery.sweep_messages(actor=majlis, at=later)  # asks a worker for each: not too often
            time.sleep(2)
            # In this order: what is sent yet has statuses to come, and what comes yet has to be processed.
            if Message.objects.filter(status__in=["queued", "sending"]).exists():
                return False
            summary = self.live.sandbox("GET", "/_sandbox/summary")
            if summary["planned"] or summary["webhooks"]["pending"] or summary["webhooks"]["held"]:
                return False
            return not WebhookEvent.objects.exclude(state__in=["done", "failed"]).exists()

        try:
            wait_for(is_at_rest, seconds=self.plan.settle_seconds, what="everything to come to rest")
        except pytest.fail.Exception as error:  # a worker may live and take nothing: its last words say why
            raise AssertionError(f"{error.msg}. {self._worker.last_words(40)}") from None

    def verify(self) -> dict[str, Any]:
        """Raises AssertionError with what does not hold; else the figures."""
        inbound = Counter(Message.objects.filter(direction="inbound").values_list("provider_id", flat=True))
        lost = set(self.wrote) - set(inbound)
        assert not lost, f"{len(lost)} of {len(self.wrote)} messages were lost: {[self.wrote[each] for each in lost]}"
        assert set(inbound) == set(self.wrote)
        assert max(inbound.values()) == 1

        ours = {message.pk: message for message in Message.objects.filter(direction="outbound")}
        assert sorted(message.client_request_id for message in ours.values()) == sorted(self.asked)
        taken = self._taken()
        twice = {message_id: wamids for message_id, wamids in taken.items() if len(wamids) > 1}
        assert not twice, f"sent more than once: {twice}"
        steps = self._steps()
        wrong = {}
        for message_id, message in ours.items():
            wamids = taken.get(message_id, [])
            right = {steps[wamids[0]]} if wamids else {"unknown", "failed"}
            if message.status not in right or message.provider_id != "".join(wamids):
                wrong[message_id] = (message.status, right, message.provider_id, wamids)
        assert not wrong, f"{len(wrong)} of {len(ours)} messages stand wrong: {wrong}"
        failed = list(WebhookEvent.objects.filter(state="failed").values_list("error", flat=True)[:3])
        assert not failed, failed
        assert ParkedStatus.objects.count() == 0
        return self._figures(ours, taken)

    def _taken(self) -> dict[int, list[str]]:
        """What the sandbox took, by the number of our row that every message carries."""
        taken: dict[int, list[str]] = {}
        since = 0
        while True:
            page = self.live.sandbox("GET", f"/_sandbox/received?kind=messages&since={since}&limit=1000")
            for each in page["received"]:
                carried = re.fullmatch(r"m(\d+)\.\d+", each["biz_opaque_callback_data"] or "")
                if carried and each["accepted"]:
                    taken.setdefault(int(carried[1]), []).append(each["accepted"])
            if not page["received"]:
                return taken
            since = page["next"]

    def _steps(self) -> dict[str, str]:
        """Where each message that the sandbox took stands on the customer's phone."""
        steps = {}
        for phone in self._phones:
            where = f"/_sandbox/customers/{phone}/messages?phone_number_id={factories.NUMBER_ID}"
            for message in self.live.sandbox("GET", where)["messages"]:
                if not message["inbound"]:
                    steps[message["id"]] = message["status"]
        assert set(steps.values()) <= FINAL, set(steps.values())
        return steps

    def _figures(self, ours: dict[int, Message], taken: dict[int, list[str]]) -> dict[str, Any]:
        summary = self.live.sandbox("GET", "/_sandbox/summary")
        return {
            "inbound_written": len(self.wrote),
            "inbound_kept_exactly_once": len(self.wrote),
            "kinds": len(set(self.wrote.values())),
            "sends_asked": len(self.asked),
            "sends_taken_by_whatsapp": len(taken),
            "sends_taken_twice": 0,
            "fates": dict(Counter(message.status for message in ours.values())),
            "webhook_bodies": summary["webhooks"]["bodies"],
            "webhook_attempts": summary["webhooks"]["attempts"],
            "webhooks_stored": WebhookEvent.objects.count(),
            "webhooks_taken_up_again": WebhookEvent.objects.filter(attempts__gt=1).count(),
            "statuses_told": summary["statuses"],
            "api_requests_repeated": self.api_retries,
            "conversations": Conversation.objects.count(),
            "deaths": dict(self.deaths),
            "workers_fell": self.fell,
        }
