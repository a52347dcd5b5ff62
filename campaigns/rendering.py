"""One template, prepared once, written for many people: what a letter costs is joining a few strings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from campaigns.models import Campaign
from campaigns.splitting import FIRST, SECOND
from messaging.models import MessageTemplate
from messaging.models.channels import ParameterFormat
from messaging.templates import Variable, render, variables

# Characters of Unicode's private use area: no template and no value has them.
OPEN, CLOSE = "\ue000", "\ue001"


@dataclass(frozen=True, slots=True)
class Letter:
    """A template cut at its variables. Odd pieces are the variables' keys, even ones the text between."""

    text_pieces: Sequence[str]
    component_pieces: Sequence[str]

    def text(self, values: Mapping[str, str]) -> str:
        """As the person will read it."""
        pieces = self.text_pieces
        return "".join(values[piece] if odd & 1 else piece for odd, piece in enumerate(pieces))

    def components(self, values: Mapping[str, str]) -> bytes:
        """The JSON of the filled-in components, as the Cloud API takes them."""
        pieces = self.component_pieces
        return "".join(
            [orjson.dumps(values[piece]).decode()[1:-1] if odd & 1 else piece for odd, piece in enumerate(pieces)]
        ).encode()


def asked_by(template: MessageTemplate) -> list[Variable]:
    """The variables of the template, in the order a person reads them."""
    return variables(template.components)


def templates_of(campaign: Campaign) -> dict[str, MessageTemplate]:
    """What is said, by variant: one template under "", or two under `a` and `b`."""
    if campaign.second_template is None:
        return {"": campaign.template}
    return {FIRST: campaign.template, SECOND: campaign.second_template}


def letter_of(template: MessageTemplate) -> Letter:
    """Prepare a template: messaging renders it once, with marks where the values will stand."""
    marks = {variable.key: f"{OPEN}{variable.key}{CLOSE}" for variable in asked_by(template)}
    is_named = template.parameter_format == ParameterFormat.NAMED
    rendered = render(template.components, marks, is_named=is_named)
    return Letter(_cut(rendered.text), _cut(_json(rendered.components)))


def _cut(text: str) -> list[str]:
    """Text, key, text, key, ..., text."""
    pieces: list[str] = []
    for part in text.split(OPEN):
        pieces += part.split(CLOSE) if pieces else [part]
    return pieces


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
