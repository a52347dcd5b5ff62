"""Hints to open inboxes: after commit only, opaque, and never in the way of a change."""

from __future__ import annotations

import asyncio
import time

import pytest
import redis
from django.conf import settings
from django.db import transaction

from config.processes import free_port
from messaging import live


@pytest.fixture
def heard(organization):
    """What reaches the organisation's channel."""
    client = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(live.channel_of(organization.pk))
    listener.get_message(timeout=1)
    yield lambda: (listener.get_message(timeout=0.3) or {}).get("data")
    listener.close()
    client.close()


def test_a_hint_is_sent_after_the_commit_and_not_before(organization, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        live.announce_many(organization_id=organization.pk, conversation_ids=[9, 7, 9])
        assert heard() is None

    assert heard() == "7,9"


def test_what_is_rolled_back_is_not_announced(organization, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        live.announce(organization_id=organization.pk, conversation_id=7)
        transaction.set_rollback(True)

    assert heard() is None


def test_a_dead_redis_costs_a_change_next_to_nothing(
    organization, settings, monkeypatch, django_capture_on_commit_callbacks
):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    monkeypatch.setattr(live, "_silent_until", 0.0)
    before = time.monotonic()

    for conversation_id in range(50):
        with django_capture_on_commit_callbacks(execute=True):
            live.announce(organization_id=organization.pk, conversation_id=conversation_id)

    assert time.monotonic() - before < 2


def test_each_member_knows_a_conversation_by_another_token():
    mine = live.token_of(membership_id=1, conversation_id=7)

    assert mine == live.token_of(membership_id=1, conversation_id=7)
    assert mine != live.token_of(membership_id=2, conversation_id=7)
    assert mine != live.token_of(membership_id=1, conversation_id=8)


def test_changes_of_a_moment_travel_together_and_silence_gives_signs_of_life(organization):
    async def listen():
        stream = live.changes(
            organization_id=organization.pk, heartbeat_seconds=0.2, gather_seconds=0.1, lifetime_seconds=5
        )
        assert await anext(stream) == frozenset()
        client = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        await client.publish(live.channel_of(organization.pk), "1,2")
        await client.publish(live.channel_of(organization.pk), "2,3")
        await client.publish(live.channel_of(organization.pk + 1), "4")
        heard = await anext(stream), await anext(stream)
        await client.aclose()
        await stream.aclose()
        return heard

    assert asyncio.run(listen()) == (frozenset({1, 2, 3}), frozenset())
