"""The engine's one line to the database: a thread of its own, so that sending never waits for a statement."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection

from core.tenancy import organization_scope

log = structlog.get_logger(__name__)

ResultT = TypeVar("ResultT")
TRIES = 6


class Database:
    """Runs functions one after another in one thread, inside the organisation's scope.

    A lost connection, a deadlock or a lock that did not come is tried again on a new one; so every function given
    must be one transaction that may be run twice.
    """

    def __init__(self, organization_id: int) -> None:
        self._organization_id = organization_id
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="campaign-db")
        self._scope: ExitStack | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=True)

    async def __call__(self, function: Callable[..., ResultT], *args: object) -> ResultT:
        """The function's result. Raises the last error when the database stays away."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._run, function, args)

    def _run(self, function: Callable[..., ResultT], args: tuple[object, ...]) -> ResultT:
        for attempt in range(1, TRIES + 1):
            try:
                if self._scope is None:
                    self._scope = ExitStack()
                    self._scope.enter_context(organization_scope(self._organization_id))
                return function(*args)
            except (OperationalError, InterfaceError) as error:
                self._forget()
                if attempt == TRIES:
                    raise
                log.warning("campaign_database_again", error=type(error).__name__, attempt=attempt)
                time.sleep(random.uniform(0.05, 0.1) * 2**attempt)  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    def _forget(self) -> None:
        """A new connection starts with no organisation, so the scope is opened again with it."""
        self._scope = None
        connection.close()

    def _close(self) -> None:
        if self._scope is not None:
            try:
                self._scope.close()
            except (OperationalError, InterfaceError):
                log.warning("campaign_database_gone")
        connection.close()
