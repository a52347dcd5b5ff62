"""Group commit: whatever arrived while the last transaction was on its way goes into the next one, together.

There is no timer: alone, a webhook is stored at once; under load the batches grow by themselves. One at a time asks the
database, in the thread in which Django keeps the connection, so that role, scope and limits are those of all other code.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connection

from core.errors import DomainError
from messaging.errors import HouseUnknown, IntakeBusy
from messaging.services import intake
from messaging.services.intake import House, Letter
from messaging.webhooks.waker import Waker

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

MOST_LETTERS = 500  # in one transaction
MOST_BYTES = 8 * 1024 * 1024
# A database that restarts is waited for; what could not be stored by then is refused, and WhatsApp brings it again.
WAITS = (0.05, 0.2, 0.5, 1.0)


class Clerk:
    """Belongs to one event loop. Everything waits in memory only until the next commit."""

    def __init__(self) -> None:
        self._houses: dict[str, House] = {}
        self._asked: dict[str, asyncio.Future[House | None]] = {}
        self._letters: deque[tuple[Letter, asyncio.Future[int]]] = deque()
        self._work: asyncio.Task[None] | None = None
        self._waker = Waker()

    async def house(self, slug: str, *, is_fresh: bool = False) -> House:
        """The house of this address as it was last seen, or (`is_fresh`) as it is now. Raises HouseUnknown."""
        found = None if is_fresh else self._houses.get(slug)
        if found is None:
            found = await self._asked.setdefault(slug, self._future())
        if found is None:
            raise HouseUnknown("There is no such organisation.")
        return found

    async def store(self, letter: Letter) -> int:
        """The id of the event, once it is committed. Raises what `judge` raises, and IntakeBusy."""
        stored: asyncio.Future[int] = self._future()
        self._letters.append((letter, stored))
        return await stored

    def _future(self) -> asyncio.Future[Result]:
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._serve())
        return asyncio.get_running_loop().create_future()

    async def _serve(self) -> None:
        """Until nothing waits. Nobody who waits here is left without an answer."""
        while self._asked or self._letters:
            if self._asked:
                asked, self._asked = self._asked, {}
                await self._find(asked)
            if self._letters:
                await self._store(self._next())

    def _next(self) -> list[tuple[Letter, asyncio.Future[int]]]:
        taken: list[tuple[Letter, asyncio.Future[int]]] = []
        size = 0
        while self._letters and len(taken) < MOST_LETTERS and (not taken or size < MOST_BYTES):
            letter, stored = self._letters.popleft()
            if not stored.done():  # else whoever waited has given up
                taken.append((letter, stored))
                size += len(letter.body)
        return taken

    async def _find(self, asked: dict[str, asyncio.Future[House | None]]) -> None:
        try:
            found = await _firmly(intake.find_houses, list(asked))
        except Exception as error:
            for waiting in asked.values():
                _fail(waiting, error)
            return
        for slug, waiting in asked.items():
            self._remember(slug, found.get(slug))
            if not waiting.done():
                waiting.set_result(found.get(slug))

    async def _store(self, waiting: Sequence[tuple[Letter, asyncio.Future[int]]]) -> None:
        if not waiting:
            return
        letters = [letter for letter, _ in waiting]
        try:
            stored = await _firmly(intake.store_webhooks, letters)
        except Exception as error:
            await self._store_apart(waiting, error)
            return
        for slug, house in stored.changed.items():
            self._remember(slug, house)
        houses = set()
        for (letter, future), answer in zip(waiting, stored.answers, strict=True):
            if isinstance(answer, DomainError):
                _fail(future, answer)
                continue
            houses.add(letter.house.organization_id)
            if not future.done():
                future.set_result(answer)
        log.info("webhooks_stored", count=len(waiting), houses=len(houses))
        self._waker.wake(houses)

    async def _store_apart(self, waiting: Sequence[tuple[Letter, asyncio.Future[int]]], error: Exception) -> None:
        """The trouble of one house is told to that house alone."""
        houses = {letter.house.organization_id for letter, _ in waiting}
        if len(houses) == 1 or isinstance(error, IntakeBusy):
            log.error("webhooks_not_stored", count=len(waiting), houses=len(houses), error=type(error).__name__)
            for _, future in waiting:
                _fail(future, error)
            return
        for house in houses:
            await self._store([each for each in waiting if each[0].house.organization_id == house])

    def _remember(self, slug: str, house: House | None) -> None:
        if house is None:
            self._houses.pop(slug, None)
        else:
            self._houses[slug] = house


async def _firmly(ask: Callable[..., Result], given: object) -> Result:
    """Ask the database; on a new connection when the old one is lost. Raises IntakeBusy when it stays away."""
    for wait in (*WAITS, None):
        try:
            return await sync_to_async(ask)(given)
        except (OperationalError, InterfaceError) as error:
            log.warning("webhook_database_away", error=type(error).__name__)
            await sync_to_async(_hang_up)()
            if wait is None:
                raise IntakeBusy("The database does not answer; send it again.") from error
        await asyncio.sleep(wait)
    raise AssertionError("the last wait is None")


def _hang_up() -> None:
    connection.close()  # looked up here: each thread has its own


def _fail(future: asyncio.Future[Result], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
