"""Message bodies as the Cloud API takes them. Pure: no database, no clock, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Payload = dict[str, Any]

MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")
CAPTIONED = ("image", "video", "document")
LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024


def text(to: str, body: str, reply_to: str | None = None, *, callback: str = "") -> Payload:
    """Plain text, at most 4,096 characters; links get a preview."""
    return _message(to, "text", {"preview_url": True, "body": body}, reply_to, callback)


def template(
    to: str,
    name: str,
    language: str,
    components: Sequence[Mapping[str, Any]] = (),
    reply_to: str | None = None,
    *,
    callback: str = "",
) -> Payload:
    """An approved template with its filled-in components (messaging/templates.py makes them)."""
    content: Payload = {"name": name, "language": {"code": language}}
    if components:
        content["components"] = [dict(component) for component in components]
    return _message(to, "template", content, reply_to, callback)


def media(
    to: str,
    kind: str,
    media_id: str,
    caption: str = "",
    filename: str = "",
    reply_to: str | None = None,
    *,
    callback: str = "",
) -> Payload:
    """An uploaded file. `kind` is one of MEDIA_TYPES; only pictures, videos and documents have captions."""
    content: Payload = {"id": media_id}
    if caption and kind in CAPTIONED:
        content["caption"] = caption
    if filename and kind == "document":
        content["filename"] = filename
    return _message(to, kind, content, reply_to, callback)


def structured(
    to: str, kind: str, content: Mapping[str, Any] | Sequence[Any], reply_to: str | None = None, *, callback: str = ""
) -> Payload:
    """A location, contact cards or an interactive message, as messaging/shapes.py made it."""
    return _message(to, kind, content, reply_to, callback)


def reaction(to: str, provider_id: str, emoji: str, *, callback: str = "") -> Payload:
    """A reaction to one message; an empty emoji takes it back."""
    return _message(to, "reaction", {"message_id": provider_id, "emoji": emoji}, None, callback)


def read(provider_id: str, *, typing: bool = False) -> Payload:
    """Blue ticks for this message and all before it; `typing` shows the indicator for about 25 s."""
    body: Payload = {"messaging_product": "whatsapp", "status": "read", "message_id": provider_id}
    if typing:
        body["typing_indicator"] = {"type": "text"}
    return body


def is_user_id(address: str) -> bool:
    """Whether an address is a business-scoped user id (`AE.…`) rather than a number."""
    return len(address) > 3 and address[:2].isalpha() and address[2] == "."


def addressed(to: str) -> dict[str, str]:
    """A number goes in `to`, a business-scoped user id in `recipient`: WhatsApp drops it anywhere else."""
    return {"recipient": to} if is_user_id(to) else {"to": to.removeprefix("+")}


def _message(
    to: str, kind: str, content: Mapping[str, Any] | Sequence[Any], reply_to: str | None, callback: str
) -> Payload:
    body: Payload = {"messaging_product": "whatsapp", "recipient_type": "individual", **addressed(to)}
    body |= {"type": kind, kind: content}
    if reply_to:
        body["context"] = {"message_id": reply_to}
    if callback:
        body["biz_opaque_callback_data"] = callback
    return body
