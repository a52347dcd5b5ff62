"""WhatsApp's rules for the text of a template, told before its reviewers would. Pure.

Each problem names the field and says what to do, so that nobody guesses from "Invalid parameter".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from messaging.models.channels import ParameterFormat, TemplateCategory

NAME = re.compile(r"[a-z0-9_]{1,512}")
PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
NAMED = re.compile(r"[a-z][a-z0-9_]*")
ADDRESS = re.compile(r"https?://\S+")
EMOJI = re.compile("[\U0001f000-\U0001faff☀-➿️]")
LONGEST = {"HEADER": 60, "BODY": 1024, "FOOTER": 60}
MOST_EMOJI = 10
HEADERS = ("TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION")
MOST_BUTTONS = 10
# Of each kind of button: at most so many, and so long a label.
BUTTONS = {"QUICK_REPLY": (10, 25), "URL": (2, 25), "PHONE_NUMBER": (1, 25), "COPY_CODE": (1, 25)}
LONGEST_ADDRESS = 2000
LONGEST_CODE = 15
# The languages that WhatsApp takes and that people here write; any other code is left to WhatsApp to judge.
LANGUAGES = {
    "ar": "العربية", "ar_AE": "العربية (الإمارات)", "en": "English", "en_GB": "English (UK)", "en_US": "English (US)",
    "fr": "Français", "hi": "हिन्दी", "ur": "اردو", "fa": "فارسی", "ru": "Русский", "zh_CN": "中文", "de": "Deutsch",
    "es": "Español", "it": "Italiano", "pt_BR": "Português (BR)", "tr": "Türkçe", "ml": "മലയാളം", "ta": "தமிழ்",
    "tl": "Filipino", "bn": "বাংলা",
}  # fmt: skip
CODE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
Component = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule that is broken: at which field, and what to do about it."""

    field: str
    message: str


def problems(
    *, name: str, language: str, category: str, components: Sequence[Component], parameter_format: str
) -> list[Problem]:
    """Everything that WhatsApp would refuse, in the order of the form."""
    found: list[Problem] = []
    if not NAME.fullmatch(name):
        found.append(Problem("name", _("A name has small letters, digits and _ only: for example viewing_tomorrow.")))
    if not CODE.fullmatch(language):
        found.append(Problem("language", _("Choose a language.")))
    if category not in (TemplateCategory.MARKETING, TemplateCategory.UTILITY):
        sentence = _("Choose marketing or utility. Templates for one-time codes are made in WhatsApp Manager.")
        found.append(Problem("category", sentence))
    parts = {str(part.get("type", "")).upper(): part for part in components}
    found += _header(parts.get("HEADER"), parameter_format)
    found += _body(parts.get("BODY"), parameter_format)
    found += _footer(parts.get("FOOTER"))
    found += _buttons(parts.get("BUTTONS"))
    return found


def _header(part: Component | None, form: str) -> list[Problem]:
    if part is None:
        return []
    kind = str(part.get("format") or "TEXT").upper()
    if kind not in HEADERS:
        return [Problem("header", _("A header is text, a picture, a film, a document or a place."))]
    if kind == "LOCATION":
        return []
    example = part.get("example") or {}
    if kind != "TEXT":
        missing = not (example.get("header_handle") or [""])[0]
        return [Problem("header_file", _("Add an example file: WhatsApp's reviewers look at it."))] if missing else []
    text = str(part.get("text") or "")
    found = _length("header", text, LONGEST["HEADER"])
    if "\n" in text or EMOJI.search(text) or re.search(r"[*_~`]", PLACEHOLDER.sub("", text)):
        found.append(Problem("header", _("A header is one line without emoji, *, _, ~ or `.")))
    if len(_names(text)) > 1:
        found.append(Problem("header", _("A header has at most one variable.")))
    return found + _variables("header", text, form, example)


def _body(part: Component | None, form: str) -> list[Problem]:
    text = str((part or {}).get("text") or "")
    if not text.strip():
        return [Problem("body", _("Write the text of the message."))]
    found = _length("body", text, LONGEST["BODY"])
    if len(EMOJI.findall(text)) > MOST_EMOJI:
        found.append(Problem("body", _("At most %(most)d emoji.") % {"most": MOST_EMOJI}))
    if "\n\n\n" in text:
        found.append(Problem("body", _("At most one empty line in a row.")))
    names = _names(text)
    bare = text.strip()
    if names and (bare.startswith("{{") or bare.endswith("}}")):
        found.append(Problem("body", _("A variable may not stand at the very beginning or end: put a word around it.")))
    if re.search(r"\}\}\s*\{\{", text):
        found.append(Problem("body", _("Two variables may not follow each other: put a word between them.")))
    words = len(PLACEHOLDER.sub(" ", text).split())
    if names and words < 2 * len(names) + 1:
        sentence = _("Too many variables for so short a text: with %(variables)d write at least %(words)d other words.")
        found.append(Problem("body", sentence % {"variables": len(names), "words": 2 * len(names) + 1}))
    return found + _variables("body", text, form, (part or {}).get("example") or {})


def _footer(part: Component | None) -> list[Problem]:
    if part is None:
        return []
    text = str(part.get("text") or "")
    found = _length("footer", text, LONGEST["FOOTER"])
    if "{{" in text:
        found.append(Problem("footer", _("A footer has no variables.")))
    if "\n" in text or EMOJI.search(text):
        found.append(Problem("footer", _("A footer is one line without emoji.")))
    return found


