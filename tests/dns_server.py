"""A small DNS server of the tests' own: real UDP, the answers of a table, and whatever can go wrong on request."""

from __future__ import annotations

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

# domain: (record type, record), or the code of a refusal, or "silence".
ZONES: dict[str, Any] = {
    "mail-house.ae": ("MX", "10 mx.mail-house.ae."),
    "old-house.ae": ("A", "94.200.1.1"),
    "null-house.ae": ("MX", "0 ."),
    "bare-house.ae": None,
    "broken-house.ae": dns.rcode.SERVFAIL,
    "silent-house.ae": "silence",
}


class Answering(socketserver.BaseRequestHandler):
    asked: ClassVar[Counter[str]] = Counter()

    def handle(self) -> None:
        data, line = self.request
        question = dns.message.from_wire(data)
        name = question.question[0].name.to_text().rstrip(".").lower()
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        type(self).asked[name] += 1
        said = ZONES.get(name, dns.rcode.NXDOMAIN)
        if said == "silence":
            return
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if isinstance(said, tuple) and said[0] == kind:
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, said[1]))
        elif isinstance(said, int):
            answer.set_rcode(dns.rcode.Rcode(said))
        line.sendto(answer.to_wire(), self.client_address)


@contextmanager
def dns_server() -> Iterator[tuple[str, Counter[str]]]:
    """Its `address:port`, and how often each domain was asked for."""
    Answering.asked = Counter()
    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", Answering.asked
        finally:
            server.shutdown()
            thread.join()
