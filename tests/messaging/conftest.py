"""The sandbox as a process, and ways to let time pass for our own tasks."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from config.processes import free_port
from core.actors import Actor, system
from core.models import Organization
from messaging.models import Channel
from messaging.services import processing
from tests.messaging import factories


class Sandbox:
    """The WhatsApp stand-in, spoken to over HTTP only."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_sandbox{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def received(self, kind: str = "messages") -> list[Any]:
        found: list[Any] = self.ask("GET", f"/received?kind={kind}")["received"]
        return found

    def bodies(self) -> list[bytes]:
        """Every webhook body that it has posted so far, once nothing waits."""
        return [each["body"] for each in self.ask("GET", "/webhooks?limit=1000")["webhooks"]]


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[str]:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"{url}/_sandbox/healthz", timeout=1):
                    break
            except OSError:
                time.sleep(0.1)
        yield url
        process.terminate()


@pytest.fixture
def sandbox(sandbox_process: str, settings: Any) -> Sandbox:
    """Fresh for each test: our account, number and template, and nothing else. It posts no webhook by itself."""
    settings.WHATSAPP_API_URL = sandbox_process
    found = Sandbox(sandbox_process)
    found.ask(
        "POST",
        "/configure",
        {
            "reset": True,
            "window": "off",  # ours is what is tested
            "webhooks": {"mode": "held"},
            "behaviours": {"read": 0},
            "accounts": [
                {
                    "id": factories.WABA_ID,
                    "app_secret": factories.APP_SECRET,
                    "verify_token": factories.VERIFY_TOKEN,
                    "token": factories.ACCESS_TOKEN,
                    "numbers": [{"id": factories.NUMBER_ID, "display_phone_number": factories.OUR_NUMBER}],
                    "templates": [
                        {
                            "name": "unit_wanted",
                            "language": "en",
                            "category": "MARKETING",
                            "components": [factories.BODY],
                        }
                    ],
                }
            ],
        },
    )
    found.ask("DELETE", "/faults")
    found.ask("DELETE", "/received")
    return found


@pytest.fixture
def channel(organization: Organization) -> Channel:
    return factories.channel(organization)


@pytest.fixture
def majlis(organization: Organization) -> Actor:
    """Majlis itself, as its tasks act."""
    return system(organization)


@pytest.fixture
def process(majlis: Actor) -> Callable[[], None]:
    """What the worker would do with the webhooks that were stored."""

    def run() -> None:
        from django.utils import timezone

        while processing.process_webhooks(actor=majlis, at=timezone.now()):
            pass

    return run


@pytest.fixture
def receive(client: Client, channel: Channel, process: Callable[[], None]) -> Callable[..., None]:
    """Webhooks come in at the door, and are processed."""

    def take(*values: dict[str, Any], **kwargs: Any) -> None:
        answer = factories.deliver(client, factories.body(*values, **kwargs))
        assert answer.status_code == 200, answer.content
        process()

    return take


@pytest.fixture
def relay(sandbox: Sandbox, client: Client, channel: Channel, process: Callable[[], None]) -> Callable[..., None]:
    """Whatever the sandbox holds back comes in at our door, as it would be posted; again with `copies`."""
    callback = {"id": factories.WABA_ID, "callback_url": "http://127.0.0.1:9/"}
    sandbox.ask("POST", "/configure", {"accounts": [callback], "webhooks": {"mode": "held", "retry_for": 0}})
    seen = 0

    def take(copies: int = 1) -> None:
        nonlocal seen
        sandbox.ask("POST", "/webhooks/release", {"order": "ladder"})
        for posted in sandbox.ask("GET", f"/webhooks?since={seen}&limit=1000")["webhooks"]:
            seen = posted["seq"]
            for _ in range(copies):
                answer = factories.deliver(client, json.dumps(posted["body"]).encode())
                assert answer.status_code == 200, answer.content
        process()

    return take
