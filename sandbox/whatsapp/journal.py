"""The record of everything received, in order: the judge of "nothing sent twice, nothing lost"."""

import itertools
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

import orjson

from .world import Json

SECRET_HEADERS = (b"authorization", b"cookie")
LARGEST_KEPT_BODY = 64 * 1024


@dataclass(slots=True)
class Entry:
    """One request and what became of it. Kept raw; decoded only when somebody reads it."""

    seq: int
    id: str
    at: float
    kind: str
    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    number_id: str = ""
    to: str = ""
    callback_data: str | None = None
    accepted: str | None = None
    status: int | None = None
    answer: bytes = b""
    code: int | None = None
    fault: str | None = None

    def shown(self) -> Json:
        """The entry as JSON, without the bearer token."""
        return {
            "seq": self.seq,
            "id": self.id,
            "at": self.at,
            "kind": self.kind,
            "method": self.method,
            "path": self.path,
            "headers": {
                name.decode().lower(): value.decode(errors="replace")
                for name, value in self.headers
                if name.lower() not in SECRET_HEADERS
            },
            "phone_number_id": self.number_id or None,
            "to": self.to or None,
            "biz_opaque_callback_data": self.callback_data,
            "accepted": self.accepted,
            "status": self.status,
            "code": self.code,
            "fault": self.fault,
            "body": _decoded(self.body),
            "answer": _decoded(self.answer),
        }


class Journal:
    """A bounded list of entries, and exact counts that are never dropped before a reset."""

    def __init__(self, limit: int) -> None:
        self._seq = itertools.count(1)
        self.entries: deque[Entry] = deque(maxlen=limit)
        self.forget()

    def forget(self) -> None:
        """Empty the record. Sequence numbers go on, so that nobody reads an old one as new."""
        self.entries.clear()
        self.received = 0
        self.accepted = 0
        self.by_kind: Counter[str] = Counter()
        self.by_code: Counter[int] = Counter()
        self.by_fault: Counter[str] = Counter()
        self.received_by_number: Counter[str] = Counter()
        self.accepted_by_number: Counter[str] = Counter()
        self.received_by_person: Counter[str] = Counter()
        self.accepted_by_person: Counter[str] = Counter()
        self.accepted_by_callback_data: Counter[str] = Counter()

    def resize(self, limit: int) -> None:
        """Keep at most so many entries from now on."""
        if limit != self.entries.maxlen:
            self.entries = deque(self.entries, maxlen=limit)

    def next_seq(self) -> int:
        """The number of the next entry."""
        return next(self._seq)

    def add(self, entry: Entry) -> None:
        """Record one request once its answer is known."""
        if len(entry.body) > LARGEST_KEPT_BODY:
            entry.body = entry.body[:LARGEST_KEPT_BODY]
        self.entries.append(entry)
        self.received += 1
        self.by_kind[entry.kind] += 1
        if entry.code is not None:
            self.by_code[entry.code] += 1
        if entry.fault is not None:
            self.by_fault[entry.fault] += 1
        if entry.kind != "messages":
            return
        self.received_by_number[entry.number_id] += 1
        self.received_by_person[entry.to] += 1
        if entry.accepted is not None:
            self.accepted += 1
            self.accepted_by_number[entry.number_id] += 1
            self.accepted_by_person[entry.to] += 1
            if entry.callback_data is not None:
                self.accepted_by_callback_data[entry.callback_data] += 1

    def select(self, *, since: int, limit: int, kind: str = "", number_id: str = "", to: str = "") -> list[Entry]:
        """Entries after a sequence number that match, oldest first."""
        found = (
            each
            for each in self.entries
            if each.seq > since
            and (not kind or each.kind == kind)
            and (not number_id or each.number_id == number_id)
            and (not to or each.to == to)
        )
        return list(itertools.islice(found, limit))

    def summary(self, *, people: bool, most: int) -> Json:
        """Counts over everything since the last reset. `people` adds the counts of every single recipient."""
        summary: Json = {
            "received": self.received,
            "by_kind": dict(self.by_kind),
            "messages": {
                "received": self.by_kind["messages"],
                "accepted": self.accepted,
                "refused": {str(code): count for code, count in self.by_code.items()},
                "faults": dict(self.by_fault),
            },
            "by_phone_number": {
                number: {"received": count, "accepted": self.accepted_by_number[number]}
                for number, count in self.received_by_number.items()
            },
            "to": {
                "distinct": len(self.received_by_person),
                "accepted_distinct": len(self.accepted_by_person),
                "accepted_more_than_once": _repeated(self.accepted_by_person, most),
            },
            "biz_opaque_callback_data": {
                "distinct": len(self.accepted_by_callback_data),
                "accepted_more_than_once": _repeated(self.accepted_by_callback_data, most),
            },
        }
        if people:
            summary["to"]["accepted"] = dict(self.accepted_by_person)
        return summary


def _repeated(counts: Counter[str], most: int) -> Json:
    repeated = [(key, count) for key, count in counts.items() if count > 1]
    return {"count": len(repeated), "examples": dict(repeated[:most])}


def _decoded(data: bytes) -> Any:
    try:
        return orjson.loads(data) if data else None
    except orjson.JSONDecodeError:
        return data.decode(errors="replace")
