"""Which lists may be taken along, and with which columns. Declared beside the list's page in the back office.

A column is a path (`project.name`, `asking_price_minor`), with the title of its last field, or a title with a path or
a function of the row. Secrets can not be declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models

from core.actors import Actor
from core.encryption import EncryptedTextField
from core.errors import NotFound
from core.money import to_decimal
from core.roles import Capability

Value = Callable[[Any], object]
Columns = Mapping[str, Value] | Sequence[str | tuple[str, str | Value]]
# Never in a file, whatever somebody declares: keys to other doors.
SECRETS = {"digest", "secret", "token", "password", "access_token", "app_secret", "verify_token", "key"}


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    value: Value


@dataclass(frozen=True, slots=True)
class Declared:
    """One list. `rows` are those an actor may see, joined for the columns; `taken` hears which rows somebody took."""

    name: str
    title: str
    columns: tuple[Column, ...]
    capability: Capability
    rows: Callable[[Actor], models.QuerySet[Any]]
    taken: Callable[..., None] | None = None


_lists: dict[str, Declared] = {}


def declare(
    model: type[models.Model],
    columns: Columns,
    *,
    capability: Capability,
    name: str = "",
    joined: Iterable[str] = (),
    prefetched: Iterable[Any] = (),
    rows: Callable[[Actor], models.QuerySet[Any]] | None = None,
    taken: Callable[..., None] | None = None,
) -> Declared:
    """Let the list of a model be taken along by those who may read it and have Capability.CRM_EXPORT.

    A second list of the same model has a name of its own.
    """
    joins = tuple(dict.fromkeys([*joined, *_joins(model, columns)]))
    fetches = tuple(prefetched)

    def visible(actor: Actor) -> models.QuerySet[Any]:
        found: models.QuerySet[Any] = rows(actor) if rows else model._default_manager.visible_to(actor)  # type: ignore[attr-defined]
        found = found.select_related(*joins) if joins else found
        return found.prefetch_related(*fetches) if fetches else found

    name = name or model._meta.label_lower
    _lists[name] = Declared(
        name, str(model._meta.verbose_name_plural).capitalize(), _columns(model, columns), capability, visible, taken
    )
    return _lists[name]


def declared() -> dict[str, Declared]:
    """Every list that may be taken along, by the label of its model."""
    return dict(_lists)


def named(name: str) -> Declared:
    """Raises NotFound."""
    if name not in _lists:
        raise NotFound("There is no such list.")
    return _lists[name]


def _columns(model: type[models.Model], columns: Columns) -> tuple[Column, ...]:
    found = []
    for pair in _pairs(columns):
        if isinstance(pair, str):
            found.append(Column(_title(model, pair), _at(model, pair)))
        else:
            title, value = pair
            found.append(Column(title, _at(model, value) if isinstance(value, str) else value))
    return tuple(found)


def _joins(model: type[models.Model], columns: Columns) -> list[str]:
    """The rows that paths pass through, so that a thousand lines are one query."""
    paths = [column if isinstance(column, str) else column[1] for column in _pairs(columns)]
    found = []
    for path in paths:
        if not isinstance(path, str):
            continue
        *before, last = path.split(".")
        field = _field(model, path)
        steps = [*before, last] if isinstance(field, models.ForeignKey) else before
        if steps:
            found.append("__".join(steps))
    return found


def _pairs(columns: Columns) -> list[str | tuple[str, str | Value]]:
    return list(columns.items()) if isinstance(columns, Mapping) else list(columns)


def _title(model: type[models.Model], path: str) -> str:
    last = path.removesuffix(".user.name").removesuffix(".name").removesuffix(".label").removesuffix(".display_name")
    return (
        last.rpartition(".")[2]
        .removesuffix("_minor")
        .removesuffix("_at")
        .removesuffix("_on")
        .replace("_", " ")
        .capitalize()
    )


def _at(model: type[models.Model], path: str) -> Value:
    """What stands at the end of a path: a choice by its label, minor units as a decimal, a row by its name."""
    steps, field = path.split("."), _field(model, path)
    last = steps[-1]

    def value(row: Any) -> object:
        for step in steps[:-1]:
            row = getattr(row, step, None)
            if row is None:
                return None
        found = getattr(row, last, None)
        if found is None:
            return None
        if field is not None and field.choices:
            return str(dict(field.flatchoices).get(found, found))
        if last.endswith("_minor"):
            currency = getattr(row, "currency", None) or row.organization.currency
            return to_money(int(found), currency)
        return _called(found) if isinstance(found, models.Model) else found

    return value


def to_money(minor: int, currency: str) -> Decimal:
    """A decimal with as many places as the currency has."""
    return Decimal(to_decimal(minor, currency))


def _called(row: models.Model) -> str:
    """What people call a row: never its key."""
    for name in ("label", "display_name", "name"):
        found = getattr(row, name, None)
        if isinstance(found, str):
            return found
    return str(row)


def _field(model: type[models.Model], path: str) -> models.Field[Any, Any] | None:
    """The field at the end of a path, if it is one. Raises ImproperlyConfigured for a secret."""
    *before, last = path.split(".")
    for step in before:
        related = model._meta.get_field(step).related_model
        if not isinstance(related, type):
            raise ImproperlyConfigured(f"{model.__name__}.{path} leads nowhere.")
        model = related
    try:
        field = model._meta.get_field(last)
    except FieldDoesNotExist:
        if not hasattr(model, last):
            raise ImproperlyConfigured(f"{model.__name__}.{path} leads nowhere.") from None
        return None
    if last in SECRETS or isinstance(field, EncryptedTextField | models.BinaryField):
        raise ImproperlyConfigured(f"{model.__name__}.{last} is a secret: it does not leave the house.")
    return field if isinstance(field, models.Field) else None
