"""What points to a contact or a unit from tables that need no rule of their own, and from rows of sheets."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_noop

from crm.models import Contact, Merge, Property
from crm.models.merges import Noun
from crm.services.merging.recording import put, unfolded
from sheets.models import RowLink

# (table, column): why it stays as it is. The pages of the survivor show these rows too (lineage_of).
STAYS: dict[tuple[str, str], str] = {
    ("crm.contact", "merged_into"): "how an old id leads to the survivor",
    ("crm.property", "merged_into"): "how an old id leads to the survivor",
    ("crm.ownerdisclosure", "contact"): "written once: whose number was given is what it says",
    ("crm.merge", "survivor_contact"): "what was merged, and can be undone",
    ("crm.merge", "merged_contact"): "what was merged, and can be undone",
    ("crm.merge", "survivor_property"): "what was merged, and can be undone",
    ("crm.merge", "merged_property"): "what was merged, and can be undone",
    ("crm.duplicatecandidate", "first_contact"): "a pair is of these two; hidden while one of them is",
    ("crm.duplicatecandidate", "second_contact"): "a pair is of these two; hidden while one of them is",
    ("crm.duplicatecandidate", "first_property"): "a pair is of these two; hidden while one of them is",
    ("crm.duplicatecandidate", "second_property"): "a pair is of these two; hidden while one of them is",
}
# Moved by rules of their own in contacts.py and properties.py.
RULED: frozenset[tuple[str, str]] = frozenset(
    {
        ("crm.contactpoint", "contact"),
        ("crm.ownership", "contact"),
        ("crm.ownership", "property"),
        ("crm.deal", "seller"),
        ("crm.deal", "buyer"),
        ("crm.deal", "property"),
        ("crm.projectassignment", "property"),
    }
)
# What an object and its relation are in the rows of each table that sheets fill.
SHEET_NOUNS: dict[str, dict[str, Noun]] = {
    "crm.units": {"object_id": Noun.PROPERTY, "related_id": Noun.CONTACT},
    "crm.contacts": {"object_id": Noun.CONTACT},
}
WRITTEN_ONCE = "SELECT, INSERT"


def keys_to(model: type[Contact] | type[Property]) -> list[models.ForeignKey[Any, Any]]:
    """Every foreign key of any app that points to it, found from the models."""
    relations = model._meta.get_fields(include_hidden=True)
    return [each.field for each in relations if each.auto_created and each.one_to_many]  # type: ignore[union-attr, misc]


def name_of(key: models.ForeignKey[Any, Any]) -> tuple[str, str]:
    return key.model._meta.label_lower, key.name


def moved_plainly(model: type[Contact] | type[Property]) -> list[models.ForeignKey[Any, Any]]:
    """Keys of crm's tables that simply follow: no rule, no reason to stay, and not written once."""
    return [
        key
        for key in keys_to(model)
        if key.model._meta.app_label == "crm"
        and name_of(key) not in RULED
        and name_of(key) not in STAYS
        and getattr(key.model, "database_privileges", "") != WRITTEN_ONCE
    ]


def move_elsewhere(merge: Merge, model: type[Contact] | type[Property]) -> None:
    for key in moved_plainly(model):
        rows = key.model._base_manager.filter(organization=merge.organization_id, **{key.name: merge.merged_id})
        noun = str(key.model._meta.verbose_name_plural)
        values: dict[str, Any] = {key.attname: merge.survivor_id}
        put(merge=merge, rows=unfolded(merge, rows), noun=noun[:60], **values)


def move_sheet_rows(merge: Merge, noun: Noun) -> None:
    """A row of a sheet goes on syncing, to the survivor."""
    for table, columns in SHEET_NOUNS.items():
        for column, of in columns.items():
            if of != noun:
                continue
            links = RowLink.objects.filter(organization=merge.organization_id, spreadsheet__table=table)
            rows = links.filter(**{column: merge.merged_id})
            values: dict[str, Any] = {column: merge.survivor_id}
            put(merge=merge, rows=rows, noun=gettext_noop("rows of sheets"), **values)
