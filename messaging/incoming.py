"""Webhook bodies read into our words. Pure, tolerant of what is missing, and never dropping what it does not know."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from messaging.errors import WebhookMalformed
from messaging.models.conversations import MessageType

Json = Mapping[str, Any]
MEDIA = ("image", "video", "audio", "document", "sticker")
FLAGS = ("forwarded", "frequently_forwarded")
LONGEST_BODY = 65_536


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote. At least one of phone (digits) and user_id (BSUID) is there."""

    phone: str
    user_id: str
    name: str

    @property
    def address(self) -> str:
        """Where an answer goes."""
        return self.phone or self.user_id


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message as it is kept. `original` names the message that an edit or a deletion is about."""

    provider_id: str
    sender: Sender
    at: datetime
    type: MessageType
    body: str
    payload: dict[str, Any]
    quoted_provider_id: str = ""
    media_id: str = ""
    media_type: str = ""
    media_name: str = ""
    original: str = ""
    new_phone: str = ""


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """One rung that one of our messages has reached."""

    provider_id: str
    status: str
    at: datetime
    callback_data: str = ""
    error_code: int | None = None
    error_title: str = ""
    error_details: str = ""
    price_category: str = ""
    is_billable: bool | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a body: for a number (field `messages` and its like), or for the whole account."""

    waba_id: str
    field: str
    phone_number_id: str
    value: Json = dataclasses.field(repr=False)


def parse(body: bytes) -> list[Change]:
    """Every change of every entry. Raises WebhookMalformed when the body is not a WhatsApp webhook."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _lenient(body)
    entries = document.get("entry") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise WebhookMalformed("The body is not a WhatsApp webhook: it has no list of entries.")
    found = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise WebhookMalformed("The body is not a WhatsApp webhook: an entry is not an object.")
        for change in entry.get("changes") or []:
            value = change.get("value") if isinstance(change, dict) else None
            if not isinstance(value, dict):
                raise WebhookMalformed("The body is not a WhatsApp webhook: a change has no value.")
            metadata = value.get("metadata")
            number = metadata.get("phone_number_id") if isinstance(metadata, dict) else ""
            found.append(Change(str(entry.get("id") or ""), str(change.get("field") or ""), str(number or ""), value))
    return found


def _lenient(body: bytes) -> Any:
    """orjson refuses half a surrogate pair, which people can produce; the standard library takes it."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise WebhookMalformed("The body is not complete JSON.") from None


def messages(value: Json) -> Iterator[Json]:
    """The raw messages of a change, each to be given to `read_message`."""
    return (each for each in value.get("messages") or [] if isinstance(each, dict))


def read_message(value: Json, raw: Json, *, received_at: datetime) -> InboundMessage:
    """One message. Raises ValueError when it has no id or nobody sent it."""
    provider_id = str(raw.get("id") or "")
    if not provider_id:
        raise ValueError("a message without an id")
    kind = str(raw.get("type") or "unsupported")
    content = raw.get(kind)
    context = _mapping(raw.get("context"))
    said = _Said()
    reader = _READERS.get(kind, _read_unknown)
    reader(said, kind, content if isinstance(content, dict | list) else {}, raw)
    payload = {**said.payload}
    payload |= {flag: True for flag in FLAGS if context.get(flag)}
    if raw.get("referral"):
        payload["referral"] = raw["referral"]
    quoted = said.target or str(context.get("id") or "")
    return InboundMessage(
        provider_id=provider_id,
        sender=_sender(value, raw),
        at=_moment(raw.get("timestamp"), received_at),
        type=said.type,
        body=clean(said.body)[:LONGEST_BODY],
        payload=clean(payload),
        quoted_provider_id=clean(quoted),
        media_id=clean(said.media_id),
        media_type=clean(said.media_type)[:100],
        media_name=clean(said.media_name)[-200:],
        original=clean(said.original),
        new_phone=clean(said.new_phone),
    )


