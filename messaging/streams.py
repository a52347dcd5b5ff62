"""The open line to an inbox: server-sent events that say what changed, never what was said."""

from __future__ import annotations

from collections.abc import AsyncIterator

import redis
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from core.actors import Actor
from core.doors import page
from core.roles import Capability
from messaging import live

HEARTBEAT_SECONDS = 15.0
# Changes of a moment travel together, so that a campaign does not make every browser fetch a hundred times a second.
GATHER_SECONDS = 0.25
# Then the browser calls again, and is let in again or not: a suspended member does not listen on for ever.
LIFETIME_SECONDS = 600.0
RECONNECT_MILLISECONDS = 3000


@require_GET
@page(Capability.CONVERSATIONS_READ)
def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Who may listen is decided here, before the first byte; the stream itself never touches the database."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    membership_id = actor.membership.pk if actor.membership else 0
    response = StreamingHttpResponse(
        _events(
            organization_id=actor.organization.pk,
            membership_id=membership_id,
            after=request.headers.get("Last-Event-ID") or request.GET.get("after", ""),
        ),
        content_type="text/event-stream",
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def _events(*, organization_id: int, membership_id: int, after: str) -> AsyncIterator[str]:
    # The request's database connection would else stay open, unused, for as long as somebody listens.
    await sync_to_async(connections.close_all)()
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n"
    is_first = True
    try:
        async for heard in live.changes(
            organization_id=organization_id,
            membership_id=membership_id,
            after=after,
            heartbeat_seconds=HEARTBEAT_SECONDS,
            gather_seconds=GATHER_SECONDS,
            lifetime_seconds=LIFETIME_SECONDS,
        ):
            if is_first:
                is_first = False
                yield f"id: {heard.place}\nevent: {'hello' if heard.is_gap else 'back'}\ndata:\n\n"
            if heard.ids:
                tokens = [live.token_of(membership_id=membership_id, conversation_id=each) for each in heard.ids]
                yield f"id: {heard.place}\nevent: changed\ndata: {' '.join(tokens)}\n\n"
            else:
                yield ":\n\n"
    except (redis.RedisError, OSError):
        return  # the browser asks every 15 seconds instead, and calls again
    yield "event: bye\ndata:\n\n"
