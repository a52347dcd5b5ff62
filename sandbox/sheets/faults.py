"""What goes wrong on purpose, and what another person does at the worst of moments."""

import itertools
import random
from dataclasses import dataclass, field
from typing import Any

from .errors import MESSAGES, GoogleError, TokenError

Json = dict[str, Any]

KINDS = {
    # kind: (whether the request is carried out before things go wrong, what it is)
    "error": (False, "Google's envelope with `code` (400, 401, 403, 404, 429, 500, 503) and `message`"),
    "http": (False, "a bare `status` (502) with an HTML body, as proxies answer"),
    "reset": (False, "the connection is torn down without an answer"),
    "timeout": (True, "no answer for `delay` seconds, then the connection is closed"),
    "slow": (True, "the right answer after `delay` seconds"),
    "drip": (True, "the right answer, one byte every `delay` / length seconds"),
    "half_body": (True, "the headers promise the whole answer, the body stops half-way"),
    "wrong_json": (True, "200 with a body that is not JSON"),
    "empty": (True, "200 with an empty body"),
    "person": (True, "another person edits: `ops` (as spreadsheets/<id>/people) just `when` before or after"),
}
PLACES = ("token", "meta", "read", "write", "all")
WRONG_JSON = b'{"spreadsheetId": "1", "valueRanges": [{]'


@dataclass(slots=True)
class Fault:
    """One switch. It lets `after` requests pass, strikes `times`, until `until`, with probability `share`."""

    id: int
    kind: str
    where: str = "all"
    spreadsheet: str = ""
    account: str = ""
    path: str = ""
    code: int = 503
    status: int = 502
    message: str = ""
    taken: bool = False
    retry_after: int | None = None
    delay: float = 30.0
    times: int | None = None
    after: int = 0
    share: float = 1.0
    seed: int = 7
    ops: list[Json] = field(default_factory=list)
    by: str = ""
    when: str = "before"
    until: float | None = None
    struck: int = 0
    failed: str = ""
    dice: random.Random = field(default_factory=random.Random)

    def strikes(self, place: str, spreadsheet: str, account: str, path: str, now: float) -> bool:
        """Whether this request is hit; a hit is counted."""
        if self.where not in (place, "all") or self.times == 0 or (self.until is not None and now > self.until):
            return False
        if (self.spreadsheet and self.spreadsheet != spreadsheet) or (self.account and self.account != account):
            return False
        if self.path and self.path not in path:
            return False
        if self.after > 0:
            self.after -= 1
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
        return {key: value for key, value in shown.items() if value not in (None, "", [])}


class Faults:
    """The switches that are on. Of those that spoil an answer the oldest strikes; persons all do."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, request: Json, now: float) -> Fault:
        """Turn a switch on. Raises ValueError for one that could never strike."""
        wanted = dict(request)
        kind, where = wanted.pop("kind", "error"), wanted.get("where", "all")
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        if where not in PLACES:
            raise ValueError(f"where must be one of {', '.join(PLACES)}")
        seconds = wanted.pop("seconds", None)
        settable = set(Fault.__slots__) - {"id", "kind", "until", "struck", "failed", "dice"}
        if unknown := set(wanted) - settable:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: seconds, {', '.join(sorted(settable))}")
        if kind == "person" and (not wanted.get("ops") or wanted.get("when", "before") not in ("before", "after")):
            raise ValueError("a person needs ops, and when: before or after")
        if kind == "person":
            wanted.setdefault("times", 1)
        wanted.setdefault("taken", KINDS[kind][0])
        fault = Fault(id=next(self._ids), kind=kind, until=None if seconds is None else now + float(seconds), **wanted)
        fault.dice.seed(fault.seed)
        self.active.append(fault)
        return fault

    def strike(
        self, place: str, spreadsheet: str, account: str, path: str, now: float
    ) -> tuple[Fault | None, list[Fault]]:
        """What spoils this request, if anything, and the people who edit beside it."""
        spoiler: Fault | None = None
        people = []
        for each in self.active:
            if each.kind == "person":
                if each.strikes(place, spreadsheet, account, path, now):
                    people.append(each)
            elif spoiler is None and each.strikes(place, spreadsheet, account, path, now):
                spoiler = each
        return spoiler, people

    def remove(self, fault_id: int | None = None) -> int:
        """Turn one switch off, or all of them. Says how many were on."""
        before = len(self.active)
        self.active = [] if fault_id is None else [each for each in self.active if each.id != fault_id]
        return before - len(self.active)


def error_of(fault: Fault, place: str) -> GoogleError:
    """The error that a fault of that kind answers with."""
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    message = fault.message
    if fault.code == 429 and not message:
        message = MESSAGES[429] if place == "write" else MESSAGES[429].replace("Write", "Read")
    return GoogleError(fault.code, message, headers=headers)


def token_error_of(fault: Fault) -> TokenError:
    """The same at the token endpoint, which has its own words."""
    word = {400: "invalid_grant", 401: "invalid_client", 403: "access_denied"}.get(fault.code, "internal_failure")
    return TokenError(word, fault.message or "The sandbox was told to refuse this.", fault.code)


def answered(fault: Fault, status: int) -> int | None:
    """The HTTP status that the client gets to see, for the record. None: no answer at all."""
    if fault.kind == "http":
        return fault.status
    return None if fault.kind in ("reset", "timeout") else status


def describe() -> Json:
    """The kinds of fault there are, for whoever asks the sandbox."""
    return {kind: {"taken": taken, "does": does} for kind, (taken, does) in KINDS.items()}
