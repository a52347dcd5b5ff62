"""The only writer of the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import structlog
from django.db import models
from django.utils import timezone

from core.actors import Actor
from core.encryption import EncryptedTextField
from core.models import AuditEntry

HIDDEN = "(encrypted)"


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


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | bool | list | dict | None) else str(value)
