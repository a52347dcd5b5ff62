"""HTTP for WhatsApp: the handshake (GET) and deliveries (POST), with a bound on everything a stranger may use up."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
import structlog
from django.utils import timezone

from core.api.errors import CONTENT_TYPE, problem_body
from core.errors import DomainError
from messaging.errors import (
    ChannelUnknown,
    IntakeBusy,
    SignatureInvalid,
    VerbUnknown,
    VerifyTokenInvalid,
    WebhookMalformed,
    WebhookTooLarge,
    WebhookTooSlow,
)
from messaging.services.intake import House, Letter, judge
from messaging.webhooks.clerk import Clerk

log = structlog.get_logger(__name__)
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/webhooks/whatsapp/"
ADDRESS = re.compile(PREFIX + r"(?P<slug>[-a-zA-Z0-9_]{1,50})/?")
LARGEST_BODY = 3 * 1024 * 1024
MOST_WAITING = 2_000
MOST_HELD_BYTES = 96 * 1024 * 1024
PATIENCE_SECONDS = 15.0  # for a body to be whole, and for it to be stored
RETRY_AFTER_SECONDS = 5
STATUS: dict[type[DomainError], int] = {
    SignatureInvalid: 401,
    VerifyTokenInvalid: 403,
    WebhookMalformed: 400,
    WebhookTooLarge: 413,
    WebhookTooSlow: 408,
    VerbUnknown: 405,
    IntakeBusy: 503,
}  # everything else: 404


class ClientGone(Exception):
    """The caller hung up before the body was whole: nobody waits for an answer."""


class Door:
    """The ASGI application. One for each process, since what waits is counted here."""

    def __init__(self) -> None:
        self._clerk = Clerk()
        self._waiting = 0
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self._answer(scope, receive)
        except ClientGone:
            return
        except DomainError as error:
            await _refuse(send, scope, error)
        except Exception:
            log.exception("webhook_crashed")
            await _send(send, 500, orjson.dumps({"code": "error"}), CONTENT_TYPE)
        else:
            kind = "text/plain; charset=utf-8" if scope["method"] == "GET" else "application/json"
            await _send(send, 200, body, kind)

    async def _answer(self, scope: Scope, receive: Receive) -> bytes:
        """The body of a 200."""
        address = ADDRESS.fullmatch(scope["path"])
        if address is None:
            raise ChannelUnknown(
                "There is nothing at this address: webhooks come to /webhooks/whatsapp/<organisation>/."
            )
        if scope["method"] == "GET":
            return await self._shake_hands(address["slug"], scope["query_string"])
        if scope["method"] != "POST":
            raise VerbUnknown("Webhooks are posted; the handshake is a GET.")
        if self._waiting >= MOST_WAITING:
            raise IntakeBusy("Too many webhooks wait; send it again.")
        self._waiting += 1
        body = bytearray()
        is_whole = False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._read(scope, receive, body)
                is_whole = True
                return await self._take(address["slug"], bytes(body), _header(scope, b"x-hub-signature-256"))
        except TimeoutError:
            if not is_whole:
                raise WebhookTooSlow(f"The body was not whole after {PATIENCE_SECONDS:.0f} s.") from None
            raise IntakeBusy("It was not stored in time; send it again.") from None
        finally:
            self._waiting -= 1
            self._held_bytes -= len(body)

    async def _shake_hands(self, slug: str, query: bytes) -> bytes:
        """Meta proves that it knows our verify token, and we prove that we are there by repeating its challenge."""
        house = await self._clerk.house(slug, is_fresh=True)
        given = dict(parse_qsl(query[:8192].decode("ascii", "replace"), keep_blank_values=True, errors="replace"))
        is_known = house.is_verify_token(given.get("hub.verify_token", ""))
        if not is_known or given.get("hub.mode") != "subscribe":
            log.warning("webhook_refused", reason="verify_token", organization_id=house.organization_id)
            raise VerifyTokenInvalid("The verify token is not that of a number here.")
        return given.get("hub.challenge", "")[:1024].encode()

    async def _read(self, scope: Scope, receive: Receive, body: bytearray) -> None:
        """The raw bytes, never more than WhatsApp sends, never longer than anybody needs."""
        announced = _header(scope, b"content-length")
        if announced.isdigit() and int(announced) > LARGEST_BODY:
            raise WebhookTooLarge("A webhook has at most 3 MB; send it in parts.")
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk = message.get("body", b"")
            body += chunk
            self._held_bytes += len(chunk)
            if len(body) > LARGEST_BODY:
                raise WebhookTooLarge("A webhook has at most 3 MB; send it in parts.")
            if self._held_bytes > MOST_HELD_BYTES:
                raise IntakeBusy("Too many webhooks wait; send it again.")
            if not message.get("more_body"):
                return

    async def _take(self, slug: str, body: bytes, signature: str) -> bytes:
        house = await self._clerk.house(slug)
        try:
            kind = judge(house, body, signature)
        except (SignatureInvalid, ChannelUnknown):
            # Nobody is refused on the word of old secrets.
            house = await self._clerk.house(slug, is_fresh=True)
            kind = self._judge_finally(house, body, signature)
        letter = Letter(slug, house, body, signature, kind, timezone.now())
        return orjson.dumps({"event": await self._clerk.store(letter)})

    def _judge_finally(self, house: House, body: bytes, signature: str) -> Any:
        try:
            return judge(house, body, signature)
        except (SignatureInvalid, ChannelUnknown) as error:
            log.warning("webhook_refused", reason=error.code, organization_id=house.organization_id, bytes=len(body))
            raise


def _header(scope: Scope, name: bytes) -> str:
    """The first header of that name, or nothing."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


async def _refuse(send: Send, scope: Scope, error: DomainError) -> None:
    status = STATUS.get(type(error), 404)
    request_id = str(uuid.uuid4())
    log.info("webhook_answered", status=status, code=error.code, request_id=request_id)
    body = problem_body(status=status, code=error.code, detail=error.message) | {"request_id": request_id}
    # The rest of a body that nobody wants to read would else be read as the next request's beginning.
    more = [(b"connection", b"close")] if scope["method"] == "POST" and status in {408, 413, 503} else []
    more += [(b"retry-after", str(RETRY_AFTER_SECONDS).encode())] if status == 503 else []
    more += [(b"allow", b"GET, POST")] if status == 405 else []
    await _send(send, status, orjson.dumps(body), CONTENT_TYPE, more)


async def _send(
    send: Send, status: int, body: bytes, content_type: str, more: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
