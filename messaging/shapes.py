"""Messages that are more than words: places, contact cards, and messages with something to press. Pure.

Each function takes what a caller gave, in the words of the Cloud API, and answers what is kept and sent: nothing that
we do not know goes along. Whatever WhatsApp would refuse is refused here, with the field and the limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from messaging.errors import ShapeInvalid

LONGEST_BODY, LONGEST_LIST_BODY, LONGEST_HEADER, LONGEST_FOOTER = 1024, 4096, 60, 60
LONGEST_BUTTON, LONGEST_ROW, LONGEST_DESCRIPTION, LONGEST_SECTION, LONGEST_ID = 20, 24, 72, 24, 200
MOST_BUTTONS, MOST_ROWS, MOST_CARDS, MOST_PHONES = 3, 10, 20, 5
LONGEST_NAME, LONGEST_ADDRESS, LONGEST_URL = 1000, 1000, 2000
Given = Mapping[str, Any]


def location(given: Given) -> dict[str, Any]:
    """A place: latitude and longitude in degrees, and if given what it is called. Raises ShapeInvalid."""
    place: dict[str, Any] = {}
    for name, furthest in (("latitude", 90.0), ("longitude", 180.0)):
        try:
            place[name] = round(float(given[name]), 7)
        except (KeyError, TypeError, ValueError):
            raise ShapeInvalid(f"A place needs its {name}, in degrees.", field=f"location.{name}") from None
        if not -furthest <= place[name] <= furthest:
            raise ShapeInvalid(f"The {name} lies between -{furthest:g} and {furthest:g}.", field=f"location.{name}")
    for name, longest in (("name", LONGEST_NAME), ("address", LONGEST_ADDRESS)):
        if text := _text(given, name, f"location.{name}", longest, is_needed=False):
            place[name] = text
    return place


def contacts(given: Sequence[Any]) -> list[dict[str, Any]]:
    """Contact cards, each with a name and numbers. Raises ShapeInvalid."""
    if not 1 <= len(given) <= MOST_CARDS:
        raise ShapeInvalid(f"Send 1 to {MOST_CARDS} contact cards at once.", field="contacts")
    return [_card(_mapping(each, f"contacts.{index}"), f"contacts.{index}") for index, each in enumerate(given)]


def interactive(given: Given) -> dict[str, Any]:
    """Something to press: reply buttons, a list, a button to an address, a flow, or a question for the place.

    A flow's own parameters are WhatsApp's business and pass through. Raises ShapeInvalid.
    """
    kind = given.get("type")
    action_of = ACTIONS.get(kind) if isinstance(kind, str) else None
    if action_of is None:
        raise ShapeInvalid(f"Choose one of {', '.join(ACTIONS)}.", field="interactive.type")
    longest = LONGEST_LIST_BODY if kind == "list" else LONGEST_BODY
    body = _text(_mapping(given.get("body"), "interactive.body"), "text", "interactive.body.text", longest)
    made: dict[str, Any] = {"type": kind, "body": {"text": body}}
    for name, most in (("header", LONGEST_HEADER), ("footer", LONGEST_FOOTER)):
        if given.get(name):
            part = _mapping(given[name], f"interactive.{name}")
            text = _text(part, "text", f"interactive.{name}.text", most)
            made[name] = {"type": "text", "text": text} if name == "header" else {"text": text}
    made["action"] = action_of(_mapping(given.get("action") or {}, "interactive.action"))
    return made


def choices(made: Given) -> list[str]:
    """What the person can press, for showing the message."""
    action = made.get("action") or {}
    match made.get("type"):
        case "button":
            return [str(each["reply"]["title"]) for each in action.get("buttons", [])]
        case "list":
            return [str(row["title"]) for section in action.get("sections", []) for row in section["rows"]]
        case "cta_url":
            return [str(action["parameters"]["display_text"])]
        case "flow":
            return [str(action["parameters"].get("flow_cta", ""))]
        case _:
            return []


def _card(given: Given, field: str) -> dict[str, Any]:
    name = _mapping(given.get("name"), f"{field}.name")
    full = _text(name, "formatted_name", f"{field}.name.formatted_name", LONGEST_NAME)
    first = str(name.get("first_name") or full.split()[0])[:LONGEST_NAME]
    card: dict[str, Any] = {"name": {"formatted_name": full, "first_name": first}}
    phones = given.get("phones") or []
    if not isinstance(phones, list) or len(phones) > MOST_PHONES:
        raise ShapeInvalid(f"A card has up to {MOST_PHONES} numbers, as a list.", field=f"{field}.phones")
    kept = [_phone(_mapping(each, f"{field}.phones"), f"{field}.phones") for each in phones]
    if kept:
        card["phones"] = kept
    if company := _text(
        _mapping(given.get("org") or {}, f"{field}.org"), "company", f"{field}.org", 200, is_needed=False
    ):
        card["org"] = {"company": company}
    return card


def _phone(given: Given, field: str) -> dict[str, str]:
    number = str(given.get("phone") or "")
    digits = re.sub(r"\D", "", number)
    if not 5 <= len(digits) <= 15:
        raise ShapeInvalid("Write numbers with their country, as +971 50 123 4567.", field=field)
    return {"phone": f"+{digits}", "type": str(given.get("type") or "CELL")[:20], "wa_id": digits}


def _buttons(action: Given) -> dict[str, Any]:
    given = action.get("buttons")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_BUTTONS:
        raise ShapeInvalid(f"Give 1 to {MOST_BUTTONS} buttons.", field="interactive.action.buttons")
    replies = []
    for index, each in enumerate(given):
        field = f"interactive.action.buttons.{index}"
        reply = _mapping(_mapping(each, field).get("reply"), f"{field}.reply")
        replies.append(_choice(reply, f"{field}.reply", LONGEST_BUTTON))
    _require_distinct(replies, "interactive.action.buttons")
    if len({reply["title"] for reply in replies}) < len(replies):
        raise ShapeInvalid("Two buttons say the same.", field="interactive.action.buttons")
    return {"buttons": [{"type": "reply", "reply": reply} for reply in replies]}


def _list(action: Given) -> dict[str, Any]:
    opener = _text(action, "button", "interactive.action.button", LONGEST_BUTTON)
    given = action.get("sections")
    if not isinstance(given, list) or not given:
        raise ShapeInvalid("A list has sections, each with rows.", field="interactive.action.sections")
    sections, rows = [], []
    for index, each in enumerate(given):
        field = f"interactive.action.sections.{index}"
        section = _mapping(each, field)
        theirs = section.get("rows")
        if not isinstance(theirs, list) or not theirs:
            raise ShapeInvalid("A section needs rows.", field=f"{field}.rows")
        made = []
        for place, row in enumerate(theirs):
            choice = _choice(_mapping(row, f"{field}.rows.{place}"), f"{field}.rows.{place}", LONGEST_ROW)
            said = _text(row, "description", f"{field}.rows.{place}.description", LONGEST_DESCRIPTION, is_needed=False)
            made.append({**choice, "description": said} if said else choice)
        # WhatsApp asks for titles as soon as there are two sections.
        title = _text(section, "title", f"{field}.title", LONGEST_SECTION, is_needed=len(given) > 1)
        sections.append({"title": title, "rows": made} if title else {"rows": made})
        rows += made
    if len(rows) > MOST_ROWS:
        raise ShapeInvalid(f"A list has up to {MOST_ROWS} rows in all.", field="interactive.action.sections")
    _require_distinct(rows, "interactive.action.sections")
    return {"button": opener, "sections": sections}


def _address(action: Given) -> dict[str, Any]:
    given = _mapping(action.get("parameters"), "interactive.action.parameters")
    words = _text(given, "display_text", "interactive.action.parameters.display_text", LONGEST_BUTTON)
    url = _text(given, "url", "interactive.action.parameters.url", LONGEST_URL)
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ShapeInvalid("The button leads to an https address.", field="interactive.action.parameters.url")
    return {"name": "cta_url", "parameters": {"display_text": words, "url": url}}


def _flow(action: Given) -> dict[str, Any]:
    given = dict(_mapping(action.get("parameters"), "interactive.action.parameters"))
    if not given.get("flow_id") and not given.get("flow_name"):
        raise ShapeInvalid("Say which flow it is.", field="interactive.action.parameters.flow_id")
    _text(given, "flow_cta", "interactive.action.parameters.flow_cta", LONGEST_BUTTON)
    return {"name": "flow", "parameters": {"flow_message_version": "3", **given}}


def _place(_action: Given) -> dict[str, Any]:
    return {"name": "send_location"}


def _number(_action: Given) -> dict[str, Any]:
    return {"name": "request_contact_info"}


ACTIONS: dict[str, Callable[[Given], dict[str, Any]]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _address,
    "flow": _flow,
    "location_request_message": _place,
    "request_contact_info": _number,
}


def _choice(given: Given, field: str, longest: int) -> dict[str, str]:
    title = _text(given, "title", f"{field}.title", longest)
    return {"id": _text(given, "id", f"{field}.id", LONGEST_ID, is_needed=False) or title, "title": title}


def _require_distinct(rows: Sequence[Given], field: str) -> None:
    ids = [row["id"] for row in rows]
    if len(set(ids)) < len(ids):
        raise ShapeInvalid("Two choices have the same id: which was pressed could not be told.", field=field)


def _text(given: Given, name: str, field: str, longest: int, *, is_needed: bool = True) -> str:
    text = str(given.get(name) or "").replace("\x00", "").strip()
    if is_needed and not text:
        raise ShapeInvalid(f"{field} is missing.", field=field)
    if len(text) > longest:
        raise ShapeInvalid(f"{field} may have {longest} characters.", field=field, length=len(text))
    return text


def _mapping(value: object, field: str) -> Given:
    if not isinstance(value, Mapping):
        raise ShapeInvalid(f"{field} is missing or not an object.", field=field)
    return value
