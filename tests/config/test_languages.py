"""What a member reads is there in every language that Majlis speaks."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.utils import translation

from config.labels import LABELS

OURS = {"core", "ledger", "sheets", "crm", "messaging", "campaigns", "commissions"}
SAME_EVERYWHERE = {"API", "CSV", "Excel", "Google Sheets", "WhatsApp", "Majlis"}


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


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_no_sentence_waits_for_its_translation(language: str) -> None:
    """Read as the texts that translators fill: an empty msgstr, or one marked fuzzy, is English on the page."""
    text = (Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po").read_text()
    assert "#, fuzzy" not in text.split("\n\n", 1)[1]
    entries = text.split("\n\n")[1:]
    assert [entry for entry in entries if entry.rstrip().endswith('msgstr ""')] == []
