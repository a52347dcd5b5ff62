"""Identifiers shaped like Meta's: wamids, media ids, business-scoped user ids and trace ids."""

import base64
import itertools
import os
import secrets

# A multiplier without the factors 2 and 5 turns numbers below 10**15 into other such numbers, one to one: two
# people never share a user id, and the same phone has the same user id in every run.
_SCATTER = 982_451_653_000_013
_SPAN = 10**15

_COUNTRIES = {
    "971": "AE", "966": "SA", "974": "QA", "965": "KW", "968": "OM", "973": "BH", "44": "GB", "91": "IN",
    "92": "PK", "20": "EG", "49": "DE", "33": "FR", "7": "RU", "1": "US",
}  # fmt: skip

_PUNCTUATION = {ord(each): None for each in " +-()."}

_numbers = itertools.count(int.from_bytes(os.urandom(5), "big"))


def message_id(phone: str, *, inbound: bool = False) -> str:
    """A wamid as Meta packs it: the other person's phone, a direction mark and nine random bytes, in base64."""
    digits = phone.encode()
    mark = b"\x15\x02\x00\x12\x18\x12" if inbound else b"\x15\x02\x00\x11\x18\x12"
    packed = b"\x1c\x18" + bytes((len(digits),)) + digits + mark + secrets.token_hex(9).upper().encode() + b"\x00"
    return "wamid." + base64.b64encode(packed).decode()


def object_id() -> str:
    """A digit-only id for media, templates and accounts; it stays below 2**53, as Meta sends some as numbers."""
    return str(1_000_000_000_000_000 + next(_numbers) % 7_000_000_000_000_000)


def user_id(phone: str) -> str:
    """The business-scoped user id of a phone number: a country code, a dot, fifteen digits."""
    country = next((_COUNTRIES[phone[:n]] for n in (3, 2, 1) if phone[:n] in _COUNTRIES), "AE")
    return f"{country}.{int(phone or 0) * _SCATTER % _SPAN:015d}"


def bare(phone: str) -> str:
    """A phone number without the signs people put between its digits."""
    return phone if phone.isdigit() else phone.translate(_PUNCTUATION)


def trace_id() -> str:
    """What `fbtrace_id` and `x-fb-request-id` hold: a name for one request."""
    return "A" + secrets.token_urlsafe(16)


def is_user_id(text: str) -> bool:
    """Whether this addresses a person by business-scoped user id rather than by phone."""
    return len(text) > 3 and text[:2].isalpha() and text[:2].isupper() and text[2] == "."
