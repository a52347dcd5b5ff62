"""A template as a form: from what was typed to the components that WhatsApp takes, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from messaging import templates
from messaging.models import MessageTemplate
from messaging.models.channels import ParameterFormat
from messaging.template_rules import BUTTONS, PLACEHOLDER

ROWS = 10
SHOWN_ROWS = 3
LONGEST_FIELD = 4_000


@dataclass(frozen=True, slots=True)
class ButtonRow:
    """One row of the form. `value` is a web address, a number or a code; `example` a whole web address."""

    kind: str = ""
    text: str = ""
    value: str = ""
    example: str = ""


@dataclass(slots=True)
class Draft:
    """What stands in the form. Nothing is lost of it when it is refused."""

    name: str = ""
    language: str = "en"
    category: str = "UTILITY"
    header_kind: str = ""
    header: str = ""
    header_handle: str = ""
    body: str = ""
    footer: str = ""
    examples: dict[str, str] = field(default_factory=dict)  # by place and name: body.1, header.name
    buttons: list[ButtonRow] = field(default_factory=list)

    @property
    def parameter_format(self) -> str:
        """Numbers or names, by what is written: one of the two throughout."""
        names = [name.strip() for name in PLACEHOLDER.findall(self.body + self.header)]
        numbered = all(name.isdecimal() for name in names)
        return ParameterFormat.POSITIONAL if numbered else ParameterFormat.NAMED

    @property
    def variables(self) -> list[tuple[str, str, str]]:
        """Every variable that wants an example: its key, its name, and what was given."""
        found: dict[str, str] = {}
        for place, text in (("header", self.header if self.header_kind == "TEXT" else ""), ("body", self.body)):
            for name in PLACEHOLDER.findall(text):
                found[f"{place}.{name.strip()}"] = name.strip()
        return [(key, name, self.examples.get(key, "")) for key, name in found.items()]

    @property
    def rows(self) -> list[ButtonRow]:
        return [*self.buttons, *[ButtonRow()] * (ROWS - len(self.buttons))]

    @property
    def components(self) -> list[dict[str, Any]]:
        """As WhatsApp takes it; what is empty is left out."""
        parts: list[dict[str, Any]] = []
        if self.header_kind == "TEXT":
            parts.append(self._with_examples({"type": "HEADER", "format": "TEXT", "text": self.header}, "header"))
        elif self.header_kind == "LOCATION":
            parts.append({"type": "HEADER", "format": "LOCATION"})
        elif self.header_kind:
            example = {"example": {"header_handle": [self.header_handle]}} if self.header_handle else {}
            parts.append({"type": "HEADER", "format": self.header_kind, **example})
        parts.append(self._with_examples({"type": "BODY", "text": self.body}, "body"))
        if self.footer:
            parts.append({"type": "FOOTER", "text": self.footer})
        if self.buttons:
            parts.append({"type": "BUTTONS", "buttons": [_button(row) for row in self.buttons]})
        return parts

    def _with_examples(self, part: dict[str, Any], place: str) -> dict[str, Any]:
        names = [key.partition(".")[2] for key, _name, _given in self.variables if key.startswith(f"{place}.")]
        if not names:
            return part
        given = {name: self.examples.get(f"{place}.{name}", "") for name in names}
        if self.parameter_format == ParameterFormat.NAMED:
            rows = [{"param_name": name, "example": value} for name, value in given.items()]
            return {**part, "example": {f"{place}_text_named_params": rows}}
        values = list(given.values())
        return {**part, "example": {f"{place}_text": [values] if place == "body" else values}}


def draft_of(given: Mapping[str, str]) -> Draft:
    """What was typed. Browsers end lines with two characters, WhatsApp counts one."""

    def text(name: str) -> str:
        return str(given.get(name, ""))[:LONGEST_FIELD].replace("\r\n", "\n").strip()

    rows = [
        ButtonRow(text(f"button{index}.kind"), text(f"button{index}.text"), text(f"button{index}.value"), text(f"button{index}.example"))
        for index in range(ROWS)
    ]  # fmt: skip
    return Draft(
        name=text("name"),
        language=text("language"),
        category=text("category"),
        header_kind=text("header_kind"),
        header=text("header"),
        header_handle=text("header_handle"),
        body=text("body"),
        footer=text("footer"),
        examples={name.removeprefix("example."): text(name) for name in given if name.startswith("example.")},
        buttons=[row for row in rows if row.kind],
    )


def draft_from(template: MessageTemplate) -> Draft:
    """A template to be changed, or to be written in another language."""
    draft = Draft(name=template.name, language=template.language, category=template.category)
    for part in template.components:
        kind = str(part.get("type", "")).upper()
        if kind == "HEADER":
            draft.header_kind = str(part.get("format") or "TEXT").upper()
            draft.header = str(part.get("text") or "")
            # A handle that WhatsApp shows is an address for people: the example is uploaded anew.
            draft.header_handle = ""
        elif kind == "BODY":
            draft.body = str(part.get("text") or "")
        elif kind == "FOOTER":
            draft.footer = str(part.get("text") or "")
        elif kind == "BUTTONS":
            draft.buttons = [_row(each) for each in part.get("buttons") or [] if str(each.get("type", "")) in BUTTONS]
    given = templates.examples(template.components)
    draft.examples = {key if "." in key else f"body.{key}": value for key, value in given.items()}
    return draft


def _button(row: ButtonRow) -> dict[str, Any]:
    if row.kind == "URL":
        example = {"example": [row.example]} if row.example else {}
        return {"type": "URL", "text": row.text, "url": row.value, **example}
    if row.kind == "PHONE_NUMBER":
        return {"type": "PHONE_NUMBER", "text": row.text, "phone_number": "".join(row.value.split())}
    if row.kind == "COPY_CODE":
        return {"type": "COPY_CODE", "example": row.value}
    return {"type": row.kind, "text": row.text}


def _row(button: Mapping[str, Any]) -> ButtonRow:
    example = button.get("example")
    shown = (
        str(example[0])
        if isinstance(example, Sequence) and not isinstance(example, str) and example
        else str(example or "")
    )
    kind = str(button.get("type"))
    value = str(button.get("url") or button.get("phone_number") or (shown if kind == "COPY_CODE" else ""))
    return ButtonRow(kind, str(button.get("text") or ""), value, shown if kind == "URL" else "")
