"""What the Cloud API demands of each message type before it takes the message."""

from collections.abc import Callable
from typing import Any

from .errors import GraphError, invalid
from .world import Json

MEDIA = ("image", "video", "audio", "document", "sticker")
INTERACTIVE = (
    "button", "list", "cta_url", "flow", "product", "product_list", "catalog_message", "location_request_message",
    "carousel", "address_message", "request_contact_info", "call_permission_request", "voice_call",
)  # fmt: skip
LONGEST_TEXT = 4096


def check_content(kind: str, content: object) -> None:
    """Refuse a message whose part named after its type is missing or malformed."""
    rule = RULES.get(kind)
    if rule is None:
        raise GraphError(131051, f"Message type is not currently supported: {kind}")
    if not isinstance(content, list if kind == "contacts" else dict):
        raise invalid(f"The parameter {kind} is required.")
    rule(kind, content)


def _text(kind: str, content: Json) -> None:
    body = content.get("body")
    if not isinstance(body, str) or not body:
        raise invalid("The parameter text['body'] is required.")
    if len(body) > LONGEST_TEXT:
        raise invalid(f"Param text['body'] must be at most {LONGEST_TEXT} characters long.")


def _media(kind: str, content: Json) -> None:
    if not content.get("id") and not content.get("link"):
        raise invalid(f"The parameter {kind}['id'] or {kind}['link'] is required.")
    if content.get("id") and content.get("link"):
        raise invalid(f"Only one of {kind}['id'] and {kind}['link'] may be given.")
    if content.get("caption") and kind in ("audio", "sticker"):
        raise invalid(f'Unexpected key "caption" on param "{kind}".')
    if len(str(content.get("caption") or "")) > 1024:
        raise GraphError(131009, "caption: at most 1024 characters")


def _location(kind: str, content: Json) -> None:
    for name, furthest in (("latitude", 90.0), ("longitude", 180.0)):
        try:
            value = float(content[name])
        except (KeyError, TypeError, ValueError):
            raise invalid(f"The parameter location['{name}'] is required.") from None
        if not -furthest <= value <= furthest:
            raise GraphError(131009, f"location['{name}'] is out of range")


def _contacts(kind: str, content: list[Any]) -> None:
    if not content:
        raise invalid("The parameter contacts is required.")
    for index, each in enumerate(content):
        if not isinstance(each, dict) or not (each.get("name") or {}).get("formatted_name"):
            raise invalid(f"The parameter contacts[{index}]['name']['formatted_name'] is required.")


def _reaction(kind: str, content: Json) -> None:
    if not content.get("message_id"):
        raise invalid("The parameter reaction['message_id'] is required.")


def _template(kind: str, content: Json) -> None:
    if not content.get("name"):
        raise invalid("The parameter template['name'] is required.")
    if not (content.get("language") or {}).get("code"):
        raise invalid("The parameter template['language']['code'] is required.")


def _interactive(kind: str, content: Json) -> None:
    form = content.get("type")
    if form not in INTERACTIVE:
        raise GraphError(131009, f"interactive['type'] must be one of {', '.join(INTERACTIVE)}")
    action = content.get("action")
    if not isinstance(action, dict):
        raise invalid("The parameter interactive['action'] is required.")
    body = content.get("body") or {}
    if form in ("button", "list", "cta_url", "flow", "location_request_message") and not body.get("text"):
        raise invalid("The parameter interactive['body']['text'] is required.")
    if len(str(body.get("text", ""))) > (4096 if form == "list" else 1024):
        raise GraphError(131009, "interactive['body']['text'] is too long")
    if form == "button":
        _reply_buttons(action.get("buttons") or [])
    elif form == "list":
        _list(action)


def _reply_buttons(buttons: list[Json]) -> None:
    if not 1 <= len(buttons) <= 3:
        raise GraphError(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    replies = [each.get("reply") or {} for each in buttons]
    titles = [str(each.get("title", "")) for each in replies]
    if any(not 1 <= len(title) <= 20 for title in titles):
        raise GraphError(131009, "Button title length invalid. Min length: 1, Max length: 20")
    if len(set(titles)) < len(titles) or len({str(each.get("id")) for each in replies}) < len(replies):
        raise GraphError(131009, "Duplicated button reply title or id")


def _list(action: Json) -> None:
    if not 1 <= len(str(action.get("button", ""))) <= 20:
        raise GraphError(131009, "List button length invalid. Min length: 1, Max length: 20")
    rows = [row for section in action.get("sections") or [] for row in section.get("rows") or []]
    if not 1 <= len(rows) <= 10:
        raise GraphError(131009, "Total row count exceed max allowed count: 10")
    if any(not 1 <= len(str(row.get("title", ""))) <= 24 for row in rows):
        raise GraphError(131009, "Row title is too long. Max length is 24")
    if any(len(str(row.get("description", ""))) > 72 for row in rows):
        raise GraphError(131009, "Row description is too long. Max length is 72")
    if len({str(row.get("id")) for row in rows}) < len(rows):
        raise GraphError(131009, "Duplicated row id")


RULES: dict[str, Callable[..., None]] = {
    "text": _text,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "template": _template,
    "interactive": _interactive,
    **dict.fromkeys(MEDIA, _media),
}
