"""On which numbers members may ask, and who is told of what they were given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from core import audit
from core.actors import Actor
from core.errors import NotFound
from core.models import Membership
from core.roles import Capability
from messaging.errors import AssistantThere, CopyTemplateUnfit
from messaging.models import AssistantLine, AssistantWatcher, Channel, MessageTemplate
from messaging.templates import variables


@transaction.atomic
def open_line(
    *, actor: Actor, channel: Channel, copy_template: MessageTemplate | None = None, at: datetime
) -> AssistantLine:
    """Let members ask on this number. Raises NotFound, AssistantThere (it is one already), CopyTemplateUnfit."""
    actor.require(Capability.CHANNELS_MANAGE)
    if not Channel.objects.visible_to(actor).filter(pk=channel.pk).exists():
        raise NotFound("There is no such number here.")
    _require_fit(copy_template, channel)
    try:
        with transaction.atomic():
            line = AssistantLine.objects.create(
                organization=actor.organization, channel=channel, copy_template=copy_template
            )
    except IntegrityError:
        raise AssistantThere("Members may ask on this number already.", channel=channel.pk) from None
    audit.record(actor=actor, action="messaging.assistant_opened", target=line, after={"channel": channel.pk}, at=at)
    return line


@transaction.atomic
def watch_line(
    *,
    actor: Actor,
    line: AssistantLine,
    members: Sequence[Membership],
    copy_template: MessageTemplate | None = None,
    at: datetime,
) -> AssistantLine:
    """These members, and no others, are told of every number given out; by this template when their window is closed."""
    actor.require(Capability.CHANNELS_MANAGE)
    line = _line(actor, line)
    _require_fit(copy_template, line.channel)
    wanted = {member.pk for member in members}
    active = Membership.objects.active().filter(organization=actor.organization, pk__in=wanted)
    if active.count() != len(wanted):
        raise NotFound("There is no such member here.", field="watchers")
    before = set(line.watchers.values_list("membership", flat=True))
    line.watchers.exclude(membership__in=wanted).delete()
    for pk in sorted(wanted - before):
        AssistantWatcher.objects.create(organization=actor.organization, line=line, membership_id=pk)
    line.copy_template = copy_template
    line.save(update_fields=["copy_template", "updated_at"])
    audit.record(
        actor=actor,
        action="messaging.assistant_watched",
        target=line,
        before={"watchers": sorted(before)},
        after={"watchers": sorted(wanted), "copy_template": copy_template.pk if copy_template else None},
        at=at,
    )
    return line


@transaction.atomic
def close_line(*, actor: Actor, line: AssistantLine, at: datetime) -> None:
    """Nobody is answered on this number any more; what was asked stays."""
    actor.require(Capability.CHANNELS_MANAGE)
    line = _line(actor, line)
    line.deleted_at = at
    line.save(update_fields=["deleted_at", "updated_at"])
    audit.record(actor=actor, action="messaging.assistant_closed", target=line, at=at)


def _line(actor: Actor, line: AssistantLine) -> AssistantLine:
    rows = AssistantLine.objects.visible_to(actor).select_for_update(of=("self",)).select_related("channel")
    found: AssistantLine | None = rows.filter(pk=line.pk).first()
    if found is None:
        raise NotFound("There is no such assistant here.")
    return found


def _require_fit(template: MessageTemplate | None, channel: Channel) -> None:
    if template is None:
        return
    if template.organization_id != channel.organization_id or template.channel.waba_id != channel.waba_id:
        raise NotFound("There is no such template on this number.", field="copy_template")
    if len(variables(template.components)) != 1:
        raise CopyTemplateUnfit(
            "Choose a template with exactly one variable: the copy stands in it.", field="copy_template"
        )
