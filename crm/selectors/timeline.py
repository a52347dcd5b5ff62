"""What happened to one row, from the trail: who, when, and each value before and after, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from core import audit
from core.actors import Actor
from core.models import AuditEntry, TenantModel
from core.money import format_money
from core.roles import Capability
from crm.selectors.history import Happening
from sheets.models import ImportChange

# What is said of an action; named here so that translators meet it.
SAID = {
    "crm.project_added": gettext_noop("Project added"),
    "crm.project_changed": gettext_noop("Project changed"),
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
class Step:
    """What one person, or Majlis itself, did to a row at once. `source` says through what, or which sheet said so."""

    at: datetime
    what: str
    who: str
    source: str
    values: tuple[Value, ...]


def steps(happenings: Sequence[Happening]) -> list[Step]:
    """The history of a unit or a contact with what was done in one go as one step."""
    told = []
    for (at, who, source), together in groupby(happenings, key=lambda each: (each.at, each.who, each.source_label)):
        values = tuple(
            Value(": ".join(filter(None, (each.field_label, each.about))), each.before or "–", each.after or "–")
            for each in together
        )
        told.append(Step(at, "", who, source, values))
    return told


def timeline(*, actor: Actor, row: TenantModel, limit: int = 30) -> list[Step]:
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
        Step(
            entry.at,
            _(SAID.get(entry.action, entry.action.partition(".")[2].replace("_", " ").capitalize())),
            entry.user.name if entry.user else "",
            "",
            _values(row, audit.shown(entry.before), audit.shown(entry.after)),
        )
        for entry in entries
    ]
    steps += [
        Step(
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
