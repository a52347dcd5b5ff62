"""Why a slice of a campaign ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """Why a slice ended."""

    NOT_OURS = "not_ours"  # not running, or another engine has it
    MORE = "more"
    WAITING = "waiting"  # nothing can go out before a certain time
    STOPPED = "stopped"  # paused, cancelled
    FENCED = "fenced"
    ENDED = "ended"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class End:
    """The verdict; while it waits, why in words and until when."""

    verdict: Verdict
    note: str = ""
    wakes_at: datetime | None = None
