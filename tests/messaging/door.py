"""Calling the webhook door as an ASGI server does, in this process and on this test's database connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import async_to_sync

from messaging.webhooks import Door


class Answer:
    """What came back."""

    def __init__(self, sent: Sequence[MutableMapping[str, Any]]) -> None:
        self.status_code: int = sent[0]["status"]
        self.headers = {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}
        self.content = b"".join(message["body"] for message in sent[1:])

    def json(self) -> Any:
        return json.loads(self.content)

    def __getitem__(self, header: str) -> str:
        return str(self.headers[header])


class HungUp(Exception):
    """The caller went away, and nobody answered."""


async def ask(
    method: str,
    path: str,
    body: bytes | Sequence[bytes] = b"",
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    door: Door | None = None,
    is_whole: bool = True,
    hangs: bool = False,
) -> Answer:
    """One request; a body in several pieces arrives in several pieces, and half a one ends in silence or a hang-up."""
    sent: list[MutableMapping[str, Any]] = []
    pieces = [body] if isinstance(body, bytes) else list(body)

    async def receive() -> MutableMapping[str, Any]:
        if not pieces and hangs:
            await asyncio.Event().wait()
        if not pieces:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces) or not is_whole}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": urlencode(query or {}).encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    await (door or Door())(scope, receive, send)
    if not sent:
        raise HungUp
    return Answer(sent)


call = async_to_sync(ask)
