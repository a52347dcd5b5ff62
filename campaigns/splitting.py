"""Who gets which of two messages: by a stable hash, so that asking twice, or later, says the same. Pure."""

from __future__ import annotations

import hashlib

FIRST, SECOND = "a", "b"


def variant_of(campaign_id: int | None, contact_id: int, second_percent: int | None) -> str:
    """`a` or `b`; "" when there is no second message. Another campaign splits the same people in another way."""
    if second_percent is None:
        return ""
    digest = hashlib.sha256(f"{campaign_id or 0}:{contact_id}".encode()).digest()
    return SECOND if int.from_bytes(digest[:8]) % 10_000 < second_percent * 100 else FIRST
