"""How far a running import is. Kept beside its transaction, which nobody can look into before it ends."""

from __future__ import annotations

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

KEPT = 3600
MERGING = -1


def report(run_id: int, row: int, of: int) -> None:
    """The row just read; MERGING when all are read. A cache that is down costs the view of it, not the import."""
    try:
        cache.set(f"sheets:progress:{run_id}", {"row": row, "of": of}, KEPT)
    except (RedisError, OSError):
        log.warning("progress_lost", run_id=run_id)


def rows(run_id: int) -> tuple[int, int]:
    """The row just read (MERGING when all are), and how many there are; 0 of 0 when nothing is known."""
    try:
        at = cache.get(f"sheets:progress:{run_id}") or {"row": 0, "of": 0}
    except (RedisError, OSError):
        return 0, 0
    return int(at["row"]), int(at["of"])


def percent(run_id: int) -> int:
    """0-99 of a running import: reading the rows is two thirds of the way."""
    row, of = rows(run_id)
    return 70 if row == MERGING else min(66, 66 * row // max(1, of))
