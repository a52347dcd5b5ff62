"""Every refusal of Majlis is one of five kinds and has a stable code; anything else is a bug and surfaces.

The kinds say nothing of HTTP: core/api/errors.py maps them to problem+json (RFC 9457), pages and admin show `message`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal that we foresaw. `message` says in plain words what to do; `details` names rows, fields and values."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


class NotFound(DomainError):
    """It is not there, or not for the one who asks: the two are never told apart."""

    code = "not_found"


class Invalid(DomainError):
    """What was given cannot be used as it is."""

    code = "invalid"


class NotAllowed(DomainError):
    """The one who asks may not do this."""

    code = "not_allowed"


class Conflict(DomainError):
    """It could be done, but not in the state that things are in now."""

    code = "conflict"


class Unavailable(DomainError):
    """Somebody else's system, or ours, is not answering; the same request may succeed later."""

    code = "unavailable"


class LoggedOut(NotAllowed):
    """Nobody is signed in, or the token is not valid here."""

    code = "not_signed_in"


class CapabilityMissing(NotAllowed):
    code = "capability_missing"


class StaleVersion(Conflict):
    code = "stale_version"
