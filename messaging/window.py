"""The customer service window: free text may be sent for 24 hours after the person last wrote. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

WINDOW = timedelta(hours=24)


def closes_at(last_inbound_at: datetime) -> datetime:
    """When the window that this message opened closes."""
    return last_inbound_at + WINDOW


def is_open(window_expires_at: datetime | None, at: datetime) -> bool:
    """Whether free text may be sent at that time. Somebody who never wrote has no window."""
    return window_expires_at is not None and at < window_expires_at


def remaining(window_expires_at: datetime | None, at: datetime) -> timedelta:
    """How long the window stays open; zero when it is closed."""
    return max(window_expires_at - at, timedelta()) if window_expires_at is not None else timedelta()
