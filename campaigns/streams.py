"""The open line to a campaign's page: server-sent events that say that something changed, never what."""

from __future__ import annotations

from collections.abc import AsyncIterator

import redis
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from campaigns.live import TOPIC
from campaigns.models import Campaign
from core.actors import Actor
from core.doors import page
from core.roles import Capability
from messaging import live
from messaging.streams import HEARTBEAT_SECONDS, LIFETIME_SECONDS, RECONNECT_MILLISECONDS

# A campaign changes many times a second; a page is drawn anew once.
GATHER_SECONDS = 1.0


@require_GET
@page(Capability.CAMPAIGNS_READ)
def stream(request: HttpRequest, campaign_id: int) -> StreamingHttpResponse:
    """Who may listen is decided here, before the first byte; the stream itself never touches the database."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    campaign = get_object_or_404(Campaign.objects.visible_to(actor), pk=campaign_id)
    membership_id = actor.membership.pk if actor.membership else 0
    events = _events(actor.organization.pk, membership_id, campaign.pk, request.headers.get("Last-Event-ID") or "")
    response = StreamingHttpResponse(events, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def _events(organization_id: int, membership_id: int, campaign_id: int, after: str) -> AsyncIterator[str]:
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
            topic=TOPIC,
        ):
            is_news = campaign_id in heard.ids or (is_first and heard.is_gap)
            yield f"id: {heard.place}\nevent: changed\ndata:\n\n" if is_news else f"id: {heard.place}\n:\n\n"
            is_first = False
    except (redis.RedisError, OSError):
        return  # the page asks every few seconds instead, and calls again
    yield "event: bye\ndata:\n\n"