def read_statuses(value: Json, *, received_at: datetime) -> list[StatusUpdate]:
    """Every status of a change that names a message."""
    return [
        _status(raw, received_at)
        for raw in value.get("statuses") or []
        if isinstance(raw, dict) and raw.get("id") and raw.get("status")
    ]


def read_preferences(value: Json, *, received_at: datetime) -> list[tuple[Sender, str, datetime]]:
    """Who stopped or resumed marketing by a tap: sender, "stop" or "resume", and when."""
    return [
        (
            _sender(value, {"from": raw.get("wa_id"), "from_user_id": raw.get("user_id")}),
            str(raw.get("value")),
            _moment(raw.get("timestamp"), received_at),
        )
        for raw in value.get("user_preferences") or []
        if isinstance(raw, dict) and raw.get("category") == "marketing_messages"
    ]


def clean(value: Any) -> Any:
    """Without what PostgreSQL cannot keep: NUL characters and halves of surrogate pairs."""
    if isinstance(value, str):
        if "\x00" in value:
            value = value.replace("\x00", "")
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {clean(key): clean(each) for key, each in value.items()}
    return [clean(each) for each in value] if isinstance(value, list) else value


def _sender(value: Json, raw: Json) -> Sender:
    phone, user_id = str(raw.get("from") or ""), str(raw.get("from_user_id") or "")
    people = [each for each in value.get("contacts") or [] if isinstance(each, dict)]
    person = next(
        (
            each
            for each in people
            if (phone and each.get("wa_id") == phone) or (user_id and each.get("user_id") == user_id)
        ),
        people[0] if len(people) == 1 else {},
    )
    if not phone and not user_id:
        phone = str(person.get("wa_id") or "")
    if not phone or person.get("wa_id") == phone:
        user_id = user_id or str(person.get("user_id") or "")
    if not phone and not user_id:
        raise ValueError("a message without a sender")
    profile = _mapping(person.get("profile"))
    return Sender(clean(phone), clean(user_id), clean(str(profile.get("name") or profile.get("username") or ""))[:200])


def _status(raw: Json, received_at: datetime) -> StatusUpdate:
    errors = raw.get("errors")
    error = _mapping(errors[0]) if isinstance(errors, list) and errors else {}
    pricing = _mapping(raw.get("pricing"))
    code, billable = error.get("code"), pricing.get("billable")
    return StatusUpdate(
        provider_id=clean(str(raw["id"]))[:200],
        status=str(raw["status"]),
        at=_moment(raw.get("timestamp"), received_at),
        callback_data=clean(str(raw.get("biz_opaque_callback_data") or ""))[:200],
        error_code=code if isinstance(code, int) else None,
        error_title=clean(str(error.get("title") or error.get("message") or ""))[:200],
        error_details=clean(str(_mapping(error.get("error_data")).get("details") or ""))[:500],
        price_category=clean(str(pricing.get("category") or ""))[:40],
        is_billable=billable if isinstance(billable, bool) else None,
    )


def _moment(timestamp: object, received_at: datetime) -> datetime:
    """When it was said. A clock that is ahead of ours, or none, gives the time of receipt: no window from the future."""
    try:
        return min(datetime.fromtimestamp(int(str(timestamp)), UTC), received_at)
    except (ValueError, OverflowError, OSError):
        return received_at


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class _Said:
    type: MessageType = MessageType.UNSUPPORTED
    body: str = ""
    payload: dict[str, Any] = dataclasses.field(default_factory=dict)
    target: str = ""
    media_id: str = ""
    media_type: str = ""
    media_name: str = ""
    original: str = ""
    new_phone: str = ""


def _read_text(said: _Said, _kind: str, content: Any, _raw: Json) -> None:
    said.type = MessageType.TEXT
    said.body = str(_mapping(content).get("body") or "")


def _read_media(said: _Said, kind: str, content: Any, _raw: Json) -> None:
    given = _mapping(content)
    said.type = MessageType(kind)
    said.body = str(given.get("caption") or "")
    said.media_id = str(given.get("id") or "")
    said.media_type = str(given.get("mime_type") or "").partition(";")[0].strip()
    said.media_name = str(given.get("filename") or "")
    said.payload = {name: given[name] for name in ("sha256", "voice", "animated") if name in given}


