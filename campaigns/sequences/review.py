"""Two pairs of eyes, and the switch: somebody else than the author lets a sequence run; who runs it pauses it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from campaigns.errors import ApprovalMissing, IllegalMove, OwnSequence, TemplateUnusable
from campaigns.models import (
    Enrollment,
    EnrollmentState,
    Sequence,
    SequenceApproval,
    SequenceStatus,
    SequenceStep,
    StopReason,
)
from campaigns.models.sequences import LIVE_STATES
from campaigns.sequences import fingerprints
from campaigns.sequences.locking import locked, move, steps_of
from core import audit
from core.actors import Actor
from core.roles import Capability
from messaging.models.channels import TemplateStatus


@transaction.atomic
def submit_sequence(*, actor: Actor, sequence: Sequence, at: datetime) -> Sequence:
    """Hand a draft to somebody who may approve it."""
    actor.require(Capability.CAMPAIGNS_WRITE)
    sequence = locked(actor=actor, sequence=sequence)
    move(actor, sequence, SequenceStatus.IN_REVIEW, "campaigns.sequence_submitted", at)
    return sequence


@transaction.atomic
def approve_sequence(*, actor: Actor, sequence: Sequence, at: datetime) -> SequenceApproval:
    """Let it go out as it is now: one in review becomes active, one under way goes on with what was changed.

    Raises OwnSequence for its author and who edited it last, TemplateUnusable, IllegalMove when nothing waits.
    """
    actor.require(Capability.CAMPAIGNS_APPROVE)
    sequence = locked(actor=actor, sequence=sequence)
    me = actor.membership
    if me is None or me.pk in (sequence.created_by_id, sequence.edited_by_id):
        raise OwnSequence("You wrote or changed this sequence, so somebody else must approve it.")
    steps = steps_of(sequence)
    for step in steps:
        if step.template.status != TemplateStatus.APPROVED:
            said = TemplateStatus(step.template.status).label.lower()
            raise TemplateUnusable(f"Step {step.position}: the template {step.template.name} is {said}.", step=step.pk)
    before = standing_approval(sequence)
    if sequence.status in (SequenceStatus.ACTIVE, SequenceStatus.PAUSED):
        if is_as_approved(sequence, steps, before):
            raise IllegalMove("It is approved as it is; nothing waits.", status=sequence.status)
        audit.record(actor=actor, action="campaigns.sequence_approved", target=sequence, at=at)
    else:
        move(actor, sequence, SequenceStatus.ACTIVE, "campaigns.sequence_approved", at)
    if before is not None:
        SequenceApproval.objects.filter(pk=before.pk).update(voided_at=at, updated_at=at)
    approval: SequenceApproval = SequenceApproval.objects.create(
        organization=actor.organization,
        sequence=sequence,
        rules=fingerprints.rules_of(sequence),
        steps={str(step.pk): fingerprints.of_step(step) for step in steps},
        approved_by=me,
        approved_at=at,
    )
    return approval


@transaction.atomic
def return_sequence(*, actor: Actor, sequence: Sequence, reason: str, at: datetime) -> Sequence:
    """Send it back to its author, with what should change."""
    actor.require(Capability.CAMPAIGNS_APPROVE)
    sequence = locked(actor=actor, sequence=sequence)
    move(actor, sequence, SequenceStatus.DRAFT, "campaigns.sequence_returned", at, reason)
    return sequence


@transaction.atomic
def pause_sequence(*, actor: Actor, sequence: Sequence, reason: str, at: datetime) -> Sequence:
    """Nothing goes out until it is resumed. Nobody's times are shifted: what falls due meanwhile waits."""
    actor.require(Capability.CAMPAIGNS_RUN)
    sequence = locked(actor=actor, sequence=sequence)
    move(actor, sequence, SequenceStatus.PAUSED, "campaigns.sequence_paused", at, reason)
    return sequence


@transaction.atomic
def resume_sequence(*, actor: Actor, sequence: Sequence, at: datetime) -> Sequence:
    """Go on; what fell due meanwhile goes out now, outside quiet hours. Raises ApprovalMissing."""
    actor.require(Capability.CAMPAIGNS_RUN)
    sequence = locked(actor=actor, sequence=sequence)
    if sequence.status == SequenceStatus.PAUSED and standing_approval(sequence) is None:
        raise ApprovalMissing("Nobody has approved this sequence yet.")
    if sequence.status != SequenceStatus.PAUSED:
        raise IllegalMove("Only a paused sequence can be resumed.", status=sequence.status)
    move(actor, sequence, SequenceStatus.ACTIVE, "campaigns.sequence_resumed", at)
    return sequence


@transaction.atomic
def archive_sequence(*, actor: Actor, sequence: Sequence, reason: str = "", at: datetime) -> Sequence:
    """End it for good: whoever is under way gets nothing more."""
    actor.require(Capability.CAMPAIGNS_RUN)
    sequence = locked(actor=actor, sequence=sequence)
    move(actor, sequence, SequenceStatus.ARCHIVED, "campaigns.sequence_archived", at, reason)
    live = Enrollment.objects.filter(organization=actor.organization, sequence=sequence, state__in=LIVE_STATES)
    live.update(state=EnrollmentState.STOPPED, stop_reason=StopReason.ARCHIVED, due_at=None, ended_at=at, updated_at=at)
    return sequence


def standing_approval(sequence: Sequence) -> SequenceApproval | None:
    """The last word of a second pair of eyes."""
    rows = SequenceApproval.objects.filter(organization=sequence.organization_id, sequence=sequence)
    found: SequenceApproval | None = rows.filter(voided_at__isnull=True).first()
    return found


def is_as_approved(sequence: Sequence, steps: list[SequenceStep], approval: SequenceApproval | None) -> bool:
    """Whether the rules and every step are what somebody else let go out."""
    return (
        approval is not None
        and approval.rules == fingerprints.rules_of(sequence)
        and all(fingerprints.is_approved(step, approval) for step in steps)
    )
