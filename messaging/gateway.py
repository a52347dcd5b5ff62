"""What we ask of WhatsApp, in our words: services depend on this page, messaging/cloud_api.py answers it over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Credentials:
    """Which number speaks, and by what right. The token is never part of a log line or a repr."""

    phone_number_id: str
    access_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """WhatsApp took the message; whether it arrives is told later by webhook."""

    provider_id: str
    wa_id: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """WhatsApp said no: nothing was sent. `code` is None when the answer carried none (messaging/error_codes.py)."""

    status: int
    code: int | None
    title: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Not a byte left us: safe to try again."""

    reason: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """It was written and we do not know what became of it: never tried again by itself, a webhook settles it."""

    reason: str


Outcome = Accepted | Refused | NotSent | InDoubt


@dataclass(frozen=True, slots=True)
class RemoteMedia:
    """A file that WhatsApp keeps for us. The address lives about five minutes and asks for the token."""

    url: str
    mime_type: str
    file_size: int
    sha256: str = ""


class Gateway(Protocol):
    """One open line to WhatsApp, for single sends and campaigns alike.

    `send_message` answers with an Outcome and never raises for what WhatsApp or the network do. The others raise
    WhatsAppRefused or WhatsAppUnavailable (messaging/errors.py).
    """

    async def send_message(self, credentials: Credentials, payload: Mapping[str, Any]) -> Outcome: ...

    async def mark_read(self, credentials: Credentials, payload: Mapping[str, Any]) -> None: ...

    async def upload_media(self, credentials: Credentials, content: bytes, mime_type: str, name: str) -> str:
        """Returns the media id, which lives 30 days."""
        ...

    async def media(self, credentials: Credentials, media_id: str) -> RemoteMedia: ...

    def download(
        self, credentials: Credentials, media: RemoteMedia
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes, a chunk at a time."""
        ...

    async def phone_number(self, credentials: Credentials) -> dict[str, Any]: ...

    async def templates(self, credentials: Credentials, waba_id: str) -> list[dict[str, Any]]: ...

    async def create_template(
        self, credentials: Credentials, waba_id: str, template: Mapping[str, Any]
    ) -> dict[str, Any]: ...

    async def edit_template(
        self, credentials: Credentials, template_id: str, changes: Mapping[str, Any]
    ) -> dict[str, Any]: ...

    async def delete_template(self, credentials: Credentials, waba_id: str, name: str, template_id: str) -> None: ...

    async def unpause_template(self, credentials: Credentials, template_id: str) -> None: ...

    async def upload_example(
        self, credentials: Credentials, app_id: str, content: bytes, mime_type: str, name: str
    ) -> str:
        """Returns the handle by which a template names its example."""
        ...

    async def account(self, credentials: Credentials, waba_id: str) -> dict[str, Any]: ...

    async def subscribe_app(self, credentials: Credentials, waba_id: str) -> None: ...

    async def debug_token(self, credentials: Credentials) -> dict[str, Any]: ...
