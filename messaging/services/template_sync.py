"""Keeping our list of templates true: by asking, and by what WhatsApp tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core import audit, events
from core.actors import Actor
from core.jobs import enqueue
from core.roles import Capability
from messaging.cloud_api import ask
from messaging.events import TemplateChanged
from messaging.gateway import Credentials
from messaging.incoming import Change
from messaging.models import Channel, MessageTemplate
from messaging.models.channels import ParameterFormat, Quality, TemplateCategory, TemplateStatus

STATUSES = {
    "APPROVED": TemplateStatus.APPROVED,
    "REINSTATED": TemplateStatus.APPROVED,
    "UNPAUSED": TemplateStatus.APPROVED,
    "PENDING": TemplateStatus.PENDING,
    "IN_APPEAL": TemplateStatus.REJECTED,
    "REJECTED": TemplateStatus.REJECTED,
    "PAUSED": TemplateStatus.PAUSED,
    "DISABLED": TemplateStatus.DISABLED,
    "DELETED": TemplateStatus.DISABLED,
    "PENDING_DELETION": TemplateStatus.DISABLED,
    "LIMIT_EXCEEDED": TemplateStatus.DISABLED,
}
# The first pause lasts three hours, the second six; the third time the template is disabled.
PAUSES = {"FIRST_PAUSE": timedelta(hours=3), "SECOND_PAUSE": timedelta(hours=6)}
KEPT = ("provider_id", "category", "components", "parameter_format", "status", "quality", "rejected_reason")


def sync_templates(*, actor: Actor, channel: Channel, at: datetime) -> dict[str, int]:
    """Make our templates of the channel's account what WhatsApp says they are; counts by new, changed, gone, same.

    Raises WhatsAppRefused and WhatsAppUnavailable; then nothing has changed.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    credentials = Credentials(channel.phone_number_id, channel.access_token)
    remote = ask(lambda client: client.templates(credentials, channel.waba_id), timeout=60)
    with transaction.atomic():
        home = home_of(channel)
        known = {(row.name, row.language): row for row in _of_account(channel).select_for_update(of=("self",))}
        counts = {"new": 0, "changed": 0, "gone": 0, "same": 0}
        for shown in remote:
            key = (str(shown.get("name") or ""), str(shown.get("language") or ""))
            if not all(key):
                continue
            counts[_take_over(actor, home, known.pop(key, None), shown, at)] += 1
        for row in known.values():
            if row.status != TemplateStatus.DISABLED:
                _change(actor, row, {"status": TemplateStatus.DISABLED}, at)
                counts["gone"] += 1
        audit.record(actor=actor, action="messaging.templates_synced", target=channel, after=counts, at=at)
    return counts


def create_template(
    *,
    actor: Actor,
    channel: Channel,
    name: str,
    language: str,
    category: str,
    components: Sequence[Mapping[str, Any]],
    parameter_format: str = ParameterFormat.POSITIONAL,
    at: datetime,
) -> MessageTemplate:
    """Hand a template in for review. Raises WhatsAppRefused with WhatsApp's reason, and WhatsAppUnavailable."""
    actor.require(Capability.CHANNELS_MANAGE)
    credentials = Credentials(channel.phone_number_id, channel.access_token)
    wanted = {
        "name": name,
        "language": language,
        "category": category,
        "components": [dict(each) for each in components],
        "parameter_format": parameter_format,
    }
    answer = ask(lambda client: client.create_template(credentials, channel.waba_id, wanted))
    with transaction.atomic():
        template, _ = MessageTemplate.objects.update_or_create(
            organization=actor.organization,
            channel=home_of(channel),
            name=name,
            language=language,
            defaults={
                "provider_id": str(answer.get("id") or ""),
                "category": _category(answer.get("category") or category),
                "components": wanted["components"],
                "parameter_format": parameter_format,
                "status": STATUSES.get(str(answer.get("status")), TemplateStatus.PENDING),
                "synced_at": at,
            },
        )
        audit.record(
            actor=actor, action="messaging.template_created", target=template, after=audit.snapshot(template), at=at
        )
    return template


@transaction.atomic
def heed_template_change(*, actor: Actor, channel: Channel, change: Change, at: datetime) -> None:
    """A webhook about one template: status, quality or category. One that we do not know yet is fetched."""
    actor.require(Capability.CHANNELS_MANAGE)
    value = change.value
    row = (
        _of_account(channel)
        .select_for_update(of=("self",))
        .filter(name=value.get("message_template_name"), language=value.get("message_template_language"))
        .first()
    )
    if row is None:
        enqueue("messaging.sync_templates", organization_id=actor.organization.pk, channel_id=channel.pk)
        return
    changes: dict[str, Any] = {}
    if change.field == "message_template_status_update":
        changes = _status_changes(value, at)
    elif change.field == "message_template_quality_update":
        quality = str(value.get("new_quality_score") or "")
        changes = {"quality": quality if quality in Quality.values else Quality.UNKNOWN}
    elif change.field == "template_category_update" and value.get("new_category"):
        changes = {"category": _category(value["new_category"])}
    _change(actor, row, changes, at)


def home_of(channel: Channel) -> Channel:
    """Templates belong to the account: they hang on the first of its numbers that was connected."""
    numbers = Channel.objects.for_organization(channel.organization).filter(waba_id=channel.waba_id)
    found: Channel | None = numbers.order_by("pk").first()
    return found or channel


def _of_account(channel: Channel) -> QuerySet[Any]:
    return MessageTemplate.objects.filter(organization=channel.organization_id, channel__waba_id=channel.waba_id)


def _take_over(actor: Actor, home: Channel, row: MessageTemplate | None, shown: Mapping[str, Any], at: datetime) -> str:
    score = shown.get("quality_score")
    quality = str(score.get("score") if isinstance(score, dict) else score or "")
    form = str(shown.get("parameter_format") or "").upper()
    values = {
        "provider_id": str(shown.get("id") or ""),
        "category": _category(shown.get("category")),
        "components": shown.get("components") or [],
        "parameter_format": form if form in ParameterFormat.values else ParameterFormat.POSITIONAL,
        "status": STATUSES.get(str(shown.get("status")), TemplateStatus.DISABLED),
        "quality": quality if quality in Quality.values else Quality.UNKNOWN,
        "rejected_reason": ""
        if shown.get("rejected_reason") in (None, "NONE")
        else str(shown["rejected_reason"])[:300],
    }
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
    return "changed" if _change(actor, row, values, at) else "same"


def _status_changes(value: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    status = STATUSES.get(str(value.get("event")))
    if status is None:  # FLAGGED and the like: a warning, the template still works
        return {}
    info = value.get("other_info")
    title = str(info.get("title") or "") if isinstance(info, dict) else ""
    reason = str(value.get("reason") or "")
    return {
        "status": status,
        "rejected_reason": reason[:300] if status == TemplateStatus.REJECTED and reason != "NONE" else "",
        "paused_until": at + PAUSES.get(title, PAUSES["FIRST_PAUSE"]) if status == TemplateStatus.PAUSED else None,
    }


def _change(actor: Actor, row: MessageTemplate, values: Mapping[str, Any], at: datetime) -> bool:
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


def _category(value: object) -> str:
    return str(value) if str(value) in TemplateCategory.values else TemplateCategory.MARKETING