def _read_location(said: _Said, _kind: str, content: Any, _raw: Json) -> None:
    given = _mapping(content)
    said.type = MessageType.LOCATION
    said.payload = {"location": dict(given)}
    said.body = " · ".join(str(given[name]) for name in ("name", "address") if given.get(name))


def _read_contacts(said: _Said, _kind: str, content: Any, _raw: Json) -> None:
    cards = [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []
    said.type = MessageType.CONTACTS
    said.payload = {"contacts": cards}
    said.body = ", ".join(str(_mapping(card.get("name")).get("formatted_name") or "?") for card in cards)


def _read_reaction(said: _Said, _kind: str, content: Any, _raw: Json) -> None:
    given = _mapping(content)
    said.type = MessageType.REACTION
    said.body = str(given.get("emoji") or "")
    said.target = str(given.get("message_id") or "")


def _read_button(said: _Said, _kind: str, content: Any, _raw: Json) -> None:
    given = _mapping(content)
    said.type = MessageType.INTERACTIVE
    said.body = str(given.get("text") or given.get("payload") or "")
    said.payload = {"button": dict(given)}


def _read_interactive(said: _Said, _kind: str, content: Any, _raw: Json) -> None:
    given = _mapping(content)
    said.type = MessageType.INTERACTIVE
    said.payload = {"interactive": dict(given)}
    reply = _mapping(given.get(str(given.get("type") or "")))
    said.body = str(reply.get("title") or reply.get("body") or "")


def _read_order(said: _Said, _kind: str, content: Any, _raw: Json) -> None:
    given = _mapping(content)
    items = given.get("product_items")
    count = len(items) if isinstance(items, list) else 0
    said.type = MessageType.INTERACTIVE
    said.payload = {"order": dict(given), "label": f"Order of {count} products"}
    said.body = str(given.get("text") or "")


def _read_system(said: _Said, _kind: str, content: Any, _raw: Json) -> None:
    given = _mapping(content)
    said.type = MessageType.SYSTEM
    said.payload = {"system": dict(given), "label": "Notice from WhatsApp"}
    said.body = str(given.get("body") or "")
    if "changed_number" in str(given.get("type") or ""):
        said.new_phone = str(given.get("wa_id") or given.get("new_wa_id") or "")


def _read_edit(said: _Said, _kind: str, content: Any, _raw: Json) -> None:
    given = _mapping(content)
    changed = _mapping(given.get("message"))
    text = _mapping(changed.get(str(changed.get("type") or "text")))
    said.type = MessageType.SYSTEM
    said.original = said.target = str(given.get("original_message_id") or "")
    said.body = str(text.get("body") or text.get("caption") or "")
    said.payload = {"kind": "edit", "label": "Edited a message"}


def _read_revoke(said: _Said, _kind: str, content: Any, _raw: Json) -> None:
    said.type = MessageType.SYSTEM
    said.original = said.target = str(_mapping(content).get("original_message_id") or "")
    said.payload = {"kind": "revoke", "label": "Deleted a message"}


def _read_unknown(said: _Said, kind: str, content: Any, raw: Json) -> None:
    """Whatever WhatsApp invents next is kept whole and shown as a labelled placeholder."""
    said.type = MessageType.UNSUPPORTED
    what = _mapping(raw.get("unsupported")).get("type") or (kind if kind != "unsupported" else "")
    said.payload = {"kind": kind, "content": content or None}
    if raw.get("errors"):
        said.payload["errors"] = raw["errors"]
    named = f" ({str(what).replace('_', ' ')})" if what else ""
    said.payload["label"] = f"A message that WhatsApp does not pass on{named}"


_READERS = {
    "text": _read_text,
    **dict.fromkeys(MEDIA, _read_media),
    "location": _read_location,
    "contacts": _read_contacts,
    "reaction": _read_reaction,
    "button": _read_button,
    "interactive": _read_interactive,
    "order": _read_order,
    "system": _read_system,
    "edit": _read_edit,
    "revoke": _read_revoke,
}
