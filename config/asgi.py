"""The web server's door: `uvicorn config.asgi:application`. Webhooks have a way of their own, past Django's views."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
pages = get_asgi_application()

from messaging.webhooks import PREFIX, Door  # noqa: E402 - only once Django is set up

webhooks = Door()


async def application(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    if scope["type"] == "http" and scope["path"].startswith(PREFIX):
        await webhooks(scope, receive, send)
    else:
        await pages(scope, receive, send)  # type: ignore[arg-type]
