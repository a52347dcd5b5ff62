"""Keeping our list of templates true: by asking, and by what WhatsApp tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core import audit, events
from core.actors import Actor
from core.jobs import enqueue
from core.roles import Capability
from messaging.cloud_api import ask
from messaging.contents import mapping
from messaging.events import TemplateChanged
from messaging.gateway import Credentials
from messaging.incoming import Change
from messaging.models import Channel, MessageTemplate
from messaging.models.channels import ParameterFormat, Quality, TemplateCategory, TemplateStatus
from messaging.models.notices import NoticeKind
from messaging.services.noticing import note

STATUSES = {
    "APPROVED": TemplateStatus.APPROVED,
    "REINSTATED": TemplateStatus.APPROVED,
    "UNPAUSED": TemplateStatus.APPROVED,
    "PENDING": TemplateStatus.PENDING,
    "IN_APPEAL": TemplateStatus.REJECTED,
    "REJECTED": TemplateStatus.REJECTED,
    "PAUSED": TemplateStatus.PAUSED,
    "DISABLED": TemplateStatus.DISABLED,
    "DELETED": TemplateStatus.DELETED,
    "PENDING_DELETION": TemplateStatus.DELETED,
    "LIMIT_EXCEEDED": TemplateStatus.DISABLED,
}
# The first pause lasts three hours, the second six; the third time the template is disabled.
PAUSES = {"FIRST_PAUSE": timedelta(hours=3), "SECOND_PAUSE": timedelta(hours=6)}


def sync_templates(*, actor: Actor, channel: Channel, at: datetime) -> dict[str, int]:
    """Make our templates of the channel's account what WhatsApp says they are; counts by new, changed, gone, same.

    Raises WhatsAppRefused and WhatsAppUnavailable; then nothing has changed.
    """
    actor.require(Capability.TEMPLATES_WRITE)
    credentials = Credentials(channel.phone_number_id, channel.access_token)
    remote = ask(lambda client: client.templates(credentials, channel.waba_id), timeout=60)
    with transaction.atomic():
        home = home_of(channel)
        known = {(row.name, row.language): row for row in of_account(channel).select_for_update(of=("self",))}
        counts = {"new": 0, "changed": 0, "gone": 0, "same": 0}
        for shown in remote:
            key = (str(shown.get("name") or ""), str(shown.get("language") or ""))
            if not all(key):
                continue
            counts[_take_over(actor, home, known.pop(key, None), shown, at)] += 1
        for row in known.values():
            if row.status != TemplateStatus.DELETED:
                change_template(actor=actor, row=row, values={"status": TemplateStatus.DELETED}, at=at)
                _note_status(actor, row, at)
                counts["gone"] += 1
        audit.record(actor=actor, action="messaging.templates_synced", target=channel, after=counts, at=at)
    return counts


@transaction.atomic
def heed_template_change(*, actor: Actor, channel: Channel, change: Change, at: datetime) -> None:
    """A webhook about one template: status, quality, category or words. One that we do not know yet is fetched."""
    actor.require(Capability.CHANNELS_MANAGE)
    value = change.value
    row = (
        of_account(channel)
        .select_for_update(of=("self",))
        .select_related("channel")
        .filter(name=value.get("message_template_name"), language=value.get("message_template_language"))
        .first()
    )
    if row is None or change.field == "message_template_components_update":
        enqueue("messaging.sync_templates", organization_id=actor.organization.pk, channel_id=channel.pk)
        return
    told = _told(change, row, at)
    if told.code:
        key = f"{change.field}|{change.time}|{json.dumps(value, sort_keys=True, default=str)}"
        note(actor=actor, of=row, kind=NoticeKind.TEMPLATE, code=told.code, key=key, details=told.details, at=at)
    change_template(actor=actor, row=row, values=told.values, at=at)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a webhook says: what changes in the row, and the line of its history."""

    values: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def _told(change: Change, row: MessageTemplate, at: datetime) -> _Told:
    value = change.value
    if change.field == "message_template_status_update":
        return _status_told(value, at)
    if change.field == "message_template_quality_update":
        quality = str(value.get("new_quality_score") or "")
        quality = quality if quality in Quality.values else Quality.UNKNOWN
        return _Told({"quality": quality}, "QUALITY", {"now": quality})
    if change.field == "template_category_update" and value.get("new_category"):
        now = category_of(value["new_category"])
        return _Told({"category": now}, "CATEGORY", {"now": now, "before": row.category})
    if change.field == "template_category_update" and value.get("correct_category"):
        when = _moment(value.get("category_update_timestamp"))
        details = {"now": str(value["correct_category"]), **({"when": when.isoformat()} if when else {})}
        return _Told(code="CATEGORY_SOON", details=details)
    return _Told()