def _variables(place: str, text: str, form: str, example: Mapping[str, Any]) -> list[Problem]:
    """Variables are whole, of one kind, in order, and each has an example."""
    if text.count("{{") != text.count("}}") or len(PLACEHOLDER.findall(text)) != text.count("{{"):
        return [Problem(place, _("A variable is written {{1}} or {{name}}: one of them is not whole."))]
    names = _names(text)
    if not names:
        return []
    if form == ParameterFormat.NAMED:
        wrong = [name for name in names if not NAMED.fullmatch(name)]
        if wrong:
            sentence = _("A name of a variable has small letters, digits and _ only: %(name)s has not.")
            return [Problem(place, sentence % {"name": wrong[0]})]
        rows = example.get(f"{place}_text_named_params") or []
        given = {str(row.get("param_name")): str(row.get("example") or "") for row in rows if isinstance(row, dict)}
    else:
        if names != [str(index + 1) for index in range(len(names))]:
            return [Problem(place, _("Number the variables in order: {{1}}, {{2}}, {{3}}."))]
        listed = example.get(f"{place}_text") or []
        listed = listed[0] if listed and isinstance(listed[0], list) else listed
        given = dict(zip(names, map(str, listed), strict=False))
    return [
        Problem(
            f"example.{place}.{name}", _("Give an example for {{%(name)s}}: reviewers judge by it.") % {"name": name}
        )
        for name in names
        if not given.get(name, "").strip()
    ]


def _buttons(part: Component | None) -> list[Problem]:
    buttons = [each for each in (part or {}).get("buttons") or [] if isinstance(each, dict)]
    found: list[Problem] = []
    if len(buttons) > MOST_BUTTONS:
        found.append(Problem("buttons", _("At most %(most)d buttons.") % {"most": MOST_BUTTONS}))
    kinds = [str(each.get("type") or "").upper() for each in buttons]
    for kind, (most, _longest) in BUTTONS.items():
        if kinds.count(kind) > most:
            sentence = _("At most %(most)d buttons of the kind %(kind)s.")
            found.append(Problem("buttons", sentence % {"most": most, "kind": kind.replace("_", " ").lower()}))
    runs = [
        kind == "QUICK_REPLY"
        for index, kind in enumerate(kinds)
        if index == 0 or (kind == "QUICK_REPLY") != (kinds[index - 1] == "QUICK_REPLY")
    ]
    if len(runs) > 2:
        found.append(Problem("buttons", _("Put the quick replies side by side, before or after the other buttons.")))
    seen: set[str] = set()
    for index, (button, kind) in enumerate(zip(buttons, kinds, strict=True)):
        found += _button(f"button{index}", button, kind, seen)
    return found


def _button(field: str, button: Component, kind: str, seen: set[str]) -> list[Problem]:
    if kind not in BUTTONS:
        return [Problem(field, _("A button is a quick reply, a web address, a phone number or a code."))]
    found: list[Problem] = []
    text = str(button.get("text") or "").strip()
    if kind != "COPY_CODE":
        if not text or len(text) > BUTTONS[kind][1]:
            found.append(
                Problem(f"{field}.text", _("A button says 1 to %(most)d letters.") % {"most": BUTTONS[kind][1]})
            )
        if "{{" in text or "\n" in text or EMOJI.search(text):
            found.append(Problem(f"{field}.text", _("A button has no variables, line breaks or emoji.")))
        if text in seen:
            found.append(Problem(f"{field}.text", _("Two buttons say the same.")))
        seen.add(text)
    if kind == "URL":
        found += _address(field, button)
    elif kind == "PHONE_NUMBER" and not re.fullmatch(r"\+?\d{7,20}", str(button.get("phone_number") or "")):
        found.append(Problem(f"{field}.value", _("Write the number with its country code, at most 20 digits.")))
    elif kind == "COPY_CODE" and not 1 <= len(str(button.get("example") or "")) <= LONGEST_CODE:
        found.append(Problem(f"{field}.value", _("A code has 1 to %(most)d letters.") % {"most": LONGEST_CODE}))
    return found


def _address(field: str, button: Component) -> list[Problem]:
    address = str(button.get("url") or "")
    names = _names(address)
    if not ADDRESS.fullmatch(PLACEHOLDER.sub("x", address)) or len(address) > LONGEST_ADDRESS:
        return [Problem(f"{field}.value", _("Write a web address that begins with https://."))]
    if names and (names != ["1"] or not address.endswith("{{1}}")):
        return [Problem(f"{field}.value", _("A web address has one variable at most, {{1}}, at its end."))]
    if names and not str((button.get("example") or [""])[0]).strip():
        return [Problem(f"{field}.example", _("Give an example of the whole web address."))]
    return []


def _length(field: str, text: str, most: int) -> list[Problem]:
    if not text.strip():
        return [Problem(field, _("Write something, or take it out."))]
    if len(text) <= most:
        return []
    sentence = _("%(over)d letters too long: at most %(most)d.")
    return [Problem(field, sentence % {"over": len(text) - most, "most": most})]


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in PLACEHOLDER.findall(text)))
