"""A running sandbox, a business that listens to its webhooks, and a client: all over real HTTP, in one loop."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from config.processes import free_port
from sandbox.app import build

Json = dict[str, Any]

TOKEN = "EAAG-test-token"
SECRET = "shhh, this is the app secret"
VERIFY = "verify me"
NUMBER = "2001"
ACCOUNT = "1001"
FAST = {"sent": 0.0, "delivered": 0.02, "read": 0.04, "failed": 0.0, "jitter": 0.0}

HELLO = {
    "name": "hello",
    "language": "en",
    "category": "MARKETING",
    "components": [
        {"type": "BODY", "text": "Hello {{1}}, about {{2}}."},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Call me"}]},
    ],
}


@dataclass
class Business:
    """The callback of a business: keeps every webhook, answers what it is told to."""

    bodies: list[bytes] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    handshakes: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[int], int] = lambda attempt: 200
    verify_token: str = VERIFY

    async def receive(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            self.handshakes.append(dict(request.query))
            ok = request.query.get("hub.verify_token") == self.verify_token
            return web.Response(text=request.query["hub.challenge"]) if ok else web.Response(status=403)
        self.bodies.append(await request.read())
        self.signatures.append(request.headers["X-Hub-Signature-256"])
        self.headers.append(dict(request.headers))
        return web.Response(status=self.answer(len(self.bodies)))

    @property
    def changes(self) -> list[Json]:
        """Every change of every body, in order of arrival. Bodies that are not rightly signed fail here."""
        for body, signature in zip(self.bodies, self.signatures, strict=True):
            digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            assert signature == f"sha256={digest}"
        return [change for body in self.bodies for entry in json.loads(body)["entry"] for change in entry["changes"]]

    @property
    def statuses(self) -> list[Json]:
        return [status for change in self.changes for status in change["value"].get("statuses", [])]

    @property
    def messages(self) -> list[Json]:
        return [message for change in self.changes for message in change["value"].get("messages", [])]


@dataclass
class Stand:
    """What a test holds: the sandbox's address, a session, and the business."""

    url: str
    session: aiohttp.ClientSession
    business: Business
    callback: str

    async def admin(self, path: str, body: Json | None = None, method: str = "") -> Json:
        """Call an admin endpoint: GET without a body, POST with one."""
        method = method or ("GET" if body is None else "POST")
        async with self.session.request(method, f"{self.url}/_sandbox/{path}", json=body) as answer:
            payload: Json = await answer.json()
            assert answer.status == 200, payload
            return payload

    async def graph(
        self, method: str, path: str, body: Json | None = None, *, token: str = TOKEN, **more: Any
    ) -> tuple[int, Json]:
        """Call the Graph API as a client does."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.session.request(
            method, f"{self.url}/v25.0/{path}", json=body, headers=headers, **more
        ) as answer:
            return answer.status, json.loads(await answer.read() or b"null")

    async def send(self, to: str = "971500000100", **more: Any) -> tuple[int, Json]:
        """Send a text, or whatever `more` says instead."""
        message: Json = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "Hello"}, **more}
        return await self.graph("POST", f"{NUMBER}/messages", message)

    async def send_template(
        self, to: str = "971500000100", *texts: str, name: str = "hello", **more: Any
    ) -> tuple[int, Json]:
        """Send the hello template with these body parameters."""
        parameters = [{"type": "text", "text": text} for text in texts or ("Reem", "Vardon")]
        template = {
            "name": name,
            "language": {"code": "en"},
            "components": [{"type": "body", "parameters": parameters}],
        }
        return await self.send(to, type="template", template=template, **more)

    async def write(self, who: str = "971500000100", text: str = "Hi", **more: Any) -> str:
        """Write to the business as a customer; returns the wamid."""
        return str((await self.admin(f"customers/{who}/messages", {"text": text, **more}))["id"])

    async def until(self, condition: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait for something to have happened."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(app: web.Application, port: int) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def stand(**configuration: Any) -> AsyncIterator[Stand]:
    """A configured sandbox: one account, one number, one approved template, statuses within milliseconds."""
    port, callback_port = free_port(), free_port()
    business = Business()
    listener = web.Application()
    listener.router.add_route("*", "/hook", business.receive)
    url, callback = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{callback_port}/hook"
    number = {"id": NUMBER, "display_phone_number": "+971 4 200 0001", "verified_name": "Akoya Homes"}
    account = {
        "id": ACCOUNT,
        "token": TOKEN,
        "app_secret": SECRET,
        "verify_token": VERIFY,
        "callback_url": callback,
        "numbers": [number | configuration.pop("number", {})],
        "templates": [HELLO, *configuration.pop("templates", [])],
    }
    webhooks = {"concurrency": 1, "first_retry": 0.02, **configuration.pop("webhooks", {})}
    async with (
        serving(listener, callback_port),
        serving(build(url), port),
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
    ):
        it = Stand(url, session, business, callback)
        whole = {"accounts": [account], "pace": FAST, "webhooks": webhooks, **configuration}
        report = await it.admin("configure", whole)
        assert report["accounts"][0]["handshake"]["ok"], report
        yield it
