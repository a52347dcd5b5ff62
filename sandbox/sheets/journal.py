"""The record of every request to Google: what was asked, and what became of it."""

import itertools
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

import orjson

Json = dict[str, Any]

KEPT_BODY = 64 * 1024


@dataclass(slots=True)
class Entry:
    """One request. `place` is token, meta, read or write; `operation` is Google's method."""

    seq: int
    at: float
    method: str
    path: str
    place: str
    operation: str
    account: str = ""
    spreadsheet: str = ""
    body: bytes = b""
    status: int | None = None
    taken: bool = False
    fault: str | None = None
    message: str = ""
    size: int = 0

    def shown(self) -> Json:
        """The entry as JSON. No tokens and no assertions are kept."""
        shown = {name: getattr(self, name) for name in self.__slots__ if name != "body"}
        return {**shown, "body": _decoded(self.body)}


class Journal:
    """A bounded list of entries, and exact counts since the last reset."""

    def __init__(self, limit: int = 20_000) -> None:
        self._seq = itertools.count(1)
        self.entries: deque[Entry] = deque(maxlen=limit)
        self.forget()

    def forget(self) -> None:
        """Empty the record. Sequence numbers go on."""
        self.entries.clear()
        self.received = 0
        self.by_operation: Counter[str] = Counter()
        self.by_place: Counter[str] = Counter()
        self.by_status: Counter[str] = Counter()
        self.by_fault: Counter[str] = Counter()
        self.by_spreadsheet: dict[str, Counter[str]] = {}

    def begin(self, **known: Any) -> Entry:
        """An entry for a request that has just come in."""
        return Entry(seq=next(self._seq), **known)

    def add(self, entry: Entry) -> None:
        """Record a request once its answer is known."""
        entry.body = entry.body[:KEPT_BODY]
        self.entries.append(entry)
        self.received += 1
        self.by_operation[entry.operation] += 1
        self.by_place[entry.place] += 1
        self.by_status[str(entry.status)] += 1
        if entry.fault:
            self.by_fault[entry.fault] += 1
        if entry.spreadsheet:
            self.by_spreadsheet.setdefault(entry.spreadsheet, Counter())[entry.place] += 1

    def select(self, *, since: int, limit: int, place: str = "", spreadsheet: str = "") -> list[Entry]:
        """Entries after a sequence number that match, oldest first."""
        found = (
            each
            for each in self.entries
            if each.seq > since
            and (not place or each.place == place)
            and (not spreadsheet or each.spreadsheet == spreadsheet)
        )
        return list(itertools.islice(found, limit))

    def summary(self) -> Json:
        """Counts over everything since the last reset."""
        return {
            "received": self.received,
            "by_place": dict(self.by_place),
            "by_operation": dict(self.by_operation),
            "by_status": dict(self.by_status),
            "by_spreadsheet": {key: dict(counts) for key, counts in self.by_spreadsheet.items()},
            "faults": dict(self.by_fault),
        }


def _decoded(data: bytes) -> Any:
    try:
        return orjson.loads(data) if data else None
    except orjson.JSONDecodeError:
        return data.decode(errors="replace")
