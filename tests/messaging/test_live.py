"""Hints to open inboxes: after commit only, opaque, and never in the way of a change."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import transaction

from config.processes import free_port
from messaging import live, streams


@pytest.fixture
def heard(organization):
    """What has come into the organisation's log since it was last asked."""
    client: Any = redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)
    newest = client.xrevrange(live.channel_of(organization.pk), count=1)
    place = [newest[0][0] if newest else "0-0"]

    def since():
        found = client.xrange(live.channel_of(organization.pk), min=f"({place[0]}")
        if not found:
            return None
        place[0] = found[-1][0]
        return found[-1][1]["ids"]

    yield since
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


def listening(organization, **options):
    return live.changes(
        organization_id=organization.pk,
        **{"heartbeat_seconds": 0.2, "gather_seconds": 0.1, "lifetime_seconds": 5} | options,
    )


def announce(ids, organization_id):
    live._publish(live.channel_of(organization_id), ids)


def test_changes_of_a_moment_travel_together_and_silence_gives_signs_of_life(organization):
    async def listen():
        stream = listening(organization)
        assert (await anext(stream)).is_gap
        announce("1,2", organization.pk)
        announce("2,3", organization.pk)
        announce("4", organization.pk + 1)
        heard = (await anext(stream)).ids, (await anext(stream)).ids
        await stream.aclose()
        return heard

    assert asyncio.run(listen()) == (frozenset({1, 2, 3}), frozenset())


def test_after_a_gap_one_catches_up_on_what_was_missed_and_no_more(organization):
    async def listen():
        announce("1", organization.pk)
        stream = listening(organization)
        place = (await anext(stream)).place
        await stream.aclose()
        announce("7,-5", organization.pk)
        announce("8", organization.pk)
        back = listening(organization, after=place, membership_id=5)
        first = await anext(back)
        announce("9", organization.pk)
        later = await anext(back)
        await back.aclose()
        return first, later

    first, later = asyncio.run(listen())
    assert (first.ids, first.is_gap, later.ids) == (frozenset({7, 8}), False, frozenset({9}))


@pytest.mark.parametrize("after", ["1-0", "nonsense", "9" * 400, ""])
def test_who_was_away_too_long_looks_at_everything(organization, after):
    async def listen():
        announce("1", organization.pk)
        stream = listening(organization, after=after)
        first = await anext(stream)
        await stream.aclose()
        return first

    assert asyncio.run(listen()).is_gap


def test_the_line_says_where_it_is_and_goes_on_from_there(organization, agent):
    async def listen():
        announce("1", organization.pk)
        stream = listening(organization)
        place = (await anext(stream)).place
        await stream.aclose()
        announce("77", organization.pk)
        line = streams._events(organization_id=organization.pk, membership_id=agent.membership.pk, after=place)
        told = [await anext(line) for _ in range(3)]
        await line.aclose()
        return "".join(told), place

    told, place = asyncio.run(listen())
    token = live.token_of(membership_id=agent.membership.pk, conversation_id=77)
    assert "event: back" in told
    assert f"event: changed\ndata: {token}" in told
    assert f"id: {place}" not in told  # it stands after what was missed
