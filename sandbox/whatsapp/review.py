"""What Meta refuses at once of a template that is handed in or changed, with its subcode and its words for people."""

import itertools
import re

from .errors import GraphError
from .templates import placeholders
from .world import Account, Json, Template

EDITS_A_MONTH, MONTH, DAY = 10, 30 * 86_400.0, 86_400.0
NAME_RESTS = 30 * 86_400.0
LONGEST_BUTTON = 25
MOST = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1}


def refuse(subcode: int, title: str, words: str) -> GraphError:
    """`(#100)` as Graph answers for templates: the reason stands in `error_user_msg`."""
    return GraphError(100, message="Invalid parameter", subcode=subcode, user_title=title, user_message=words)


def check(components: list[Json], *, named: bool) -> None:
    """The rules on variables, examples and buttons."""
    for part in components:
        kind = str(part.get("type", "")).upper()
        if kind in ("HEADER", "BODY"):
            _text(kind, part, named=named)
        elif kind == "FOOTER" and placeholders(str(part.get("text", ""))):
            raise refuse(2388073, "Message footer format incorrect", "The message footer can't contain variables.")
        elif kind == "BUTTONS":
            _buttons(part.get("buttons") or [])


def check_name(account: Account, name: str, language: str, now: float) -> None:
    """A deleted name rests for a month."""
    if now - account.deleted.get((name, language), -NAME_RESTS) < NAME_RESTS:
        raise refuse(
            2388023,
            "Message template language is being deleted",
            f"New {language} content can't be added for {name} while the existing content is being deleted. "
            "Try again in 4 weeks or create a new message template.",
        )


def check_edit(template: Template, now: float) -> None:
    """An approved template is changed once a day and ten times in thirty days."""
    if template.status != "APPROVED":
        return
    lately = [each for each in template.edited if now - each < MONTH]
    if (lately and now - lately[-1] < DAY) or len(lately) >= EDITS_A_MONTH:
        raise refuse(2388003, "Edit limit reached", "This template can be edited once a day and 10 times in 30 days.")


def _text(kind: str, part: Json, *, named: bool) -> None:
    form = str(part.get("format", "TEXT")).upper()
    example = part.get("example") or {}
    place = kind.lower()
    if kind == "HEADER" and form in ("IMAGE", "VIDEO", "DOCUMENT"):
        if not (example.get("header_handle") or [""])[0]:
            raise refuse(2388273, "Message header is missing sample", "The message header needs a media sample.")
        return
    text = str(part.get("text", ""))
    names = placeholders(text)
    if not names:
        return
    bare = text.strip()
    if kind == "BODY" and (bare.startswith("{{") or bare.endswith("}}")):
        raise refuse(
            2388299, "Variables can't be at the start or end", "Message body variables can't be at the start or end."
        )
    words = len(re.sub(r"\{\{[^{}]*\}\}", " ", text).split())
    if kind == "BODY" and words < 2 * len(names) + 1:
        raise refuse(
            2388293,
            "This template has too many variables for its length",
            "Reduce the number of variables in the message body or make it longer.",
        )
    given = example.get(f"{place}_text_named_params") if named else example.get(f"{place}_text")
    rows = given[0] if given and isinstance(given[0], list) else given or []
    if len(rows) != len(names):
        raise refuse(2388043, "Example missing", f"The message {place} needs an example for each variable.")


def _buttons(buttons: list[Json]) -> None:
    kinds = [str(each.get("type", "")).upper() for each in buttons]
    for kind, most in MOST.items():
        if kinds.count(kind) > most:
            raise refuse(2388158, "Too many buttons", f"Buttons: at most {most} of type {kind}.")
    changes = sum((a == "QUICK_REPLY") != (b == "QUICK_REPLY") for a, b in itertools.pairwise(kinds))
    if changes > 1:
        raise refuse(2388048, "Buttons are mixed", "Quick reply buttons must stand together.")
    for each in buttons:
        if each.get("type") != "COPY_CODE" and not 1 <= len(str(each.get("text", ""))) <= LONGEST_BUTTON:
            raise refuse(2388049, "Button text too long", f"Button text may hold {LONGEST_BUTTON} characters.")
