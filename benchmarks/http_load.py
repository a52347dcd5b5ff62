"""A bare HTTP/1.1 client for benchmarks: prepared requests over kept connections, as fast as answers come or at a pace.

It parses no more of an answer than its status and length, so that the server beside it gets most of the machine.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Result:
    """What one run showed. Latencies in seconds, in no order."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    def shown(self) -> dict[str, Any]:
        return {
            "per_second": round(self.per_second),
            "p50_ms": round(self.percentile(0.5), 2),
            "p99_ms": round(self.percentile(0.99), 2),
            "statuses": {str(status): count for status, count in self.statuses.items()},
        }


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def get(path: str, headers: dict[str, str]) -> bytes:
    """As post, for reading."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def run(port: int, requests: Sequence[bytes], *, connections: int, pace: float = 0) -> Result:
    """Send all of them, one at a time on each connection; with a pace (a second), each when its moment has come.

    With a pace the latency counts from that moment, also when no connection was free: nothing hides a stall.
    """
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(port, requests, connections, pace))


async def _run(port: int, requests: Sequence[bytes], connections: int, pace: float) -> Result:
    result, waiting = Result(), iter(enumerate(requests))
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    began = time.perf_counter()
    await asyncio.gather(*(_work(line, waiting, result, began, pace) for line in lines))
    result.seconds = time.perf_counter() - began
    for _, writer in lines:
        writer.close()
    return result


async def _work(
    line: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    waiting: Iterator[tuple[int, bytes]],
    result: Result,
    began: float,
    pace: float,
) -> None:
    reader, writer = line
    for index, request in waiting:
        if pace:
            due = began + index / pace
            await asyncio.sleep(max(due - time.perf_counter(), 0))
        else:
            due = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b"content-length:" not in head.lower():
            raise RuntimeError(f"An answer without a length: {head.decode()}")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        result.latencies.append(time.perf_counter() - due)
        result.statuses[int(head[9:12])] += 1
