"""What can be understood of a message, and the Protocol of whoever understands it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from messaging.models.meanings import Intent, Sentiment


@dataclass(frozen=True, slots=True)
class Meaning:
    """`language` is ISO 639-1, empty when nothing says which (an emoji, a number)."""

    language: str
    sentiment: Sentiment
    intent: Intent


class Understanding(Protocol):
    """Reads one message of a person. It may be slow, and it may be wrong: nothing is decided by it."""

    name: str

    def read(self, text: str) -> Meaning:
        """Raises UnderstandingDown when it cannot say now."""
        ...


class UnderstandingDown(Exception):
    """A hosted model did not answer, or not in our words: the offline one does."""
