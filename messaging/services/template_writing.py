"""Templates written here: submitted, changed, deleted, taken out of a pause. WhatsApp's rules are told before it would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core import audit
from core.actors import Actor
from core.roles import Capability
from messaging import media
from messaging.cloud_api import ask, credentials_of
from messaging.errors import MediaInvalid, TemplateInvalid, TemplateLocked, WhatsAppRefused
from messaging.gateway import Credentials
from messaging.models import Channel, MessageTemplate, Notice
from messaging.models.channels import ParameterFormat, TemplateStatus
from messaging.models.notices import NoticeKind
from messaging.services.noticing import note
from messaging.services.template_sync import STATUSES, category_of, change_template, home_of, of_account
from messaging.template_rules import Problem, problems

EDITABLE = (TemplateStatus.APPROVED, TemplateStatus.REJECTED, TemplateStatus.PAUSED)
# An approved template: so often in thirty days, and once a day.
MOST_EDITS, EDITS_IN, EDIT_REST = 10, timedelta(days=30), timedelta(hours=24)
EXAMPLES = {"IMAGE": ("image/jpeg", "image/png"), "VIDEO": ("video/mp4",), "DOCUMENT": ("application/pdf",)}
# Where WhatsApp's refusal of a template belongs on the form, by the word it uses.
PLACES = (("header", "header"), ("footer", "footer"), ("button", "buttons"), ("body", "body"), ("name", "name"))


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
    """Hand a template in for review.

    Raises TemplateInvalid with `field` and every problem, WhatsAppRefused with WhatsApp's reason and the field it means,
    and WhatsAppUnavailable. Nothing is kept then.
    """
    actor.require(Capability.TEMPLATES_WRITE)
    wanted = {
        "name": name,
        "language": language,
        "category": category,
        "components": [dict(each) for each in components],
        "parameter_format": parameter_format,
    }
    _require_rules(**wanted)
    same = of_account(channel).filter(name=name, language=language).exclude(status=TemplateStatus.DELETED)
    if same.exists():
        sentence = _("There is a template %(name)s in this language already. Change that one, or choose another name.")
        raise _invalid([Problem("name", sentence % {"name": name})])
    credentials = Credentials(channel.phone_number_id, channel.access_token)
    with _placed():
        answer = ask(lambda client: client.create_template(credentials, channel.waba_id, wanted))
    with transaction.atomic():
        template, _made = MessageTemplate.objects.update_or_create(
            organization=actor.organization,
            channel=home_of(channel),
            name=name,
            language=language,
            defaults={
                "provider_id": str(answer.get("id") or ""),
                "category": category_of(answer.get("category") or category),
                "components": wanted["components"],
                "parameter_format": parameter_format,
                "status": STATUSES.get(str(answer.get("status")), TemplateStatus.PENDING),
                "rejected_reason": "",
                "paused_until": None,
                "synced_at": at,
            },
        )
        _note(actor, template, "SUBMITTED", at)
        audit.record(
            actor=actor, action="messaging.template_created", target=template, after=audit.snapshot(template), at=at
        )
    return template


def edit_template(
    *,
    actor: Actor,
    template: MessageTemplate,
    components: Sequence[Mapping[str, Any]],
    category: str = "",
    at: datetime,
) -> MessageTemplate:
    """Replace everything a template says; it goes back to review, and cannot be sent until it is approved again.

    Raises TemplateLocked while it may not be changed (with the time from which it may), TemplateInvalid,
    WhatsAppRefused, WhatsAppUnavailable.
    """
    actor.require(Capability.TEMPLATES_WRITE)
    _require_editable(template, at)
    if template.status == TemplateStatus.APPROVED and category and category != template.category:
        raise _invalid([Problem("category", _("The category of an approved template cannot be changed."))])
    wanted = {"category": category or template.category, "components": [dict(each) for each in components]}
    _require_rules(name=template.name, language=template.language, parameter_format=template.parameter_format, **wanted)
    credentials = _speaker(template)
    with _placed():
        ask(lambda client: client.edit_template(credentials, template.provider_id, wanted))
    with transaction.atomic():
        row: MessageTemplate = _locked(template)
        _note(actor, row, "EDITED", at)
        values = {**wanted, "status": TemplateStatus.PENDING, "rejected_reason": "", "paused_until": None}
        change_template(actor=actor, row=row, values=values, at=at)
    return row


def delete_template(*, actor: Actor, template: MessageTemplate, at: datetime) -> MessageTemplate:
    """Delete it at WhatsApp, in this language only. What was sent with it stays; the name is free after 30 days."""
    actor.require(Capability.TEMPLATES_WRITE)
    credentials = _speaker(template)
    waba_id = template.channel.waba_id
    ask(lambda client: client.delete_template(credentials, waba_id, template.name, template.provider_id))
    with transaction.atomic():
        row = _locked(template)
        _note(actor, row, "DELETED", at)
        change_template(actor=actor, row=row, values={"status": TemplateStatus.DELETED, "paused_until": None}, at=at)
    return row


def unpause_template(*, actor: Actor, template: MessageTemplate, at: datetime) -> MessageTemplate:
    """End the pause that WhatsApp's pacing gave; a pause for low quality ends by itself, and WhatsApp refuses this."""
    actor.require(Capability.TEMPLATES_WRITE)
    if template.status != TemplateStatus.PAUSED:
        raise TemplateLocked(_("This template is not paused."))
    credentials = _speaker(template)
    ask(lambda client: client.unpause_template(credentials, template.provider_id))
    with transaction.atomic():
        row = _locked(template)
        _note(actor, row, "UNPAUSED", at)
        change_template(actor=actor, row=row, values={"status": TemplateStatus.APPROVED, "paused_until": None}, at=at)
    return row


