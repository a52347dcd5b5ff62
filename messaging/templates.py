"""Templates: which variables they ask for, and what they become once these are filled in. Pure.

A variable is known by a key: body `1` or `name`; header `header.1`; the variable part of a button's address
`button0.1`; a media header `header.media` (the id of an uploaded file, or an https link).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from messaging.errors import VariableMissing

PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
MEDIA_FORMATS = ("IMAGE", "VIDEO", "DOCUMENT")
LONGEST_BODY = 1024
Component = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variable:
    """One thing to fill in. `example` is what Meta's reviewers saw."""

    key: str
    place: str  # body, header, button
    name: str
    example: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template ready to send: the components of the request, and the text as the person will read it."""

    components: list[dict[str, Any]]
    text: str


def variables(components: Sequence[Component]) -> list[Variable]:
    """Everything the template asks for, in the order a person reads it."""
    header, body, buttons = _parts(components)
    asked: list[Variable] = []
    if header is not None:
        if header.get("format", "TEXT") in MEDIA_FORMATS:
            asked.append(Variable("header.media", "header", str(header["format"]).lower()))
        else:
            asked += _asked("header", "header.", header)
    if body is not None:
        asked += _asked("body", "", body)
    for index, button in enumerate(buttons):
        if button.get("type") == "URL":
            names = _names(str(button.get("url", "")))
            asked += [Variable(f"button{index}.{name}", "button", name) for name in names]
    return asked


def render(components: Sequence[Component], values: Mapping[str, str], *, is_named: bool = False) -> Rendered:
    """Fill a template in. Raises VariableMissing, naming every variable without a value."""
    asked = variables(components)
    filled = {variable.key: _clean(values.get(variable.key, "")) for variable in asked}
    missing = [key for key, value in filled.items() if not value]
    if missing:
        raise VariableMissing(
            f"The template needs a value for {', '.join(missing)}; fill it in and send again.", missing=missing
        )
    return Rendered(_filled_components(components, asked, filled, is_named), preview(components, filled))


def preview(components: Sequence[Component], values: Mapping[str, str]) -> str:
    """The text as the person will read it; what has no value yet stays as {{name}}."""
    header, body, buttons = _parts(components)
    footer = next((part for part in components if _type(part) == "FOOTER"), None)
    lines = []
    if header is not None and header.get("format", "TEXT") == "TEXT":
        lines.append(_fill(str(header.get("text", "")), values, "header."))
    if body is not None:
        lines.append(_fill(str(body.get("text", "")), values, ""))
    if footer is not None:
        lines.append(str(footer.get("text", "")))
    lines += [f"[{button.get('text', '')}]" for button in buttons]
    return "\n".join(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class Button:
    """One button under a message. `kind` is quick_reply, url, phone_number or copy_code; `value` where it leads."""

    kind: str
    text: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Bubble:
    """A template as it looks on a phone. `header_kind` is text, image, video, document, location or nothing."""

    header_kind: str
    header: str
    body: str
    footer: str
    buttons: list[Button]


def bubble(components: Sequence[Component], values: Mapping[str, str]) -> Bubble:
    """What a person sees; variables without a value stay as {{name}}."""
    header, body, buttons = _parts(components)
    footer = next((part for part in components if _type(part) == "FOOTER"), None)
    kind = "" if header is None else str(header.get("format") or "TEXT").lower()
    return Bubble(
        header_kind=kind,
        header=_fill(str((header or {}).get("text", "")), values, "header.") if kind == "text" else "",
        body=_fill(str((body or {}).get("text", "")), values, ""),
        footer=str((footer or {}).get("text", "")),
        buttons=[
            Button(
                str(button.get("type", "")).lower(),
                str(button.get("text") or button.get("example") or ""),
                str(button.get("url") or button.get("phone_number") or ""),
            )
            for button in buttons
        ],
    )


def examples(components: Sequence[Component]) -> dict[str, str]:
    """The values that reviewers saw, by the key of each variable."""
    return {variable.key: variable.example for variable in variables(components) if variable.example}


def _parts(components: Sequence[Component]) -> tuple[Component | None, Component | None, list[Component]]:
    header = next((part for part in components if _type(part) == "HEADER"), None)
    body = next((part for part in components if _type(part) == "BODY"), None)
    buttons: list[Component] = next((part.get("buttons", []) for part in components if _type(part) == "BUTTONS"), [])
    return header, body, buttons


def _type(component: Component) -> str:
    return str(component.get("type", "")).upper()


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


def _asked(place: str, prefix: str, component: Component) -> list[Variable]:
    names = _names(str(component.get("text", "")))
    examples = _examples(place, component.get("example") or {}, names)
    return [Variable(f"{prefix}{name}", place, name, examples.get(name, "")) for name in names]


def _examples(place: str, example: Mapping[str, Any], names: list[str]) -> dict[str, str]:
    named = example.get(f"{place}_text_named_params")
    if isinstance(named, list):
        return {str(each.get("param_name")): str(each.get("example")) for each in named if isinstance(each, dict)}
    given = example.get(f"{place}_text") or []
    row = given[0] if given and isinstance(given[0], list) else given
    return dict(zip(names, map(str, row), strict=False))


def _fill(text: str, values: Mapping[str, str], prefix: str) -> str:
    return PLACEHOLDER.sub(lambda found: values.get(f"{prefix}{found[1]}") or found[0], text)


def _clean(value: object) -> str:
    """WhatsApp refuses new lines, tabs and more than four spaces in a row in a variable."""
    return re.sub(r"\s+", " ", str(value)).strip()


def _filled_components(
    components: Sequence[Component], asked: list[Variable], values: Mapping[str, str], is_named: bool
) -> list[dict[str, Any]]:
    header, _, _ = _parts(components)
    filled: list[dict[str, Any]] = []
    for place in ("header", "body"):
        wanted = [variable for variable in asked if variable.place == place]
        if not wanted:
            continue
        if wanted[0].key == "header.media" and header is not None:
            parameters = [_media_parameter(str(header["format"]).lower(), values["header.media"])]
        else:
            parameters = [_text_parameter(variable, values[variable.key], is_named) for variable in wanted]
        filled.append({"type": place, "parameters": parameters})
    for variable in asked:
        if variable.place == "button":
            index = variable.key.removeprefix("button").partition(".")[0]
            parameter = {"type": "text", "text": values[variable.key]}
            filled.append({"type": "button", "sub_type": "url", "index": index, "parameters": [parameter]})
    return filled


def _text_parameter(variable: Variable, value: str, is_named: bool) -> dict[str, Any]:
    parameter = {"type": "text", "text": value}
    return {**parameter, "parameter_name": variable.name} if is_named else parameter


def _media_parameter(kind: str, value: str) -> dict[str, Any]:
    return {"type": kind, kind: {"link" if value.startswith("https://") else "id": value}}
