"""The only writer of the audit trail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import structlog
from django.db import models
from django.utils import timezone

from core.actors import Actor
from core.encryption import EncryptedTextField
from core.models import AuditEntry
from core.phones import masked

HIDDEN = "(encrypted)"
# Under these names the trail keeps what people typed as a number; elsewhere only what is written as one is.
_TYPED = {"value", "raw", "recipient", "parameters", "q", "number", "numbers"}
_WRITTEN = re.compile(r"\+\d[\d ().-]{5,}\d|[\w.+-]+@[\w.-]+")
_SIX_DIGITS = re.compile(r"(?:\d\D{0,3}){6}|@")


def record(
    *,
    actor: Actor,
    action: str,
    target: models.Model,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> AuditEntry:
    """Write one line, in the caller's transaction. `action` is `<app>.<noun>_<done>`; values must be JSON-able."""
    return AuditEntry.objects.create(
        organization=actor.organization,
        user=actor.user,
        token=actor.token,
        action=action,
        target_type=target._meta.label_lower,
        target_id=target.pk,
        before=dict(before or {}),
        after=dict(after or {}),
        address=actor.address,
        request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
        at=at or timezone.now(),
    )


def record_many(
    *,
    actor: Actor,
    action: str,
    targets: Iterable[tuple[models.Model, Mapping[str, Any], Mapping[str, Any]]],
    at: datetime,
) -> None:
    """One line for each (target, before, after) of one act on many rows, in the caller's transaction."""
    request_id = structlog.contextvars.get_contextvars().get("request_id", "")
    AuditEntry.objects.bulk_create(
        [
            AuditEntry(
                organization=actor.organization, user=actor.user, token=actor.token, action=action,
                target_type=target._meta.label_lower, target_id=target.pk, before=dict(before), after=dict(after),
                address=actor.address, request_id=request_id, at=at,
            )
            for target, before, after in targets
        ],
        batch_size=1000,
    )  # fmt: skip


def snapshot(instance: models.Model, fields: list[str] | None = None) -> dict[str, Any]:
    """The values of a row as the trail shows them; secrets are named, never shown."""
    shown: dict[str, Any] = {}
    for field in instance._meta.concrete_fields:
        if fields is not None and field.name not in fields:
            continue
        value = field.value_from_object(instance)
        shown[field.name] = HIDDEN if value and isinstance(field, EncryptedTextField) else _plain(value)
    return shown


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry holds as people read it: the middle of numbers and addresses hidden.

    Whoever may know one opens the contact that it belongs to, which is kept; the trail itself keeps all.
    """
    return {name: _masked(name, value) for name, value in values.items()}


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(name if name in _TYPED else key, each) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(name, each) for each in value]
    if not isinstance(value, str):
        return value
    if name in _TYPED and _SIX_DIGITS.search(value):
        return masked(value)
    return _WRITTEN.sub(lambda found: masked(found[0]), value)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | bool | list | dict | None) else str(value)
