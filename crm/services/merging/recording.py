"""What a merge writes, it remembers: every app changes its rows through `put`, and undoing needs no app's help."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import QuerySet

from core.models import TenantModel
from crm.models import Merge, MergeStep


def put(*, merge: Merge, rows: QuerySet[Any], noun: str = "", is_apart: bool = False, **values: Any) -> list[int]:
    """Write these values (by column, such as `contact_id`) into the rows, and keep what was there. Returns their ids.

    `noun` is what people call the rows that move, marked for translation; `is_apart` lets undoing restore each column
    by itself, where the columns do not depend on one another. Rows that have the values already are left alone.
    """
    model = rows.model
    columns = list(values)
    after = {name: plain(value) for name, value in values.items()}
    before: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    held = rows.select_for_update(of=("self",), no_key=True).order_by("pk")
    shown: dict[tuple[Any, ...], dict[str, Any]] = {}
    for pk, *found in held.values_list("pk", *columns):
        was = {name: plain(value) for name, value in zip(columns, found, strict=True)}
        if was != after:
            key = tuple(map(repr, found))
            before[key].append(pk)
            shown[key] = was
    for key, ids in before.items():
        model._base_manager.filter(pk__in=ids).update(**values, updated_at=merge.at)
        MergeStep.objects.create(
            organization_id=merge.organization_id,
            merge=merge,
            noun=noun,
            model=model._meta.label_lower,
            ids=ids,
            before=shown[key],
            after=after,
            is_apart=is_apart,
        )
    return sorted(pk for ids in before.values() for pk in ids)


def unfolded(merge: Merge, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Without the rows that this merge itself hid, as the survivor has the same ones."""
    steps = merge.steps.filter(model=rows.model._meta.label_lower, after__has_key="deleted_at")
    return rows.exclude(pk__in=[pk for ids in steps.values_list("ids", flat=True) for pk in ids])


def put_back(*, step: MergeStep, at: Any) -> list[dict[str, Any]]:
    """Undo one step where its values still stand. Returns what was changed since and is left as it is now."""
    model = model_of(step)
    sets = [[name] for name in step.before] if step.is_apart else [list(step.before)]
    kept: list[dict[str, Any]] = []
    for names in sets:
        was = {name: python(model, name, step.before[name]) for name in names}
        standing = {name: python(model, name, step.after[name]) for name in names}
        rows = model._base_manager.filter(pk__in=step.ids)
        ids = set(rows.filter(**standing).values_list("pk", flat=True))
        rows.filter(pk__in=ids).update(**was, updated_at=at)
        others = [pk for pk in step.ids if pk not in ids]
        if others:
            kept.append({"model": step.model, "columns": names, "ids": others})
    return kept


def model_of(step: MergeStep) -> type[TenantModel]:
    model: type[TenantModel] = apps.get_model(step.model)
    return model


def plain(value: Any) -> Any:
    """As JSON, to the last digit."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def python(model: type[models.Model], name: str, value: Any) -> Any:
    field: Any = model._meta.get_field(name)
    return field.to_python(value) if isinstance(value, str) else value
