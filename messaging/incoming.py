"""Webhook bodies read into our words. Pure, tolerant of what is missing, and never dropping what it does not know."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from messaging.contents import READERS, Json, Said, mapping, read_unknown
from messaging.errors import WebhookMalformed
from messaging.models.conversations import MessageType

FLAGS = ("forwarded", "frequently_forwarded")
# What may ride along with any type: the advertisement that led here, and what WhatsApp says went wrong.
KEPT = ("referral", "errors")
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
    new_user_id: str = ""


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
    time: int = 0  # of the entry, in seconds: a body that comes again has the same


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
            told = entry.get("time")
            found.append(
                Change(
                    waba_id=str(entry.get("id") or ""),
                    field=str(change.get("field") or ""),
                    phone_number_id=str(number or ""),
                    value=value,
                    time=told if isinstance(told, int) else 0,
                )
            )
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


def read_message(value: Json, raw: Json, *, received_at: datetime, is_ours: bool = False) -> InboundMessage:
    """One message. `is_ours`: somebody of ours wrote it on the phone, and `sender` is whom it went to.

    Raises ValueError when it has no id, or nobody sent or got it.
    """
    provider_id = str(raw.get("id") or "")
    if not provider_id:
        raise ValueError("a message without an id")
    kind = str(raw.get("type") or "unsupported")
    content = raw.get(kind)
    context = mapping(raw.get("context"))
    said = Said()
    reader = READERS.get(kind, read_unknown)
    reader(said, kind, content if isinstance(content, dict | list) else {}, raw)
    payload = {**said.payload}
    payload |= {flag: True for flag in FLAGS if context.get(flag)}
    payload |= {name: raw[name] for name in KEPT if raw.get(name)}
    quoted = said.target or str(context.get("id") or "")
    whose = {"from": raw.get("to"), "from_user_id": raw.get("to_user_id")} if is_ours else raw
    if said.old_user_id:  # a notice about somebody who is another now: we know the former one
        whose = {**whose, "from_user_id": said.old_user_id}
    return InboundMessage(
        provider_id=provider_id,
        sender=sender_of(value, whose),
        at=moment(raw.get("timestamp"), received_at),
        type=said.type,
        body=clean(said.body)[:LONGEST_BODY],
        payload=clean(payload),
        quoted_provider_id=clean(quoted),
        media_id=clean(said.media_id),
        media_type=clean(said.media_type)[:100],
        media_name=clean(said.media_name)[-200:],
        original=clean(said.original),
        new_phone=clean(said.new_phone),
        new_user_id=clean(said.new_user_id),
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
            sender_of(value, {"from": raw.get("wa_id"), "from_user_id": raw.get("user_id")}),
            str(raw.get("value")),
            moment(raw.get("timestamp"), received_at),
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


def sender_of(value: Json, raw: Json) -> Sender:
    """Who is meant by `from`, `from_user_id` and the contacts of a change. Raises ValueError when nobody is."""
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
    profile = mapping(person.get("profile"))
    return Sender(clean(phone), clean(user_id), clean(str(profile.get("name") or profile.get("username") or ""))[:200])


def _status(raw: Json, received_at: datetime) -> StatusUpdate:
    errors = raw.get("errors")
    error = mapping(errors[0]) if isinstance(errors, list) and errors else {}
    pricing = mapping(raw.get("pricing"))
    code, billable = error.get("code"), pricing.get("billable")
    return StatusUpdate(
        provider_id=clean(str(raw["id"]))[:200],
        status=str(raw["status"]),
        at=moment(raw.get("timestamp"), received_at),
        callback_data=clean(str(raw.get("biz_opaque_callback_data") or ""))[:200],
        error_code=code if isinstance(code, int) else None,
        error_title=clean(str(error.get("title") or error.get("message") or ""))[:200],
        error_details=clean(str(mapping(error.get("error_data")).get("details") or ""))[:500],
        price_category=clean(str(pricing.get("category") or ""))[:40],
        is_billable=billable if isinstance(billable, bool) else None,
    )


def moment(timestamp: object, received_at: datetime) -> datetime:
    """When it was said. A clock that is ahead of ours, or none, gives the time of receipt: no window from the future."""
    try:
        return min(datetime.fromtimestamp(int(str(timestamp)), UTC), received_at)
    except (ValueError, OverflowError, OSError):
        return received_at
