"""What the page and the tests see of chats and settings, as JSON."""

import itertools
from dataclasses import asdict

from .errors import REFUSALS
from .service import Service
from .templates import buttons, rendered
from .validation import MEDIA
from .world import Chat, Json, Message


def shown_state(service: Service) -> Json:
    """Accounts with their numbers and templates, and the settings. Secrets stay inside."""
    world = service.world
    return {
        "now": world.now(),
        "settings": asdict(world.settings),
        "accounts": [
            {
                "id": account.id,
                "name": account.name,
                "callback_url": account.callback_url,
                "subscribed": account.subscribed,
                "numbers": [
                    {
                        "id": number.id,
                        "display_phone_number": number.display_phone_number,
                        "verified_name": number.verified_name,
                        "throughput": number.throughput,
                        "pair_limit": number.pair_limit,
                        "quality_rating": number.quality_rating,
                        "status": number.status,
                    }
                    for number in account.numbers
                ],
                "templates": [
                    {"id": each.id, "name": each.name, "language": each.language, "status": each.status}
                    for each in account.templates.values()
                ],
            }
            for account in world.accounts.values()
        ],
    }


def shown_chats(service: Service, number_id: str, limit: int) -> list[Json]:
    """The chats with the latest activity first."""
    latest = (each for each in reversed(service.world.chats.values()) if not number_id or each.number.id == number_id)
    return [_row(service, each) for each in itertools.islice(latest, limit)]


def shown_chat(service: Service, chat: Chat) -> Json:
    """One chat with its messages, oldest first."""
    return {**_row(service, chat), "messages": [_message(service, each) for each in chat.messages]}


def _row(service: Service, chat: Chat) -> Json:
    now, customer = service.world.now(), chat.customer
    last = chat.messages[-1] if chat.messages else None
    return {
        "phone_number_id": chat.number.id,
        "business": chat.number.verified_name,
        "key": customer.key,
        "wa_id": customer.wa_id,
        "user_id": customer.user_id,
        "name": customer.name,
        "username": customer.username,
        "active_at": chat.active_at,
        "window_open": chat.is_open(now),
        "typing": chat.typing_until > now,
        "stopped_marketing": chat.stopped_marketing,
        "unread": sum(not each.inbound and each.step in ("sent", "delivered") for each in chat.messages[-50:]),
        "last": None if last is None else {"text": text_of(last), "inbound": last.inbound, "status": last.step},
    }


def _message(service: Service, message: Message) -> Json:
    shown: Json = {
        "id": message.id,
        "inbound": message.inbound,
        "type": message.type,
        "at": message.at,
        "status": message.step,
        "text": text_of(message),
        "quoted": message.quoted,
        "reaction": message.reaction,
        "content": message.content,
        "biz_opaque_callback_data": message.callback_data,
    }
    if message.error is not None:
        shown["error"] = {
            "code": message.error,
            "title": REFUSALS[message.error].title if message.error in REFUSALS else "",
        }
    if message.template is not None:
        texts = rendered(message.template, message.content.get("components") or [])
        shown |= {place: texts[place] for place in ("header", "footer") if place in texts}
        shown["buttons"] = buttons(message.template, message.content.get("components") or [])
    if message.type in MEDIA:
        shown["media"] = _media(service, message.content)
    return shown


def _media(service: Service, content: Json) -> Json:
    media = service.media.find(str(content.get("id") or ""))
    link = f"/_sandbox/media/{media.id}" if media else content.get("link")
    return {"link": link, "mime_type": media.mime_type if media else "", "filename": content.get("filename") or ""}


def text_of(message: Message) -> str:
    """What a phone would show as the text of this message."""
    content = message.content
    if message.step == "deleted":
        return ""
    if message.template is not None:
        return rendered(message.template, content.get("components") or []).get("body", "")
    if message.type in ("text", "edit"):
        return str(content.get("body", ""))
    if message.type == "interactive":
        answer = content.get("button_reply") or content.get("list_reply") or {}
        return str(answer.get("title") or (content.get("body") or {}).get("text") or "")
    if message.type == "button":
        return str(content.get("text", ""))
    if message.type == "location":
        return str(content.get("name") or f"{content.get('latitude')}, {content.get('longitude')}")
    if message.type == "contacts":
        return ", ".join(str((each.get("name") or {}).get("formatted_name", "")) for each in content)
    if message.type == "reaction":
        return str(content.get("emoji", ""))
    return str(content.get("caption") or "") if isinstance(content, dict) else ""
