"""The history of numbers, accounts and templates: what WhatsApp told us, once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from core.actors import Actor
from core.roles import Capability
from messaging.contents import mapping
from messaging.incoming import Change, clean
from messaging.models import Channel, MessageTemplate, Notice
from messaging.models.notices import NoticeKind
from messaging.verdicts import verdict_of

log = structlog.get_logger(__name__)


def note(
    *,
    actor: Actor,
    of: Channel | MessageTemplate,
    kind: str,
    code: str,
    key: str,
    at: datetime,
    details: Mapping[str, Any] | None = None,
    is_of_account: bool = False,
) -> None:
    """Keep one notice, unless it was kept already: `key` says what makes two of them the same event.

    `is_of_account`: it concerns every number of the account, not `of` alone.
    """
    actor.require(Capability.CHANNELS_READ)
    template = of if isinstance(of, MessageTemplate) else None
    channel = of.channel if isinstance(of, MessageTemplate) else of
    about = f"template {of.pk}" if template else f"account {channel.waba_id}" if is_of_account else f"channel {of.pk}"
    Notice.objects.bulk_create(
        [
            Notice(
                organization=actor.organization,
                waba_id=channel.waba_id,
                channel=None if template or is_of_account else channel,
                template=template,
                kind=kind,
                code=code[:60],
                severity=verdict_of(kind, code).severity,
                details=clean(dict(details or {})),
                digest=hashlib.sha256(f"{about}|{kind}|{code}|{key}".encode()).hexdigest(),
                at=at,
            )
        ],
        ignore_conflicts=True,
    )


def note_errors(*, actor: Actor, channel: Channel, change: Change, at: datetime) -> None:
    """Errors that belong to no message: they stand in the history of the number."""
    for error in map(mapping, change.value.get("errors") or []):
        what = mapping(error.get("error_data")).get("details") or error.get("message") or error.get("title")
        details = {"code": str(error.get("code") or "?"), "what": str(what or "")[:500]}
        log.error("whatsapp_error", channel_id=channel.pk, organization_id=actor.organization.pk, code=details["code"])
        key = f"{change.time}|{json.dumps(error, sort_keys=True, default=str)}"
        note(actor=actor, of=channel, kind=NoticeKind.ERROR, code="ERROR", key=key, details=details, at=at)
