"""Telling open pages that something changed: chats are noted as they change and told in one breath."""

import asyncio

from .world import Chat

BREATH = 0.25


class Live:
    """Subscribers wait for the set of chats that changed since they last heard. Costs nothing without a page open."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[list[str]]] = set()
        self._changed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def touch(self, chat: Chat) -> None:
        """This chat has changed."""
        if self._queues:
            self._note(f"{chat.number.id}/{chat.customer.key}")

    def touch_all(self) -> None:
        """So much has changed that pages should read everything again."""
        if self._queues:
            self._note("*")

    def subscribe(self) -> asyncio.Queue[list[str]]:
        """A queue of lists of changed chats."""
        queue: asyncio.Queue[list[str]] = asyncio.Queue()
        self._queues.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[list[str]]) -> None:
        """Stop telling this queue."""
        self._queues.discard(queue)

    def _note(self, key: str) -> None:
        self._changed.add(key)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(BREATH, self._tell)

    def _tell(self) -> None:
        self._timer = None
        changed, self._changed = self._changed, set()
        # A campaign touches thousands: past a screenful, "everything" is shorter.
        told = sorted(changed) if len(changed) <= 50 else ["*"]
        for queue in self._queues:
            queue.put_nowait(told)
