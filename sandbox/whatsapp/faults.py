"""Things that go wrong on purpose: which requests a fault strikes, and how it spoils the answer."""

import itertools
import random
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.lines import broken, page

from .errors import REFUSALS, GraphError
from .world import Json

KINDS = {
    # kind: (whether the message is taken before things go wrong, what it is)
    "error": (False, "a Graph error envelope with `code`; `via` webhook accepts and fails the message later"),
    "http": (False, "a bare `status` (500, 503, 429, ...) with an HTML body, as proxies answer"),
    "unauthorized": (False, "401 with code 190, as when the token has expired"),
    "reset": (False, "the connection is torn down without an answer"),
    "timeout": (True, "no answer for `delay` seconds, then the connection is closed"),
    "slow": (True, "the right answer after `delay` seconds"),
    "drip": (True, "the right answer, one byte every `delay` / length seconds"),
    "half_body": (True, "the headers promise the whole answer, the body stops half-way"),
    "wrong_json": (True, "200 with a body that is not JSON"),
    "empty": (True, "200 with an empty body"),
}
PLACES = ("messages", "media", "templates", "graph")


@dataclass(slots=True)
class Fault:
    """One switch. It strikes while it has `times` left, until `until`, with probability `share`."""

    id: int
    kind: str
    where: str = "messages"
    phone_number_id: str = ""
    to: str = ""
    to_ends_with: str = ""
    code: int = 131000
    status: int | None = None
    via: str = "http"
    accept: bool = False
    retry_after: int | None = None
    delay: float = 30.0
    times: int | None = None
    share: float = 1.0
    seed: int = 7
    until: float | None = None
    struck: int = 0
    dice: random.Random = field(default_factory=random.Random)

    def strikes(self, where: str, number_id: str, to: str, now: float) -> bool:
        """Whether this request is hit; a hit is counted."""
        if self.where not in (where, "graph") or self.times == 0 or (self.until is not None and now > self.until):
            return False
        if self.phone_number_id and self.phone_number_id != number_id:
            return False
        if (self.to and self.to != to) or (self.to_ends_with and not to.endswith(self.to_ends_with)):
            return False
        if self.share < 1.0 and self.dice.random() >= self.share:
            return False
        if self.times is not None:
            self.times -= 1
        self.struck += 1
        return True

    def shown(self) -> Json:
        """The switch as the admin endpoint lists it."""
        shown = {name: getattr(self, name) for name in self.__slots__ if name != "dice"}
        return {key: value for key, value in shown.items() if value not in (None, "")}


class Faults:
    """The switches that are on, oldest first; the first that matches strikes."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, request: Json, now: float) -> Fault:
        """Turn a switch on. Raises ValueError for one that could never strike."""
        wanted = dict(request)
        kind, where = wanted.pop("kind", "error"), wanted.get("where", "messages")
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        if where not in PLACES:
            raise ValueError(f"where must be one of {', '.join(PLACES)}")
        seconds = wanted.pop("seconds", None)
        settable = set(Fault.__slots__) - {"id", "kind", "until", "struck", "dice"}
        if unknown := set(wanted) - settable:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: seconds, {', '.join(sorted(settable))}")
        if wanted.get("via") == "webhook":
            wanted["accept"] = True
        wanted.setdefault("accept", KINDS[kind][0])
        fault = Fault(id=next(self._ids), kind=kind, until=None if seconds is None else now + float(seconds), **wanted)
        if kind == "error" and fault.code not in REFUSALS and fault.status is None:
            raise ValueError(f"code {fault.code} is not in the catalogue; give its HTTP status too")
        fault.dice.seed(fault.seed)
        self.active.append(fault)
        return fault

    def find(self, where: str, number_id: str, to: str, now: float) -> Fault | None:
        """The fault that strikes this request, if any."""
        return next((each for each in self.active if each.strikes(where, number_id, to, now)), None)

    def remove(self, fault_id: int | None = None) -> int:
        """Turn one switch off, or all of them. Says how many were on."""
        before = len(self.active)
        self.active = [] if fault_id is None else [each for each in self.active if each.id != fault_id]
        return before - len(self.active)


def error_of(fault: Fault) -> GraphError | None:
    """The Graph error this fault answers with, if it is of that kind."""
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.kind == "unauthorized":
        return GraphError(190, message=EXPIRED, subcode=463, headers=headers)
    if fault.kind == "error":
        return GraphError(fault.code, status=fault.status, headers=headers)
    return None


WRONG_JSON = b'{"messaging_product": "whatsapp", "messages": [{]'
EXPIRED = "Error validating access token: Session has expired."


async def spoil(fault: Fault, request: web.Request, status: int, answer: bytes) -> web.StreamResponse:
    """Answer as the fault demands; `answer` is what an undisturbed request would have got."""
    if fault.kind == "http":
        return page(fault.status or 500, fault.retry_after)
    wrong = WRONG_JSON if fault.kind == "wrong_json" else answer
    return await broken(fault.kind, request, status=status, answer=wrong, delay=fault.delay)


def answered(fault: Fault, status: int) -> int | None:
    """The HTTP status that the client gets to see, for the record. None: no answer at all."""
    if fault.kind == "http":
        return fault.status or 500
    return None if fault.kind in ("reset", "timeout") else status


def describe() -> Json:
    """The kinds of fault there are, for whoever asks the sandbox."""
    return {kind: {"accepts_first": accepts, "does": does} for kind, (accepts, does) in KINDS.items()}
