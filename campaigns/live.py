"""Telling open pages that a campaign moved: the log of messaging, on a topic of its own."""

from __future__ import annotations

from collections.abc import Iterable

from messaging import live

TOPIC = "campaigns"


def announce(*, organization_id: int, campaign_ids: Iterable[int]) -> None:
    """Say, once the present transaction has committed, that these campaigns changed. Never raises, never waits long."""
    live.announce_rows(organization_id=organization_id, ids=campaign_ids, topic=TOPIC)
