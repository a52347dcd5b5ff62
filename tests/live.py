"""Majlis as it runs: web server, workers, scheduler and sandbox as processes, over a database of the test's own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis

from config import processes
from config.processes import Process, Supervisor, free_port
from core.models import Membership, Organization
from core.roles import Role
from tests.conftest import person
from tests.databases import MINE, clone, drop, point_at, template, url_of
from tests.plugin import REDIS_DATABASES


class Live:
    """Everything of one running Majlis. Programs are started as the test needs them, and stopped when it ends."""

    def __init__(self, programs: Supervisor, database: str, redis_url: str) -> None:
        self.programs = programs
        self.database = database
        self.redis_url = redis_url
        self.sandbox_url = ""
        self.base_url = ""
        self._workers = 0

    def start_sandbox(self) -> Process:
        """The stand-in for WhatsApp and Google Sheets; tells every program started after it where it is."""
        port = free_port()
        self.sandbox_url = f"http://127.0.0.1:{port}"
        process = self.programs.start("sandbox", processes.sandbox(port))
        process.wait_for_port(port)
        self.programs.env["WHATSAPP_API_URL"] = self.programs.env["SHEETS_API_URL"] = self.sandbox_url
        return process

    def start_web(self) -> Process:
        port = free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        self.programs.env["BASE_URL"] = self.base_url
        process = self.programs.start("web", processes.web(port))
        process.wait_for_url(f"{self.base_url}/healthz")
        return process

    def start_worker(self, concurrency: int = 2, **queues: str) -> Process:
        self._workers += 1
        process = self.programs.start(f"worker{self._workers}", processes.worker(concurrency, **queues))
        process.wait_for_line("ready.")
        return process

    def start_scheduler(self) -> Process:
        return self.programs.start("scheduler", processes.scheduler())

    def kill(self, process: Process) -> None:
        """kill -9 the program and all that it started, and forget it."""
        os.killpg(process.pid, signal.SIGKILL)
        process.stop()
        self.programs._processes.remove(process)

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.redis_url)

    def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        """Speak to the sandbox's own endpoints (`/_sandbox/...`, sandbox/README.md)."""
        request = urllib.request.Request(
            self.sandbox_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")


def wait_for(condition: Callable[[], Any], *, seconds: float = 30, what: str = "it") -> Any:
    """The first true answer of the condition; fails the test when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.1)


def house(slug: str = "palm", name: str = "Palm Brokers") -> tuple[Organization, dict[Role, Membership]]:
    """A committed organisation with one member of every role, who sign in as <role>@<slug>.example with PASSWORD."""
    organization = Organization.objects.create(slug=slug, name=name)
    members = {
        role: Membership.objects.create(
            organization=organization,
            user=person(f"{role}@{slug}.example", role.label),
            role=role,
        )
        for role in Role
    }
    return organization, members


@pytest.fixture
def committed(worker_database: str, django_db_blocker: Any) -> Iterator[str]:
    """A migrated database of this test's own, where other threads and processes see what the test writes.

    Gives its name; nothing is rolled back, the whole database is dropped. Open a scope yourself: organization_scope().
    """
    name = f"{MINE}_{secrets.token_hex(4)}"
    with django_db_blocker.unblock():
        clone(template(), name)
        point_at(name)
        yield name
        point_at(worker_database)
        drop(name)


@pytest.fixture
def live(committed: str, tmp_path: Path) -> Iterator[Live]:
    """Nothing runs yet: the test starts what its story needs."""
    parts = urlsplit(os.environ["REDIS_URL"])
    own = int(parts.path.strip("/") or 0)
    redis_url = urlunsplit(parts._replace(path=f"/{own + 1 + secrets.randbelow(REDIS_DATABASES - 1)}"))
    env = {
        "MAJLIS_ENV": "test",
        "DATABASE_URL": url_of(committed),
        "DATABASE_OWNER_URL": url_of(committed, "owner"),
        "REDIS_URL": redis_url,
        "MEDIA_ROOT": str(tmp_path / "media"),
    }
    redis.Redis.from_url(redis_url).flushdb()
    with Supervisor(logs=tmp_path / "logs", env=env) as programs:
        yield Live(programs, committed, redis_url)
