"""Waking the workers, in a thread of its own: a broker that is slow or gone holds up nobody's answer."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from core.jobs import nudge

# The sweeper finds what waits sooner than that; a queue of old nudges after a night without workers helps nobody.
NUDGE_EXPIRES_SECONDS = 30.0


class Waker:
    """Wakes for each organisation once, however often it is asked to while an earlier nudge is on its way."""

    def __init__(self) -> None:
        self._wanted: set[int] = set()
        self._lock = threading.Lock()
        self._is_running = False

    def wake(self, organization_ids: Iterable[int]) -> None:
        """Have a worker look what these houses have. Returns at once, and never raises."""
        with self._lock:
            self._wanted.update(organization_ids)
            if self._is_running or not self._wanted:
                return
            self._is_running = True
        threading.Thread(target=self._run, name="webhook-waker", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, set()
                if not wanted:
                    self._is_running = False
                    return
            for organization_id in sorted(wanted):
                nudge("messaging.process_webhooks", {"organization_id": organization_id}, expires=NUDGE_EXPIRES_SECONDS)
