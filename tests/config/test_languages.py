"""What a member reads is there in every language that Majlis speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.db import models
from django.utils import translation

from config.labels import LABELS
from config.names import OURS
from core.admin import site

SAME_EVERYWHERE = {"API", "BIC", "CSV", "Excel", "Google Sheets", "IBAN", "WhatsApp", "Majlis", "ID"}


def test_every_label_of_a_choice_is_listed_for_translators() -> None:
    fields = [
        field for model in apps.get_models() if model._meta.app_label in OURS for field in model._meta.get_fields()
    ]
    found = {str(label) for field in fields for _, label in getattr(field, "flatchoices", None) or []}
    assert found - {"-"} == set(LABELS), "name it in config/labels.py"


def test_every_label_of_a_choice_is_said_in_arabic() -> None:
    with translation.override("ar"):
        unsaid = [label for label in LABELS if translation.gettext(label) == label]
    assert set(unsaid) <= SAME_EVERYWHERE


def back_office_texts() -> set[str]:
    """What the lists and forms of the back office call their tables, columns, fields, parts, filters and actions."""
    found: set[object] = set()
    for model, admin in site._registry.items():
        found |= {model._meta.verbose_name, model._meta.verbose_name_plural}
        every = [field.name for field in model._meta.fields if field.name != "id"]
        parts = admin.fieldsets or [(None, {"fields": admin.fields or every})]
        # Questions of a form of its own are not the model's, and stand in that form.
        asked = set(getattr(admin.form, "declared_fields", {}))
        names = [*admin.list_display, *flatten_fieldsets(parts)]
        names += [name.split("__")[0] for name in _names(admin.list_filter)]
        found |= {label_for_field(name, model, admin) for name in names if name not in asked | {"action_checkbox"}}
        found |= {title for title, _ in parts if title}
        found |= _hints(model)
        found |= {text for field in admin.form.declared_fields.values() for text in (field.label, field.help_text)}
        for inline in admin.inlines:
            shown = inline.fields or [field.name for field in inline.model._meta.fields if field.name != "id"]
            found |= {label_for_field(name, inline.model, inline) for name in shown} | _hints(inline.model)
        found |= {listed.title for listed in admin.list_filter if isinstance(listed, type) and hasattr(listed, "title")}
        found |= {getattr(admin, name).short_description for name in admin.actions or () if isinstance(name, str)}
    found |= set(asked_in_forms())
    return {str(text) for text in found if text}


def asked_in_forms() -> Iterator[object]:
    """What the questions of the back office are called that are no fields of a table (core/asking.py)."""
    for kind in _subclasses(forms.Form):
        if ".admin" in kind.__module__ and kind.__module__.split(".")[0] in OURS:
            for name, field in kind.base_fields.items():
                yield translation.gettext(name.replace("_", " ")) if field.label is None else field.label
                yield field.help_text


def _subclasses(kind: type[forms.Form]) -> set[type[forms.Form]]:
    direct: list[type[forms.Form]] = kind.__subclasses__()
    return set(direct).union(*map(_subclasses, direct))


def _hints(model: type[models.Model]) -> set[object]:
    return {field.help_text for field in model._meta.fields}


def _names(filters: Iterable[Any]) -> list[str]:
    first = [each[0] if isinstance(each, (list, tuple)) else each for each in filters]
    return [each for each in first if isinstance(each, str)]


def test_the_back_office_names_everything_in_arabic() -> None:
    english = back_office_texts()
    with translation.override("ar"):
        arabic = back_office_texts()
    assert (english & arabic) - SAME_EVERYWHERE == set(), "a name of the code: config/names.py; a text: gettext_lazy"


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_no_sentence_waits_for_its_translation(language: str) -> None:
    """Read as the texts that translators fill: an empty msgstr, or one marked fuzzy, is English on the page."""
    text = (Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po").read_text()
    assert "#, fuzzy" not in text.split("\n\n", 1)[1]
    entries = text.split("\n\n")[1:]
    assert [entry for entry in entries if entry.rstrip().endswith('msgstr ""')] == []
