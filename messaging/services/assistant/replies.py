"""What one answer consists of, before it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.actors import Actor
from messaging.models.assistant import Outcome


@dataclass(frozen=True, slots=True)
class Asked:
    """One turn: who asks, in which language, and with what words."""

    actor: Actor
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """`words` go to the member; `shown` is what may stand in the thread, where it differs. `summary` is for the log and
    for copies: what was given away, numbers masked; empty when nothing was."""

    words: str
    outcome: Outcome
    shown: str = ""
    choices: list[dict[str, Any]] = field(default_factory=list)
    summary: str = ""
