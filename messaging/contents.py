"""What each type of message carries: a reader for every `type`. Pure, and never dropping what it does not know."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from messaging.models.conversations import MessageType

Json = Mapping[str, Any]
MEDIA = ("image", "video", "audio", "document", "sticker")
# WhatsApp gave up on a file that the person sent: too large, or broken.
FILE_LOST = 131052


def mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class Said:
    type: MessageType = MessageType.UNSUPPORTED
    body: str = ""
    payload: dict[str, Any] = dataclasses.field(default_factory=dict)
    target: str = ""
    media_id: str = ""
    media_type: str = ""
    media_name: str = ""
    original: str = ""
    new_phone: str = ""
    new_user_id: str = ""
    old_user_id: str = ""


def _read_text(said: Said, _kind: str, content: Any, _raw: Json) -> None:
    said.type = MessageType.TEXT
    said.body = str(mapping(content).get("body") or "")


def _read_media(said: Said, kind: str, content: Any, _raw: Json) -> None:
    given = mapping(content)
    said.type = MessageType(kind)
    said.body = str(given.get("caption") or "")
    said.media_id = str(given.get("id") or "")
    said.media_type = str(given.get("mime_type") or "").partition(";")[0].strip()
    said.media_name = str(given.get("filename") or "")
    said.payload = {name: given[name] for name in ("sha256", "voice", "animated") if name in given}
    if not said.media_id:
        said.payload["media_error"] = "WhatsApp could not take this file over: it may be too large or damaged."


def _read_location(said: Said, _kind: str, content: Any, _raw: Json) -> None:
    given = mapping(content)
    said.type = MessageType.LOCATION
    said.payload = {"location": dict(given)}
    said.body = " · ".join(str(given[name]) for name in ("name", "address") if given.get(name))


def _read_contacts(said: Said, _kind: str, content: Any, _raw: Json) -> None:
    cards = [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []
    said.type = MessageType.CONTACTS
    said.payload = {"contacts": cards}
    said.body = ", ".join(str(mapping(card.get("name")).get("formatted_name") or "?") for card in cards)
    # Asked for the number, the person gave it by a button: WhatsApp vouches that it is the sender's own.
    if cards and cards[0].get("origin") == "contact_request":
        phones = [mapping(phone) for phone in cards[0].get("phones") or []]
        given = next((str(phone.get("wa_id") or phone.get("phone") or "") for phone in phones), "")
        said.new_phone = "".join(filter(str.isdigit, given))
        said.payload["is_own_number"] = bool(said.new_phone)


def _read_reaction(said: Said, _kind: str, content: Any, _raw: Json) -> None:
    given = mapping(content)
    said.type = MessageType.REACTION
    said.body = str(given.get("emoji") or "")
    said.target = str(given.get("message_id") or "")


def _read_button(said: Said, _kind: str, content: Any, _raw: Json) -> None:
    given = mapping(content)
    said.type = MessageType.INTERACTIVE
    said.body = str(given.get("text") or given.get("payload") or "")
    said.payload = {"button": dict(given)}


def _read_interactive(said: Said, _kind: str, content: Any, _raw: Json) -> None:
    given = mapping(content)
    kind = str(given.get("type") or "")
    said.type = MessageType.INTERACTIVE
    said.payload = {"interactive": dict(given)}
    reply = mapping(given.get(kind))
    said.body = str(reply.get("title") or reply.get("body") or "")
    if kind == "nfm_reply":
        said.payload |= {"label": "Filled in a form", "answers": _answers(reply.get("response_json"))}
    elif kind == "call_permission_reply":
        accepted = reply.get("response") == "accept"
        said.payload["label"] = "May be called" if accepted else "Does not want to be called"


def _answers(given: object) -> list[list[str]]:
    """What was filled in, question by question; the form's own token is no answer."""
    try:
        found = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        return [["", str(given)]]
    asked = mapping(found).items()
    return [[str(name), _plain(value)] for name, value in asked if name != "flow_token" and value not in ("", None)]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | bool) else str(value)


def _read_order(said: Said, _kind: str, content: Any, _raw: Json) -> None:
    given = mapping(content)
    items = [each for each in given.get("product_items") or [] if isinstance(each, dict)]
    said.type = MessageType.INTERACTIVE
    said.payload = {"order": {**given, "product_items": items}, "label": f"Order of {len(items)} products"}
    said.body = str(given.get("text") or "")


def _read_system(said: Said, _kind: str, content: Any, raw: Json) -> None:
    given = mapping(content)
    kind = str(given.get("type") or "")
    said.type = MessageType.SYSTEM
    said.payload = {"system": dict(given), "label": "Notice from WhatsApp"}
    said.body = str(given.get("body") or "")
    said.old_user_id = str(given.get("previous_user_id") or "")
    if "changed_number" in kind:
        said.new_phone = str(given.get("wa_id") or given.get("new_wa_id") or "")
        said.new_user_id = str(given.get("user_id") or "")
    elif "changed_user_id" in kind:
        said.new_user_id = str(given.get("user_id") or raw.get("from_user_id") or "")


def _read_welcome(said: Said, _kind: str, _content: Any, _raw: Json) -> None:
    """The chat was opened for the first time; nothing was said yet."""
    said.type = MessageType.SYSTEM
    said.payload = {"label": "Opened the chat for the first time"}


def _read_placeholder(said: Said, _kind: str, _content: Any, _raw: Json) -> None:
    """A file of an imported history: WhatsApp names it later, or never."""
    said.type = MessageType.UNSUPPORTED
    said.payload = {"kind": "media_placeholder", "label": "A file from before the number was connected"}


def _read_edit(said: Said, _kind: str, content: Any, _raw: Json) -> None:
    given = mapping(content)
    changed = mapping(given.get("message"))
    text = mapping(changed.get(str(changed.get("type") or "text")))
    said.type = MessageType.SYSTEM
    said.original = said.target = str(given.get("original_message_id") or "")
    said.body = str(text.get("body") or text.get("caption") or "")
    said.payload = {"kind": "edit", "label": "Edited a message"}


def _read_revoke(said: Said, _kind: str, content: Any, _raw: Json) -> None:
    said.type = MessageType.SYSTEM
    said.original = said.target = str(mapping(content).get("original_message_id") or "")
    said.payload = {"kind": "revoke", "label": "Deleted a message"}


def read_unknown(said: Said, kind: str, content: Any, raw: Json) -> None:
    """Whatever WhatsApp invents next is kept whole and shown as a labelled placeholder."""
    said.type = MessageType.UNSUPPORTED
    what = mapping(raw.get("unsupported")).get("type") or (kind if kind != "unsupported" else "")
    said.payload = {"kind": kind, "content": content or None, "what": str(what).replace("_", " ")}
    errors = [mapping(each) for each in raw.get("errors") or []]
    named = f" ({said.payload['what']})" if what else ""
    said.payload["label"] = f"A message that WhatsApp does not pass on{named}"
    if any(error.get("code") == FILE_LOST for error in errors):
        said.payload["label"] = "A file that WhatsApp could not take over"


READERS = {
    "text": _read_text,
    **dict.fromkeys(MEDIA, _read_media),
    "location": _read_location,
    "contacts": _read_contacts,
    "reaction": _read_reaction,
    "button": _read_button,
    "interactive": _read_interactive,
    "order": _read_order,
    "system": _read_system,
    "request_welcome": _read_welcome,
    "media_placeholder": _read_placeholder,
    "edit": _read_edit,
    "revoke": _read_revoke,
}
