"""The other side of the chat: what customers write, tap, edit, delete and decide."""

import base64
import binascii
from typing import Any

from . import ids, payloads, samples
from .ladder import Ladder
from .mailer import Mailer
from .media import MediaStore
from .sending import Sender
from .validation import MEDIA
from .world import Chat, Json, Message, Number, World

PLAIN = ("text", "location", "contacts", "reaction", "button", "interactive", "order", *MEDIA)
TYPES = (*PLAIN, "unsupported", "edit", "revoke", "user_preferences", "system")
LARGEST_INBOUND = 100 * 1024 * 1024


class BadMessage(ValueError):
    """Something no customer can write."""


class Customers:
    """Writes messages to businesses as their customers would, and sends the webhook of each."""

    def __init__(self, world: World, mailer: Mailer, ladder: Ladder, media: MediaStore, sender: Sender) -> None:
        self.world = world
        self._mailer = mailer
        self._ladder = ladder
        self._media = media
        self._sender = sender
        ladder.on_answer = self.answer

    def write(self, number: Number, key: str, request: Json) -> str:
        """One thing a customer does, described like a Cloud API message. Returns the wamid of its webhook."""
        customer = self.world.customer(key)
        customer.name = str(request.get("name") or customer.name)
        customer.username = str(request.get("username") or customer.username)
        chat = self.world.chat(number, customer)
        at = self.world.now() - 3600 * float(request.get("hours_ago") or 0)
        kind = str(request.get("type") or "text")
        wamid = str(request.get("id") or payloads.new_inbound_id(customer))
        self._sender.use_throughput(number, refuse=False)
        if kind == "user_preferences":
            value = str(request.get("value") or "stop")
            chat.stopped_marketing = value == "stop"
            self._mailer.post(number.account, payloads.preference(chat, value, at))
            self._ladder.on_change(chat)
            return wamid
        if kind == "system" and request.get("new_user_id"):
            return self._change_user_id(chat, wamid, str(request["new_user_id"]), at)
        if kind == "system":
            return self._change_number(chat, wamid, str(request.get("new_wa_id") or ""), at)
        message: Json = {"from_user_id": customer.user_id, "id": wamid, "timestamp": str(int(at)), "type": kind}
        if customer.wa_id:
            message = {"from": customer.wa_id, **message}
        content = self.content_of(chat, kind, request)
        if kind == "unsupported":
            message |= content
        else:
            message[kind] = content
        if context := self._context(chat, request):
            message["context"] = context
        if request.get("referral"):
            message["referral"] = request["referral"]
            chat.referred_at, chat.free_until = at, 0.0
        self._keep(chat, wamid, kind, content, at, quoted=(context or {}).get("id"))
        self._mailer.post(number.account, payloads.inbound(chat, message))
        return wamid

    def read(self, number: Number, key: str) -> int:
        """The customer opens the chat: everything delivered to him becomes read, what was only sent as well."""
        chat = self.world.chat(number, self.world.customer(key))
        chat.unread = 0
        unread = [each for each in chat.messages if not each.inbound and each.step in ("sent", "delivered")]
        self._ladder.on_change(chat)
        return sum(self._ladder.advance(each, "read") for each in unread)

    def answer(self, message: Message, kind: str, text: str) -> None:
        """What the behaviours planned for somebody who has read a message."""
        number, key = message.chat.number, message.chat.customer.key
        if kind == "stop_button":
            self.write(number, key, {"type": "user_preferences", "value": text or "stop"})
        else:
            self.write(number, key, {"type": "text", "text": text})

    def content_of(self, chat: Chat, kind: str, request: Json, *, is_inbound: bool = True) -> Any:
        """The part of a message that is named after its type. Edits and deletions name one of the same writer."""
        given = request.get(kind)
        if kind == "text":
            body = given if isinstance(given, str) else (given or {}).get("body")
            if not body:
                raise BadMessage("text: what does the customer write?")
            return {"body": body}
        if kind in MEDIA:
            return self._media_content(chat.number, kind, request)
        if kind == "edit":
            return {
                "original_message_id": self._known(chat, request.get("original"), inbound=is_inbound),
                "message": {"type": "text", "text": {"body": str(request.get("text") or "")}},
            }
        if kind == "revoke":
            return {"original_message_id": self._known(chat, request.get("original"), inbound=is_inbound)}
        if kind == "unsupported":
            error = {
                "code": 131051,
                "title": "Message type unknown",
                "message": "Message type unknown",
                "error_data": {"details": "Message type is currently not supported."},
            }
            return {"errors": [error], "unsupported": {"type": str(request.get("unsupported") or "poll_update")}}
        if kind not in PLAIN:
            raise BadMessage(f"type must be one of {', '.join(TYPES)}")
        if not given:
            raise BadMessage(f"{kind}: missing")
        return given

    def _media_content(self, number: Number, kind: str, request: Json) -> Json:
        """`id` of an uploaded file, `base64` bytes, a `size`, or nothing for a sample; a caption may ride along."""
        given: Json = request.get(kind) or {}
        media = self._media.find(str(given.get("id"))) if given.get("id") else None
        if given.get("id") and media is None:
            raise BadMessage(f"{kind}: no such media id")
        if media is None:
            mime_type = str(given.get("mime_type") or samples.MIME_TYPES[kind])
            size = given.get("size")
            if size is not None and not 0 < int(size) <= LARGEST_INBOUND:
                raise BadMessage(f"{kind}: size must be between 1 and {LARGEST_INBOUND} bytes")
            try:
                data = base64.b64decode(given["base64"], validate=True) if "base64" in given else None
            except binascii.Error as error:
                raise BadMessage(f"{kind}: base64 is not valid: {error}") from None
            data = data if data is not None else samples.sample(kind, None if size is None else int(size))
            media = self._media.add(number.id, mime_type, data, str(given.get("filename") or ""))
        content: Json = {"mime_type": media.mime_type, "sha256": media.sha256_base64, "id": media.id}
        content["url"] = self._media.url(media)
        if given.get("caption"):
            content["caption"] = given["caption"]
        if kind == "document":
            content["filename"] = str(given.get("filename") or media.filename or samples.NAMES["document"])
        if kind == "audio":
            content["voice"] = bool(given.get("voice", True))
        if kind == "sticker":
            content["animated"] = bool(given.get("animated", False))
        return content

    def _context(self, chat: Chat, request: Json) -> Json:
        context: Json = {}
        if quoted := request.get("quote"):
            message = self.world.messages.get(str(quoted))
            own = message is not None and message.inbound
            context["from"] = chat.customer.wa_id or chat.customer.user_id if own else chat.number.digits
            context["id"] = str(quoted)
        for flag in ("forwarded", "frequently_forwarded"):
            if request.get(flag):
                context[flag] = True
        return context

    def _keep(self, chat: Chat, wamid: str, kind: str, content: Any, at: float, quoted: str | None) -> None:
        chat.wrote_at = max(chat.wrote_at, at)
        target = self.world.messages.get(str(_target(kind, content)))
        if kind == "reaction" and target is not None:
            target.reaction = str(content.get("emoji") or "")
        elif kind == "edit" and target is not None:
            target.content = content["message"]["text"]
        elif kind == "revoke" and target is not None:
            target.step = "deleted"
        elif wamid not in self.world.messages:
            message = Message(
                wamid, chat, inbound=True, type=kind, content=content, at=at, step="delivered", quoted=quoted
            )
            self.world.remember(message)
        self._ladder.on_change(chat)

    def _known(self, chat: Chat, wamid: object, *, inbound: bool) -> str:
        message = self.world.messages.get(str(wamid))
        if message is None or message.chat is not chat or message.inbound != inbound:
            raise BadMessage("original: no such message of this writer")
        return message.id

    def _change_number(self, chat: Chat, wamid: str, new: str, at: float) -> str:
        """The person moves to another phone: the old chat gets a system message, and a new user id follows."""
        old = chat.customer.wa_id
        if not old or not new.isdigit() or new in self.world.customers:
            raise BadMessage("new_wa_id: digits that nobody has, for a customer with a phone")
        message = {
            "from": old,
            "id": wamid,
            "timestamp": str(int(at)),
            "type": "system",
            "system": {
                "body": f"User {chat.customer.name or old} changed from {old} to {new}",
                "wa_id": new,
                "new_wa_id": new,
                "user_id": self.world.customer(new).user_id,
                "previous_user_id": chat.customer.user_id,
                "type": "user_changed_number",
            },
        }
        moved = self.world.customer(new)
        moved.name, moved.username = chat.customer.name, chat.customer.username
        return self._notify(chat, wamid, message)

    def _change_user_id(self, chat: Chat, wamid: str, new: str, at: float) -> str:
        """The person is another to us now, and no number may be told."""
        old = chat.customer.user_id
        if not ids.is_user_id(new) or new in self.world.customers:
            raise BadMessage("new_user_id: CC.digits that nobody has")
        message = {
            "from_user_id": new,
            "id": wamid,
            "timestamp": str(int(at)),
            "type": "system",
            "system": {
                "body": f"User {chat.customer.name or old} changed user id",
                "user_id": new,
                "previous_user_id": old,
                "type": "user_changed_user_id",
            },
        }
        self.world.customer(new).name = chat.customer.name
        return self._notify(chat, wamid, message)

    def _notify(self, chat: Chat, wamid: str, message: Json) -> str:
        # The one webhook without contacts[]: Meta leaves them out of system messages.
        self._mailer.post(chat.number.account, payloads.change(chat.number, messages=[message]))
        self._ladder.on_change(chat)
        return wamid


def _target(kind: str, content: Any) -> object:
    if kind == "reaction":
        return content.get("message_id")
    return content.get("original_message_id") if kind in ("edit", "revoke") else None
