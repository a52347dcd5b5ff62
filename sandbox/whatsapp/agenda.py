"""Things to do later, thousands of them, with one timer: statuses, replies, template reviews."""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

TICK = 0.01


class Agenda:
    """Calls functions when they are due, in order, from a single timer of the running loop."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def after(self, seconds: float, call: Callable[..., object], *args: Any) -> None:
        """Call a function in so many seconds."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        heapq.heappush(self._due, (due, next(self._order), call, args))
        if self._timer is None or due < self._timer.when() - TICK:
            self._arm(loop)

    def forget(self) -> None:
        """Drop everything that was planned."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Never sooner than one tick from now: a flood of short delays must not become a flood of timers.
        self._timer = loop.call_at(max(self._due[0][0], loop.time() + TICK), self._run)

    def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        now = loop.time()
        while self._due and self._due[0][0] <= now:
            _, _, call, args = heapq.heappop(self._due)
            try:
                call(*args)
            except Exception:  # one broken entry must not stop every status after it
                log.exception("planned call failed: %r", call)
        if self._due:
            self._arm(loop)
