"""A list of choices as something to press: WhatsApp's list or buttons, each choice naming the turn that offered it. Pure.

What is pressed long after stands for what was offered then: another list in between changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from messaging.assistant.wording import say

LONGEST_TITLE, LONGEST_DESCRIPTION, MOST_ROWS = 24, 72, 10
_PRESSED = re.compile(r"assistant:(\d{1,18}):(\d{1,2}|yes|no)")


def offered(words: str, labels: Sequence[str], *, language: str, turn_id: int) -> dict[str, Any]:
    """A list; the words number the choices too, for who would rather write."""
    rows = []
    for number, label in enumerate(labels[:MOST_ROWS], 1):
        title = f"{number}. {label}"
        row = {"id": f"assistant:{turn_id}:{number}", "title": title[:LONGEST_TITLE]}
        rows.append({**row, "description": label[:LONGEST_DESCRIPTION]} if len(title) > LONGEST_TITLE else row)
    action = {"button": say(language, "choose"), "sections": [{"rows": rows}]}
    return {"type": "list", "body": {"text": words}, "action": action}


def asked(words: str, *, language: str, turn_id: int) -> dict[str, Any]:
    """Yes or no."""
    replies = [{"id": f"assistant:{turn_id}:{key}", "title": say(language, key)} for key in ("yes", "no")]
    buttons = [{"type": "reply", "reply": reply} for reply in replies]
    return {"type": "button", "body": {"text": words}, "action": {"buttons": buttons}}


def pressed(payload: Mapping[str, Any]) -> tuple[int, str] | None:
    """Of which turn, and what: a number, yes or no. None for everything else."""
    interactive = payload.get("interactive")
    if not isinstance(interactive, Mapping):
        return None
    reply = interactive.get(str(interactive.get("type")))
    found = _PRESSED.fullmatch(str(reply.get("id"))) if isinstance(reply, Mapping) else None
    return (int(found[1]), found[2]) if found else None
