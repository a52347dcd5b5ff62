"""The status ladder: what happens to an accepted message, and what its recipient does about it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from . import payloads
from .agenda import Agenda
from .behaviour import Destiny
from .mailer import Mailer
from .world import Chat, Message, World


class Ladder:
    """Moves messages through sent, delivered and read, or to failed, each with its webhook."""

    def __init__(self, world: World, agenda: Agenda, mailer: Mailer) -> None:
        self.world = world
        self.counts: Counter[str] = Counter()
        self.on_change: Callable[[Chat], None] = lambda _: None
        self.on_answer: Callable[..., None] = lambda *_: None
        self._agenda = agenda
        self._mailer = mailer

    def begin(self, message: Message, destiny: Destiny) -> None:
        """Plan the life of a message that was just accepted."""
        pace = self.world.settings.pace
        slower = 1 + pace.jitter * destiny.luck
        if destiny.fail is not None:
            self._agenda.after(pace.failed * slower, self.advance, message, "failed", destiny.fail)
            return
        self._agenda.after(pace.sent * slower, self._climb, message, destiny, slower)

    def advance(self, message: Message, step: str, code: int | None = None) -> bool:
        """Report one status, unless the message is already beyond it."""
        if not message.reach(step):
            return False
        if step == "failed":
            message.error = code
        self.counts[step] += 1
        profile = self.world.settings.webhooks.profile_in_statuses
        change = payloads.status(message, step, self.world.now(), code=code, profile=profile)
        self._mailer.post(message.chat.number.account, change)
        self.on_change(message.chat)
        return True

    def _climb(self, message: Message, destiny: Destiny, slower: float) -> None:
        # One entry per message in the agenda, not three: each rung plans the next.
        pace = self.world.settings.pace
        if message.step == "accepted":
            self.advance(message, "sent")
            if destiny.delivered:
                self._later(max(0.0, pace.delivered - pace.sent) * slower, message, destiny, slower)
        elif message.step == "sent":
            if not destiny.skips_delivered:
                self.advance(message, "delivered")
            if destiny.skips_delivered:
                self._read(message, destiny)
            elif destiny.read:
                self._later(max(0.0, pace.read - pace.delivered) * slower, message, destiny, slower)
        elif destiny.read:
            self._read(message, destiny)

    def _later(self, seconds: float, *args: Any) -> None:
        self._agenda.after(seconds, self._climb, *args)

    def _read(self, message: Message, destiny: Destiny) -> None:
        self.advance(message, "read")
        for kind, text, after in destiny.answers:
            self._agenda.after(after, self.on_answer, message, kind, text)