def home_of(channel: Channel) -> Channel:
    """Templates belong to the account: they hang on the first of its numbers that was connected."""
    numbers = Channel.objects.for_organization(channel.organization).filter(waba_id=channel.waba_id)
    found: Channel | None = numbers.order_by("pk").first()
    return found or channel


def of_account(channel: Channel) -> QuerySet[Any]:
    """Templates of the account that the channel belongs to."""
    return MessageTemplate.objects.filter(organization=channel.organization_id, channel__waba_id=channel.waba_id)


def _take_over(actor: Actor, home: Channel, row: MessageTemplate | None, shown: Mapping[str, Any], at: datetime) -> str:
    score = shown.get("quality_score")
    quality = str(score.get("score") if isinstance(score, dict) else score or "")
    form = str(shown.get("parameter_format") or "").upper()
    status = STATUSES.get(str(shown.get("status")), TemplateStatus.DISABLED)
    values = {
        "provider_id": str(shown.get("id") or ""),
        "category": category_of(shown.get("category")),
        "components": shown.get("components") or [],
        "parameter_format": form if form in ParameterFormat.values else ParameterFormat.POSITIONAL,
        "status": status,
        "quality": quality if quality in Quality.values else Quality.UNKNOWN,
        "rejected_reason": ""
        if shown.get("rejected_reason") in (None, "NONE")
        else str(shown["rejected_reason"])[:300],
    }
    if status != TemplateStatus.PAUSED:
        values["paused_until"] = None
    if row is None:
        MessageTemplate.objects.create(
            organization=actor.organization,
            channel=home,
            name=str(shown["name"]),
            language=str(shown["language"])[:10],
            synced_at=at,
            **values,
        )
        return "new"
    MessageTemplate.objects.filter(pk=row.pk).update(synced_at=at)
    before = row.status
    changed = change_template(actor=actor, row=row, values=values, at=at)
    if row.status != before:
        _note_status(actor, row, at)
    return "changed" if changed else "same"


def _note_status(actor: Actor, row: MessageTemplate, at: datetime) -> None:
    """A change that no webhook told of, found by looking."""
    details: dict[str, Any] = {"what": row.rejected_reason}
    if row.paused_until:
        details["when"] = row.paused_until.isoformat()
    note(
        actor=actor,
        of=row,
        kind=NoticeKind.TEMPLATE,
        code=str(row.status),
        key=at.isoformat(),
        details=details,
        at=at,
    )


def _status_told(value: Mapping[str, Any], at: datetime) -> _Told:
    event = str(value.get("event") or "")
    status = STATUSES.get(event)
    if status is None:  # FLAGGED and the like: a warning, the template still works
        return _Told(code=event)
    title = str(mapping(value.get("other_info")).get("title") or "")
    reason = "" if value.get("reason") in (None, "NONE") else str(value["reason"])
    told = mapping(value.get("rejection_info"))
    why = str(told.get("reason") or "") or reason
    until = at + PAUSES.get(title, PAUSES["FIRST_PAUSE"]) if status == TemplateStatus.PAUSED else None
    values = {
        "status": status,
        "rejected_reason": why[:300] if status == TemplateStatus.REJECTED else "",
        "paused_until": until,
    }
    details: dict[str, Any] = {"what": why}
    if told.get("recommendation"):
        details["advice"] = str(told["recommendation"])[:500]
    if until is not None:
        details["when"] = until.isoformat()
    return _Told(values, str(status), details)


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(value)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def change_template(*, actor: Actor, row: MessageTemplate, values: Mapping[str, Any], at: datetime) -> bool:
    """Save what differs; whoever sends by this template is told."""
    before = {name: getattr(row, name) for name, value in values.items() if getattr(row, name) != value}
    if not before:
        return False
    for name in before:
        setattr(row, name, values[name])
    row.save(update_fields=[*before, "updated_at"])
    after = audit.snapshot(row, list(before))
    before_shown = {name: value if isinstance(value, str | list) else str(value) for name, value in before.items()}
    audit.record(actor=actor, action="messaging.template_changed", target=row, before=before_shown, after=after, at=at)
    events.publish(TemplateChanged(actor.organization.pk, row.pk))
    return True


def category_of(value: object) -> str:
    """A category that we know; the dearest for any other."""
    return str(value) if str(value) in TemplateCategory.values else TemplateCategory.MARKETING
