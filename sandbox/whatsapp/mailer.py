"""Posting webhooks: gathered into bodies, signed, a few at a time, and again until somebody answers 200."""

import asyncio
import contextlib
import logging
import random
import secrets
from collections import Counter, deque
from dataclasses import dataclass, field

import aiohttp
import orjson

from . import payloads
from .world import Account, Json, World

log = logging.getLogger(__name__)

LARGEST_BODY = 3 * 1024 * 1024
KEPT_BODIES = 5_000
KEPT_BYTES = 128 * 1024 * 1024


@dataclass(slots=True)
class Delivery:
    """One body on its way, with every attempt made so far."""

    seq: int
    account: Account
    data: bytes
    changes: int
    at: float
    state: str = "waiting"  # waiting, delivered, retrying, given_up
    attempts: list[Json] = field(default_factory=list)

    def shown(self) -> Json:
        """What the admin endpoint says about it."""
        return {
            "seq": self.seq,
            "account": self.account.id,
            "at": self.at,
            "changes": self.changes,
            "state": self.state,
            "attempts": self.attempts,
            "body": orjson.loads(self.data),
        }


class Mailer:
    """Collects changes for each account and posts them to its callback."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counts: Counter[str] = Counter()
        self.log: deque[Delivery] = deque()
        self._logged_bytes = 0
        self._seq = 0
        self._waiting: dict[str, list[bytes]] = {}
        self._held: dict[str, list[bytes]] = {}
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._timer: asyncio.TimerHandle | None = None
        self._retries: set[asyncio.TimerHandle] = set()
        self._workers: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self._random = random.Random(world.settings.seed)
        self._posting = 0

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the connections. Called once the loop runs, and again when `concurrency` changes."""
        await self.stop()
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self.world.settings.webhooks.timeout),
            headers={"User-Agent": "facebookexternalua", "Content-Type": "application/json"},
        )
        self._workers = [asyncio.create_task(self._work()) for _ in range(self.world.settings.webhooks.concurrency)]

    async def stop(self) -> None:
        """Close the connections. What waits stays in the queue."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers = []
        if self._session is not None:
            await self._session.close()
            self._session = None

    def forget(self) -> None:
        """Drop everything that waits, and the record of what was posted."""
        self.counts.clear()
        self.log.clear()
        self._logged_bytes = 0
        self._waiting.clear()
        self._held.clear()
        for retry in self._retries:
            retry.cancel()
        self._retries.clear()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._random.seed(self.world.settings.seed)

    # -- what the rest of the sandbox calls ---------------------------------------------------------------------------

    def post(self, account: Account, change: Json) -> None:
        """Send one change to the account's callback, soon, together with others."""
        if not account.callback_url:
            self.counts["no_callback"] += 1
            return
        held = self.world.settings.webhooks.mode == "held"
        (self._held if held else self._waiting).setdefault(account.id, []).append(payloads.encode(change))
        self.counts["changes"] += 1
        if not held and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(
                self.world.settings.webhooks.gather + self.world.settings.webhooks.delay, self._flush
            )

    def release(self, *, order: str, copies: int, batch: int) -> Json:
        """Post what was held back. Says how many changes went out in how many bodies."""
        released = {key: self._held.pop(key) for key in list(self._held)}
        bodies = sum(self._post_all(key, changes, order, copies, batch) for key, changes in released.items())
        return {"changes": sum(map(len, released.values())), "bodies": bodies}

    def replay(self, deliveries: list[Delivery], *, copies: int, shuffle: bool, seed: int) -> Json:
        """Post recorded bodies again, byte for byte."""
        again = [each for each in deliveries for _ in range(copies)]
        if shuffle:
            random.Random(seed).shuffle(again)
        for each in again:
            self._enqueue(each.account, each.data, each.changes)
        return {"bodies": len(again)}

    @property
    def held(self) -> int:
        """How many changes are held back."""
        return sum(map(len, self._held.values()))

    @property
    def pending(self) -> int:
        """How many changes or bodies are still to be posted for the first time or again."""
        return sum(map(len, self._waiting.values())) + self._queue.qsize() + len(self._retries) + self._posting

    async def handshake(self, account: Account) -> Json:
        """Meta's GET with hub.challenge. True only if the callback echoes the challenge as the whole body."""
        if not account.callback_url:
            return {"ok": False, "status": None, "detail": "no callback_url configured"}
        challenge = str(secrets.randbelow(10**10))
        query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": account.verify_token}
        try:
            async with self._http().get(account.callback_url, params=query, allow_redirects=False) as answer:
                text = (await answer.content.read(4096)).decode(errors="replace").strip()
        except (aiohttp.ClientError, TimeoutError) as error:
            return {"ok": False, "status": None, "detail": f"{type(error).__name__}: {error}"}
        ok = answer.status == 200 and text == challenge
        return {
            "ok": ok,
            "status": answer.status,
            "detail": "" if ok else f"expected {challenge!r}, got {text[:200]!r}",
        }

    # -- the road out -------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, {}
        rules = self.world.settings.webhooks
        for key, changes in waiting.items():
            self._post_all(key, changes, rules.order, rules.copies, rules.batch)

    def _post_all(self, account_id: str, changes: list[bytes], order: str, copies: int, batch: int) -> int:
        account = self.world.accounts.get(account_id)
        if account is None:
            return 0
        if order == "shuffled":
            self._random.shuffle(changes)
        bodies = 0
        for some in _bodies(changes, max(1, min(batch, 1000))):
            data = payloads.body(account, some, self.world.now())
            for _ in range(copies):
                self._enqueue(account, data, len(some))
                bodies += 1
        return bodies

    def _enqueue(self, account: Account, data: bytes, changes: int) -> None:
        self._seq += 1
        delivery = Delivery(self._seq, account, data, changes, self.world.now())
        self.log.append(delivery)
        self._logged_bytes += len(data)
        while len(self.log) > KEPT_BODIES or (self._logged_bytes > KEPT_BYTES and len(self.log) > 1):
            self._logged_bytes -= len(self.log.popleft().data)
        self.counts["bodies"] += 1
        self._queue.put_nowait(delivery)

    async def _work(self) -> None:
        while True:
            delivery = await self._queue.get()
            self._posting += 1
            try:
                await self._attempt(delivery)
            finally:
                self._posting -= 1

    async def _attempt(self, delivery: Delivery) -> None:
        account = delivery.account
        headers = {"X-Hub-Signature-256": payloads.sign(account.app_secret, delivery.data)}
        loop = asyncio.get_running_loop()
        started, status, error = loop.time(), None, ""
        try:
            async with self._http().post(
                account.callback_url, data=delivery.data, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
                with contextlib.suppress(aiohttp.ClientError):
                    await answer.content.read(1024)
        except (aiohttp.ClientError, TimeoutError) as problem:
            error = f"{type(problem).__name__}: {problem}"
        delivery.attempts.append({"status": status, "error": error, "ms": round((loop.time() - started) * 1000, 1)})
        self.counts["attempts"] += 1
        if status == 200:
            delivery.state = "delivered"
            self.counts["delivered"] += 1
            return
        log.info("webhook %s not accepted: %s", delivery.seq, status or error)
        self._retry(delivery)

    def _retry(self, delivery: Delivery) -> None:
        rules = self.world.settings.webhooks
        if self.world.now() - delivery.at >= rules.retry_for:
            delivery.state = "given_up"
            self.counts["given_up"] += 1
            return
        delivery.state = "retrying"
        self.counts["retries"] += 1
        wait = min(rules.first_retry * 2 ** (len(delivery.attempts) - 1), rules.slowest_retry)

        def again() -> None:
            self._retries.discard(handle)
            self._queue.put_nowait(delivery)

        handle = asyncio.get_running_loop().call_later(wait, again)
        self._retries.add(handle)

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the mailer is not started")
        return self._session


def _bodies(changes: list[bytes], batch: int) -> list[list[bytes]]:
    """Cut a list of changes where a body would hold too many of them or too many bytes."""
    bodies: list[list[bytes]] = []
    size = 0
    for each in changes:
        if not bodies or len(bodies[-1]) >= batch or size + len(each) > LARGEST_BODY - 1024:
            bodies.append([])
            size = 0
        bodies[-1].append(each)
        size += len(each) + 1
    return bodies
