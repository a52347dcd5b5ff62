"""An authenticator app, as RFC 6238 says: the tests' own, so that ours is not compared with itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time

from django.core.cache import cache
from django.test import Client

from tests.conftest import PASSWORD


def code_of(secret: str, at: float | None = None) -> str:
    """The six digits that the app shows."""
    counter = struct.pack(">Q", int(time.time() if at is None else at) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF) % 10**6:06}"


def signed_in(email: str = "omar@palm.example", **given: str) -> Client:
    """A browser into which that person typed the password."""
    client = Client(**given)
    assert client.post("/sign-in/", {"login": email, "password": PASSWORD}).status_code == 302
    return client


def confirmed(client: Client) -> Client:
    """The same, having shown once more that it is that person."""
    assert client.post("/me/confirm/", {"password": PASSWORD}).status_code == 302
    return client


def with_app(client: Client) -> str:
    """Adds an authenticator app to the account; its secret."""
    page = confirmed(client).get("/me/security/app/").content.decode()
    secret = re.search(r"data-secret>(\w+)<", page)[1]
    sent = client.post("/me/security/app/", {"code": code_of(secret)})
    assert sent.headers["Location"] == "/me/security/codes/"
    cache.clear()  # a code is taken once; within the same half minute the next sign-in has no other
    return secret


def recovery_codes(client: Client) -> list[str]:
    """Those that are left, as its page shows them."""
    return re.findall(r"<li>(\d{8})</li>", client.get("/me/security/codes/").content.decode())