def upload_example(*, actor: Actor, channel: Channel, kind: str, content: bytes, name: str) -> str:
    """Hand the example of a header to WhatsApp; returns its handle. `kind` is IMAGE, VIDEO or DOCUMENT.

    Raises MediaInvalid when it is of another kind or too large, TemplateInvalid before the number was checked once.
    """
    actor.require(Capability.TEMPLATES_WRITE)
    mime_type = media.sniff(content[: media.HEAD], name)
    if mime_type not in EXAMPLES.get(kind, ()):
        allowed = {"IMAGE": _("a JPEG or PNG picture"), "VIDEO": _("an MP4 film"), "DOCUMENT": _("a PDF")}
        raise MediaInvalid(_("The example must be %(kind)s.") % {"kind": allowed.get(kind, kind)}, field="header_file")
    media.require_size(media.kind_of(mime_type), len(content))
    if not channel.app_id:
        sentence = _("Majlis does not know yet to which app this number belongs: an admin checks the number once.")
        raise _invalid([Problem("header_file", sentence)])
    credentials = Credentials(channel.phone_number_id, channel.access_token)
    shown = media.plain_name(name) or "example"
    handle: str = ask(
        lambda client: client.upload_example(credentials, channel.app_id, content, mime_type, shown), timeout=120
    )
    return handle


def editable_from(template: MessageTemplate, at: datetime) -> datetime | None:
    """From when an approved template may be changed again; None when it may be now. One query."""
    if template.status != TemplateStatus.APPROVED:
        return None
    edits = Notice.objects.filter(
        organization=template.organization_id, template=template, kind=NoticeKind.TEMPLATE, code="EDITED"
    )
    times = list(edits.filter(at__gt=at - EDITS_IN).order_by("-at").values_list("at", flat=True)[:MOST_EDITS])
    waits = [times[0] + EDIT_REST] if times else []
    if len(times) >= MOST_EDITS:
        waits.append(times[-1] + EDITS_IN)
    latest = max(waits, default=None)
    return latest if latest is not None and latest > at else None


def _require_editable(template: MessageTemplate, at: datetime) -> None:
    if template.status not in EDITABLE:
        said = TemplateStatus(template.status).label.lower()
        raise TemplateLocked(_("A template that is %(status)s cannot be changed.") % {"status": _(said)})
    again = editable_from(template, at)
    if again is not None:
        sentence = _("WhatsApp lets an approved template be changed once a day and ten times in thirty days.")
        raise TemplateLocked(sentence, again_at=again.isoformat())


def _require_rules(**wanted: Any) -> None:
    found = problems(**wanted)
    if found:
        raise _invalid(found)


def _invalid(found: Sequence[Problem]) -> TemplateInvalid:
    rows = [{"field": each.field, "message": each.message} for each in found]
    return TemplateInvalid(found[0].message, field=found[0].field, problems=rows)


@contextmanager
def _placed() -> Iterator[None]:
    """WhatsApp's refusal of a template, with the field that it is about."""
    try:
        yield
    except WhatsAppRefused as error:
        said = error.message.lower()
        error.details = {**error.details, "field": next((field for word, field in PLACES if word in said), "")}
        raise


def _speaker(template: MessageTemplate) -> Credentials:
    """By which number the account is spoken to: one that works, as the first that was connected may be gone."""
    rows = Channel.objects.for_organization(template.organization).live().filter(waba_id=template.channel.waba_id)
    able: Channel | None = rows.able_to_send().order_by("pk").first() or rows.order_by("pk").first()
    return credentials_of(able or template.channel)


def _locked(template: MessageTemplate) -> MessageTemplate:
    rows = MessageTemplate.objects.select_for_update(of=("self",)).select_related("channel")
    found: MessageTemplate = rows.get(pk=template.pk)
    return found


def _note(actor: Actor, template: MessageTemplate, code: str, at: datetime) -> None:
    who = actor.user.name if actor.user else "Majlis"
    note(
        actor=actor,
        of=template,
        kind=NoticeKind.TEMPLATE,
        code=code,
        key=at.isoformat(),
        details={"who": who},
        at=at,
    )
