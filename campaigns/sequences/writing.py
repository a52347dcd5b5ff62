"""Writing a sequence and its steps, and changing them while people are under way.

A change reaches everybody who is not past the step. What was taken out stays for those who got it; who waited for it
goes on to the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from campaigns.errors import ChannelUnusable, IllegalMove, NameTaken, SequenceInvalid, TemplateUnusable
from campaigns.models import Act, Enrollment, EnrollmentState, SequenceStatus, SequenceStep
from campaigns.models import Sequence as Drip
from campaigns.models.sequences import LIVE_STATES, MOST_STEPS
from campaigns.rendering import asked_by
from campaigns.sequences.locking import locked, steps_of
from campaigns.variables import checked_mapping
from core import audit
from core.actors import Actor
from core.roles import Capability, Reach
from messaging.models import Channel, MessageTemplate


class StepChanges(TypedDict, total=False):
    """One step as a person writes it. `id` names the step that it was, when it was one already."""

    id: int | None
    template: MessageTemplate
    variables: Mapping[str, Any]
    delay_days: int
    delay_minutes: int
    at_time: time | None
    if_unseen: str
    if_delivered: str
    if_read: str
    if_replied: str
    if_failed: str


class SequenceChanges(TypedDict, total=False):
    """What a person may decide about a sequence. `steps` are all of them, in their order."""

    name: str
    channel: Channel
    quiet_from: time | None
    quiet_until: time | None
    working_days_only: bool
    stop_on_reply: bool
    stop_on_sale: bool
    may_reenter: bool
    quiet_after_talk_hours: int
    steps: Sequence[StepChanges]


@transaction.atomic
def create_sequence(*, actor: Actor, at: datetime, **given: Unpack[SequenceChanges]) -> Drip:
    """A draft. `name`, `channel` and one to ten `steps` are required.

    Raises NameTaken, ChannelUnusable, TemplateUnusable, VariablesInvalid, SequenceInvalid.
    """
    actor.require(Capability.CAMPAIGNS_WRITE)
    sequence = Drip(organization=actor.organization, created_by=actor.membership, edited_by=actor.membership)
    return _written(actor, sequence, given, at, "campaigns.sequence_created")


@transaction.atomic
def update_sequence(*, actor: Actor, sequence: Drip, at: datetime, **changes: Unpack[SequenceChanges]) -> Drip:
    """Change it. While it is active, what was changed waits for approval, and so do the people who are not past it.

    Raises IllegalMove for an archived one, and what create_sequence raises.
    """
    actor.require(Capability.CAMPAIGNS_WRITE)
    sequence = locked(actor=actor, sequence=sequence)
    if sequence.status == SequenceStatus.ARCHIVED:
        raise IllegalMove("The sequence is archived; write a new one.", status=sequence.status)
    if sequence.status == SequenceStatus.IN_REVIEW:
        sequence.status = SequenceStatus.DRAFT
    sequence.edited_by = actor.membership
    return _written(actor, sequence, changes, at, "campaigns.sequence_changed")


def _written(actor: Actor, sequence: Drip, given: SequenceChanges, at: datetime, action: str) -> Drip:
    before = audit.snapshot(sequence) if sequence.pk else {}
    values: dict[str, Any] = dict(given)
    steps: Sequence[StepChanges] | None = values.pop("steps", None)
    for name, value in values.items():
        setattr(sequence, name, value)
    _require_rules(actor, sequence)
    try:
        with transaction.atomic():
            sequence.save()
    except IntegrityError as error:
        if "campaigns_sequence_name_once" not in str(error):
            raise
        raise NameTaken(f"There is a sequence called {sequence.name!r} already.", field="name") from error
    if steps is not None or not before:
        _put_steps(sequence, steps or [], at)
    elif "channel" in values:
        for step in steps_of(sequence):
            _require_step(sequence, step, step.position)
    after = {**audit.snapshot(sequence), "steps": [_said(step) for step in steps_of(sequence)]}
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    kept = {name: before[name] for name in changed if name in before}
    audit.record(actor=actor, action=action, target=sequence, before=kept, after=changed, at=at)
    return sequence


def _require_rules(actor: Actor, sequence: Drip) -> None:
    if not sequence.name.strip():
        raise SequenceInvalid("Give the sequence a name.", field="name")
    if sequence.channel_id is None:
        raise ChannelUnusable("Choose the WhatsApp number to send from.", field="channel")
    allowed = Channel.objects.visible_to(actor)
    if actor.reach is not Reach.ORGANIZATION:
        allowed = allowed.filter(Q(owner__isnull=True) | Q(owner__in=actor.membership_ids))
    if not allowed.filter(pk=sequence.channel_id).exists():
        raise ChannelUnusable("This number is not one that you may send from.", field="channel")
    if (sequence.quiet_from is None) != (sequence.quiet_until is None) or (
        sequence.quiet_from is not None and sequence.quiet_from == sequence.quiet_until
    ):
        raise SequenceInvalid("Quiet hours need two different times, from and until.", field="quiet_from")
    if not 0 <= sequence.quiet_after_talk_hours <= 8760:
        raise SequenceInvalid("Choose 0 to 8,760 hours (a year).", field="quiet_after_talk_hours")


def _put_steps(sequence: Drip, given: Sequence[StepChanges], at: datetime) -> None:
    if not 1 <= len(given) <= MOST_STEPS:
        raise SequenceInvalid(f"A sequence has 1 to {MOST_STEPS} steps.", field="steps", count=len(given))
    old = {step.pk: step for step in steps_of(sequence)}
    wanted: list[SequenceStep] = []
    for position, values in enumerate(given, start=1):
        known = values.get("id")
        if known is not None and (known not in old or any(step.pk == known for step in wanted)):
            raise SequenceInvalid(
                f"Step {position}: there is no such step in this sequence.", field="steps", step=position
            )
        step = old[known] if known is not None else SequenceStep(organization_id=sequence.organization_id)
        step.sequence, step.position = sequence, position
        for name, value in values.items():
            if name != "id":
                setattr(step, name, value)
        _require_step(sequence, step, position)
        wanted.append(step)
    # All are taken out first: positions are unique among those that are in, and two may change places.
    rows = SequenceStep.objects.filter(organization=sequence.organization_id, sequence=sequence)
    rows.filter(removed_at__isnull=True).update(removed_at=at, updated_at=at)
    for step in wanted:
        step.removed_at = None
        step.save()
    _lead_on(sequence, wanted, [step for pk, step in old.items() if pk not in {kept.pk for kept in wanted}], at)


def _require_step(sequence: Drip, step: SequenceStep, position: int) -> None:
    if step.template_id is None or step.template.organization_id != sequence.organization_id:
        raise TemplateUnusable(f"Step {position}: choose a template.", field="template", step=position)
    if step.template.channel.waba_id != sequence.channel.waba_id:
        raise TemplateUnusable(
            f"Step {position}: the template {step.template.name} is of another WhatsApp account than the number.",
            field="template",
            step=position,
        )
    if not 0 <= step.delay_days <= 365 or not 0 <= step.delay_minutes <= 1439:
        raise SequenceInvalid(
            f"Step {position}: wait 0 to 365 days, and less than 24 hours on top.", field="delay_days", step=position
        )
    for name in ("if_unseen", "if_delivered", "if_read", "if_replied", "if_failed"):
        if getattr(step, name) not in Act.values:
            raise SequenceInvalid(f"Step {position}: {name} is continue, skip or stop.", field=name, step=position)
    step.variables = checked_mapping(step.variables, asked_by(step.template))


def _lead_on(sequence: Drip, steps: list[SequenceStep], gone: list[SequenceStep], at: datetime) -> None:
    """Who waited for a step that is gone waits for the one after it; nobody goes back. All are looked at again: a
    delay may be shorter now, and the engine puts off whom it does not concern yet."""
    rows = Enrollment.objects.filter(organization=sequence.organization_id, sequence=sequence, state__in=LIVE_STATES)
    for step in gone:
        following = next((each for each in steps if each.position >= step.position), None)
        waiting = rows.filter(next_step=step)
        if following is not None:
            waiting.update(next_step=following, updated_at=at)
        else:
            waiting.update(
                state=EnrollmentState.COMPLETED, next_step=None, due_at=None, ended_at=at, note="", updated_at=at
            )
    rows.update(due_at=F("counted_from"), updated_at=at)


def _said(step: SequenceStep) -> dict[str, Any]:
    return {
        "id": step.pk,
        "template": step.template_id,
        "variables": step.variables,
        "days": step.delay_days,
        "minutes": step.delay_minutes,
        "at_time": step.at_time and step.at_time.isoformat(),
        "if": [step.if_unseen, step.if_delivered, step.if_read, step.if_replied, step.if_failed],
    }
