"""What a template's variables are filled with: named sources of one person, unit, project, agent and organisation. Pure.

A mapping says, for each variable of the template (its key: messaging/templates.py), where its text comes from:
`{"source": "contact.first_name", "fallback": "there"}` or `{"text": "Saturday"}`; a bare string names a source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from campaigns.errors import VariablesInvalid
from core.money import format_money
from messaging.templates import Variable

SQUARE_FEET_IN_A_METRE = Decimal("10.7639104167")
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one recipient, by the names of the columns."""

    contact: Mapping[str, Any]
    unit: Mapping[str, Any] = field(default_factory=dict)
    agent: Mapping[str, Any] = field(default_factory=dict)
    organization: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """One thing a variable may say."""

    label: str
    read: Callable[[Facts], object]


def _of(place: str, column: str) -> Callable[[Facts], object]:
    return lambda facts: getattr(facts, place).get(column)


def _unit_label(facts: Facts) -> str:
    unit = facts.unit
    place = " ".join(filter(None, [unit.get("building") or unit.get("cluster"), unit.get("unit_number")]))
    return place if unit.get("unit_number") else unit.get("p_number") or unit.get("registration") or place


def _asking_price(facts: Facts) -> str:
    minor = facts.unit.get("asking_price_minor")
    return "" if minor is None else format_money(minor, facts.unit["currency"])


def _square_feet(facts: Facts) -> str:
    metres = facts.unit.get("area_sqm")
    return "" if metres is None else f"{round(metres * SQUARE_FEET_IN_A_METRE):,}"


def _square_metres(facts: Facts) -> str:
    metres = facts.unit.get("area_sqm")
    return "" if metres is None else f"{metres.normalize():f}"


SOURCES: dict[str, Source] = {
    "contact.name": Source("Name", _of("contact", "display_name")),
    "contact.first_name": Source("First name", _of("contact", "first_name")),
    "contact.last_name": Source("Last name", _of("contact", "last_name")),
    "contact.nationality": Source("Nationality", _of("contact", "nationality")),
    "property.label": Source("Unit, as people call it", _unit_label),
    "property.unit_number": Source("Unit number", _of("unit", "unit_number")),
    "property.building": Source("Building", _of("unit", "building")),
    "property.cluster": Source("Cluster", _of("unit", "cluster")),
    "property.layout": Source("Layout", _of("unit", "layout")),
    "property.floor": Source("Floor", _of("unit", "floor")),
    "property.view": Source("View", _of("unit", "view")),
    "property.bedrooms": Source("Bedrooms", _of("unit", "bedrooms")),
    "property.area_sqm": Source("Area in square metres", _square_metres),
    "property.area_sqft": Source("Area in square feet", _square_feet),
    "property.asking_price": Source("Asking price", _asking_price),
    "project.name": Source("Project", _of("unit", "project__name")),
    "project.developer": Source("Developer", _of("unit", "project__developer")),
    "project.area": Source("Area of the project", _of("unit", "project__area")),
    "project.city": Source("City of the project", _of("unit", "project__city")),
    "agent.name": Source("Agent", _of("agent", "name")),
    "agent.whatsapp_number": Source("Agent's WhatsApp number", _of("agent", "whatsapp_number")),
    "organization.name": Source("Our name", _of("organization", "name")),
    "organization.phone": Source("Our phone number", _of("organization", "phone")),
    "organization.email": Source("Our e-mail address", _of("organization", "email")),
    "organization.address": Source("Our address", _of("organization", "address")),
    "organization.city": Source("Our city", _of("organization", "city")),
}


def checked_mapping(mapping: object, asked: Sequence[Variable]) -> dict[str, dict[str, str]]:
    """The mapping in its one form, with exactly the template's variables. Raises VariablesInvalid, naming each fault."""
    if not isinstance(mapping, Mapping):
        raise VariablesInvalid("The variables must say, for each one of the template, where its text comes from.")
    known = {variable.key for variable in asked}
    faults = {str(key): "the template has no such variable" for key in mapping if key not in known}
    checked: dict[str, dict[str, str]] = {}
    for key in sorted(known):
        try:
            checked[key] = _checked(mapping.get(key))
        except ValueError as error:
            faults[key] = str(error)
    if faults:
        said = "; ".join(f"{key}: {fault}" for key, fault in sorted(faults.items()))
        raise VariablesInvalid(f"The variables do not fit the template ({said}).", variables=faults)
    return checked


def _checked(given: object) -> dict[str, str]:
    if isinstance(given, str) and given:
        given = {"source": given}
    if not isinstance(given, Mapping) or not given:
        raise ValueError("choose where its text comes from")
    if set(given) - {"source", "fallback", "text"} or not all(isinstance(value, str) for value in given.values()):
        raise ValueError('write {"source": ..., "fallback": ...} or {"text": ...}')
    if "text" in given:
        text = tidy(given["text"])
        if not text or "source" in given:
            raise ValueError("write the text, or choose a source, not both")
        return {"text": text}
    if given.get("source") not in SOURCES:
        raise ValueError(f"{given.get('source')!r} is not a source; choose one of {', '.join(SOURCES)}")
    fallback = tidy(given.get("fallback", ""))
    return {"source": given["source"], "fallback": fallback} if fallback else {"source": given["source"]}


def values_of(mapping: Mapping[str, Mapping[str, str]], facts: Facts) -> tuple[dict[str, str], list[str]]:
    """This person's text for each variable, and the variables that have none. The mapping is a checked one."""
    values: dict[str, str] = {}
    missing: list[str] = []
    for key, wanted in mapping.items():
        text = wanted.get("text") or tidy(SOURCES[wanted["source"]].read(facts)) or wanted.get("fallback", "")
        if text:
            values[key] = text
        else:
            missing.append(key)
    return values, missing


def tidy(value: object) -> str:
    """One line: WhatsApp refuses new lines, tabs and more than four spaces in a row inside a variable."""
    return "" if value is None else re.sub(r"\s+", " ", str(value)).strip()[:LONGEST_TEXT]
