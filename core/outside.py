"""Calls to addresses that a user gave us: never into our own network, whatever the name resolves to (SSRF).

The address is looked at when it is connected to, not before: a name may resolve to another a second later. Nothing is
followed, every wait has an end, and only the beginning of an answer is read.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from core.errors import Invalid, Unavailable

SECONDS = 10.0
MOST_READ = 4096


class AddressRefused(Invalid):
    code = "address_refused"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str


def checked_url(url: str) -> str:
    """The address, if it may be called: https, a host, no password. Raises AddressRefused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("This is no address.", url=url) from None
    schemes = {"https", "http"} if settings.OUTSIDE_MAY_BE_INSIDE else {"https"}
    if parts.scheme not in schemes or not parts.hostname or port == 0 or not url.isascii() or not url.isprintable():
        raise AddressRefused("Give an address that begins with https://, in plain ASCII.", url=url)
    if " " in url or parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("Leave user, password, blanks and #fragment out of the address.", url=parts.hostname)
    return url


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """POST to a checked address. Raises AddressRefused, and Unavailable when nobody answers in time."""
    parts = urlsplit(checked_url(url))
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    line = kind(host, port, timeout=SECONDS)  # only speaks: the socket is ours
    try:
        line.sock = _connected(host, port)
        if parts.scheme == "https":
            line.sock = ssl.create_default_context().wrap_socket(line.sock, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        line.request("POST", path, body, dict(headers))
        answer = line.getresponse()
        return Answer(answer.status, answer.read1(MOST_READ).decode(errors="replace").replace("\0", ""))
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{type(error).__name__}: {error}"[:300]) from error
    finally:
        line.close()


def _connected(host: str, port: int) -> socket.socket:
    """A socket to the first address of the name; if any of them is not out in the world, to none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        if not settings.OUTSIDE_MAY_BE_INSIDE and not _is_outside(str(place[0])):
            raise AddressRefused(f"{host} leads into a private network.", url=host)
    return socket.create_connection((str(found[0][4][0]), port), timeout=SECONDS)


def _is_outside(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
    return all(one.is_global and not one.is_multicast for one in (address, inner))
