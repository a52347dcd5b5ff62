"""What happened to one row, from the trail: who, when, and each value before and after, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from core.actors import Actor
from core.models import AuditEntry, TenantModel
from core.money import format_money
from core.roles import Capability
from sheets.models import ImportChange

# What is said of an action; named here so that translators meet it.
SAID = {
    "crm.property_added": gettext_noop("Unit added"),
    "crm.property_changed": gettext_noop("Unit changed"),
    "crm.property_status_changed": gettext_noop("Status changed by a deal"),
    "crm.owners_changed": gettext_noop("Owners changed"),
    "crm.project_added": gettext_noop("Project added"),
    "crm.project_changed": gettext_noop("Project changed"),
    "crm.contact_added": gettext_noop("Contact added"),
    "crm.contact_changed": gettext_noop("Contact changed"),
    "crm.contact_marked_bad": gettext_noop("Marked as a bad contact"),
    "crm.contact_marked_good": gettext_noop("No longer a bad contact"),
    "crm.number_disclosed": gettext_noop("Numbers shown"),
    "core.row_deleted": gettext_noop("Deleted"),
}
UNSAID = {
    "id", "organization", "created_at", "updated_at", "deleted_at", "deletion", "normalized_name", "extra", "owners",
    "first_name", "last_name", "national_id", "national_id_index",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """One value that changed, in words."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Happening:
    """One step of a row's life. `who` is empty when Majlis did it, `source` names the sheet that said so."""

    at: datetime
    what: str
    who: str
    source: str
    values: tuple[Value, ...]


def timeline(*, actor: Actor, row: TenantModel, limit: int = 30) -> list[Happening]:
    """The latest steps of a row that this actor has been shown already, newest first. Two queries."""
    actor.require(Capability.CRM_READ)
    of_row = {
        "organization": actor.organization,
        "target_type": row._meta.label_lower,
        "target_id": row.pk,
    }
    entries = AuditEntry.objects.filter(**of_row).select_related("user").order_by("-id")[:limit]
    changes = ImportChange.objects.filter(**of_row).select_related("run").order_by("-id")[:limit]
    steps = [
        Happening(
            entry.at,
            _(SAID.get(entry.action, entry.action.partition(".")[2].replace("_", " ").capitalize())),
            entry.user.name if entry.user else "",
            "",
            _values(row, entry.before, entry.after),
        )
        for entry in entries
    ]
    steps += [
        Happening(
            change.created_at,
            _("Changed by a sheet"),
            "",
            change.run.file_name,
            _values(row, change.before, change.after),
        )
        for change in changes
    ]
    return sorted(steps, key=lambda step: step.at, reverse=True)[:limit]


def _values(row: TenantModel, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Value, ...]:
    """What a person would want to read of it; a new row's values are not news."""
    if not before:
        return ()
    names = [name for name in dict.fromkeys([*before, *after]) if name not in UNSAID]
    told = [
        Value(_label(row, name), _told(row, name, before.get(name)), _told(row, name, after.get(name)))
        for name in names
    ]
    return tuple(value for value in told if value.before != value.after)[:8]


def _label(row: TenantModel, name: str) -> str:
    return _(name.removesuffix("_minor").replace("_", " ").capitalize())


def _told(row: TenantModel, name: str, value: Any) -> str:
    """Money as money, a status by its label, a key by its number."""
    if value in (None, "", [], {}):
        return "–"
    field = next((field for field in row._meta.concrete_fields if field.name == name), None)
    if name.endswith("_minor") and str(value).lstrip("-").isdigit():
        return format_money(int(value), getattr(row, "currency", "AED"))
    if field is not None and field.choices:
        return _(str(dict(field.flatchoices).get(value, value)))
    if isinstance(field, models.BooleanField):
        return _("Yes") if value in (True, "True") else _("No")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
