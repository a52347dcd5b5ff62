"""The JSON of webhooks: what stands in `entry[].changes[]`, and the exact bytes that are signed and sent."""

import hmac
import json
from collections.abc import Iterable

import orjson

from . import ids
from .errors import status_error
from .world import Account, Chat, Customer, Json, Message, Number

CONVERSATION_LASTS = 24 * 3600
SERVICE_BILLED_FROM = 1_790_812_800  # 2026-10-01: replies without a template are billed from this day


def encode(change: Json) -> bytes:
    """One change as Meta writes it: ASCII with \\uXXXX escapes, and slashes escaped as PHP does.

    A client that verifies the signature over anything but the raw bytes fails here, as it would at Meta.
    """
    data = orjson.dumps(change)
    if not data.isascii():
        data = json.dumps(change, separators=(",", ":")).encode()
    return data.replace(b"/", b"\\/")


def body(account: Account, changes: Iterable[bytes], now: float) -> bytes:
    """One webhook body holding all these changes."""
    head = orjson.dumps({"id": account.id, "time": int(now)})[:-1]
    return b'{"object":"whatsapp_business_account","entry":[' + head + b',"changes":[' + b",".join(changes) + b"]}]}"


def sign(secret: str, data: bytes) -> str:
    """The value of X-Hub-Signature-256 for these bytes."""
    return "sha256=" + hmac.digest(secret.encode(), data, "sha256").hex()


def metadata(number: Number) -> Json:
    """Which business number this is about. The only safe way to find the tenant."""
    return {"display_phone_number": number.digits, "phone_number_id": number.id}


def contact(customer: Customer, *, profile: bool = True) -> Json:
    """One item of `contacts[]`. A hidden phone leaves no `wa_id` behind."""
    item: Json = {}
    if profile:
        item["profile"] = {"name": customer.name or customer.wa_id or customer.username}
        if customer.username:
            item["profile"]["username"] = customer.username
    if customer.wa_id:
        item["wa_id"] = customer.wa_id
    item["user_id"] = customer.user_id
    return item


def change(number: Number, field: str = "messages", **parts: object) -> Json:
    """A change of one business number."""
    return {"value": {"messaging_product": "whatsapp", "metadata": metadata(number), **parts}, "field": field}


def inbound(chat: Chat, message: Json) -> Json:
    """A message that a customer wrote."""
    return change(chat.number, contacts=[contact(chat.customer)], messages=[message])


def status(message: Message, step: str, at: float, *, code: int | None, profile: bool) -> Json:
    """One rung of the status ladder."""
    chat = message.chat
    item: Json = {"id": message.id, "status": step, "timestamp": str(int(at))}
    if chat.customer.wa_id:
        item["recipient_id"] = chat.customer.wa_id
    item["recipient_user_id"] = chat.customer.user_id
    if code is None:
        _bill(item, message, step, at)
    else:
        item["errors"] = [status_error(code)]
    if message.callback_data is not None:
        item["biz_opaque_callback_data"] = message.callback_data
    return change(chat.number, contacts=[contact(chat.customer, profile=profile)], statuses=[item])


def _bill(item: Json, message: Message, step: str, at: float) -> None:
    chat = message.chat
    if chat.is_free(at):
        item["conversation"] = {
            "id": f"{hash((chat.number.id, chat.customer.user_id, chat.free_until)) & (2**64 - 1):032x}",
            "origin": {"type": "referral_conversion"},
            "expiration_timestamp": str(int(chat.free_until)),
        }
        item["pricing"] = {
            "billable": False,
            "pricing_model": "PMP",
            "type": "free_entry_point",
            "category": "referral_conversion",
        }
        return
    day = int(at) // CONVERSATION_LASTS
    conversation: Json = {
        "id": f"{hash((chat.number.id, chat.customer.user_id, message.category, day)) & (2**64 - 1):032x}",
        "origin": {"type": message.category},
    }
    if step == "sent":
        conversation["expiration_timestamp"] = str(int(at) + CONVERSATION_LASTS)
    item["conversation"] = conversation
    item["pricing"] = {
        "billable": message.category != "service" or at >= SERVICE_BILLED_FROM,
        "pricing_model": "PMP",
        "type": "regular",
        "category": message.category,
    }


def preference(chat: Chat, value: str, at: float) -> Json:
    """The customer tapped "stop" or "resume" for marketing messages of this number."""
    verb = "stop" if value == "stop" else "resume"
    item: Json = {
        "user_id": chat.customer.user_id,
        "detail": f"User requested to {verb} marketing messages",
        "category": "marketing_messages",
        "value": value,
        "timestamp": int(at),
    }
    if chat.customer.wa_id:
        item["wa_id"] = chat.customer.wa_id
    return change(chat.number, "user_preferences", contacts=[contact(chat.customer)], user_preferences=[item])


def new_inbound_id(customer: Customer) -> str:
    """The wamid of a message that this person writes."""
    return ids.message_id(customer.wa_id or customer.user_id, inbound=True)
