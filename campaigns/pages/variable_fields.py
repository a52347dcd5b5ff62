"""The two questions that a form asks for each variable of a template: where its text comes from, and what else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from campaigns.rendering import asked_by
from campaigns.variables import SOURCES
from messaging.models import MessageTemplate

SAME_TEXT = "text"


def variable_fields(template: MessageTemplate) -> dict[str, Any]:
    """Two fields for each variable, in the order a person reads them."""
    places = {"header": _("heading"), "body": _("text"), "button": _("button")}
    sources = [(name, _(source.label)) for name, source in SOURCES.items()]
    found: dict[str, Any] = {}
    for variable in asked_by(template):
        names = {"name": f"{{{{{variable.name}}}}}", "place": places[variable.place]}
        found[f"source.{variable.key}"] = forms.ChoiceField(
            label=_("%(name)s in the %(place)s") % names,
            choices=[*sources, (SAME_TEXT, _("The same text for all"))],
            help_text=_("for example: %(example)s") % {"example": variable.example} if variable.example else "",
        )
        found[f"text.{variable.key}"] = forms.CharField(
            label=_("Text, or instead of what is missing"),
            required=False,
            max_length=300,
            help_text=_("Without it, people of whom it is not known are skipped."),
            widget=forms.TextInput({"dir": "auto"}),
        )
    return found


def variable_pairs(form: forms.Form, template: MessageTemplate) -> list[tuple[Any, Any]]:
    """The bound questions, two by two."""
    return [(form[f"source.{each.key}"], form[f"text.{each.key}"]) for each in asked_by(template)]


def variable_initial(template: MessageTemplate, mapping: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What stands in the questions before anybody types."""
    found: dict[str, str] = {}
    for variable in asked_by(template):
        wanted = mapping.get(variable.key, {})
        found[f"source.{variable.key}"] = wanted.get("source", SAME_TEXT if "text" in wanted else "contact.name")
        found[f"text.{variable.key}"] = wanted.get("text", wanted.get("fallback", ""))
    return found


def mapping_of(template: MessageTemplate, given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Where the text of each variable comes from, of what is there so far."""
    found: dict[str, dict[str, str]] = {}
    for variable in asked_by(template):
        source, text = given.get(f"source.{variable.key}", ""), given.get(f"text.{variable.key}", "")
        found[variable.key] = {"text": text} if source == SAME_TEXT else {"source": source, "fallback": text}
    return found
