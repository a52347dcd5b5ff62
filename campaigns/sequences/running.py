"""What the clock does: due people of approved steps are taken in batches, and each is sent, put off, led on or let go.

One transaction a batch holds everything: the taking (SKIP LOCKED: two schedulers and many workers never take the same
person), the queued message, the proof that the step was sent, and the next due time. A worker that dies in it has done
nothing; the sending itself is messaging/services/delivery.py, where what cannot be known is never sent again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext_noop

from campaigns.models import Act, Enrollment, EnrollmentState, EnrollmentStep, SequenceStep, StepOutcome, StopReason
from campaigns.sequences.batch import Batch, load
from campaigns.sequences.conditions import STILL_ON_ITS_WAY, act_of, became
from campaigns.sequences.ready import ready_steps
from campaigns.sequences.timing import due_at, may_go_at
from campaigns.variables import values_of
from core.actors import Actor, system
from core.deadlocks import tried_twice
from core.errors import Conflict, DomainError
from core.models import Organization
from core.roles import Capability
from messaging import services as messaging
from messaging.errors import ChannelUnable, OptedOut, RecipientUnknown
from messaging.models import Conversation
from messaging.models.conversations import ConversationStatus
from messaging.services.conversations import latest_conversation, open_conversation

AT_ONCE = 100
# How long somebody waits whose last message has not left yet, or whose number cannot send.
LATER = timedelta(minutes=10)
SOON = timedelta(seconds=5)


@dataclass(slots=True)
class Tally:
    """What became of the people of one batch."""

    taken: int = 0
    sent: int = 0
    changed: list[Enrollment] = field(default_factory=list)
    done: list[EnrollmentStep] = field(default_factory=list)


@tried_twice
def run_due(*, organization: Organization, at: datetime, at_once: int = AT_ONCE) -> Tally:
    """Take one batch of people who are due. `taken` is 0 when nobody is left. Harmless to run anywhere, any time."""
    actor, tally = system(organization), Tally()
    actor.require(Capability.CAMPAIGNS_RUN)
    ready = ready_steps(organization)
    if not ready:
        return tally
    due = Enrollment.objects.for_organization(organization).filter(
        state=EnrollmentState.ACTIVE, next_step__in=list(ready), due_at__lte=at
    )
    rows = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("contact", "property")
        .order_by("due_at", "pk")[:at_once]
    )
    if not rows:
        return tally
    batch = load(organization, rows, ready)
    for row in rows:
        _look_at(actor, batch, row, tally, at)
    tally.taken = len(rows)
    Enrollment.objects.bulk_update(
        tally.changed, ["state", "stop_reason", "note", "next_step", "counted_from", "due_at", "ended_at", "updated_at"]
    )
    EnrollmentStep.objects.bulk_create(tally.done)
    return tally


def _look_at(actor: Actor, batch: Batch, row: Enrollment, tally: Tally, at: datetime) -> None:
    step = batch.step_of(row)
    zone = batch.zones[row.contact_id]
    row.updated_at = at
    tally.changed.append(row)
    due = due_at(step, row.counted_from, zone)
    reason = batch.ends(row)
    before = batch.before.get(row.pk)
    if due > at:  # the step was changed since
        row.due_at = due
    elif reason is not None:
        _stop(row, reason, at)
    elif batch.is_past(row, step):
        _lead_on(batch, row, step, counted_from=row.counted_from, at=at)
    elif before is not None and before.status in STILL_ON_ITS_WAY:
        _put_off(row, at + LATER, gettext_noop("The message before has not left yet."))
    else:
        act = act_of(step, became(before.status, has_replied=before.has_replied) if before else None)
        if act is Act.STOP:
            _stop(row, StopReason.CONDITION, at)
        elif act is Act.SKIP:
            tally.done.append(_done(row, step, StepOutcome.SKIPPED, at))
            _lead_on(batch, row, step, counted_from=at, at=at)
        else:
            _send_or_wait(actor, batch, row, step, tally, at)


def _send_or_wait(actor: Actor, batch: Batch, row: Enrollment, step: SequenceStep, tally: Tally, at: datetime) -> None:
    goes = may_go_at(at, batch.quiet[row.sequence_id], batch.zones[row.contact_id])
    if goes > at:
        _put_off(row, goes, gettext_noop("Quiet hours, or a day off."))
        return
    values, missing = values_of(step.variables, batch.facts[row.sequence_id][row.contact_id, row.property_id])
    if missing:
        row.state, row.note = (
            EnrollmentState.PAUSED,
            f"No value for {', '.join(missing)} in step {step.position}."[:300],
        )
        return
    try:
        conversation = _conversation(actor, batch, row, at)
        if conversation is None:
            _put_off(row, at + SOON, gettext_noop("Somebody is writing to them at this moment."))
            return
        message = messaging.send_template(
            actor=actor,
            conversation=conversation,
            template=step.template,
            parameters=values,
            client_request_id=request_id(row, step),
            at=at,
        )
    except ChannelUnable as refusal:
        _put_off(row, at + LATER, refusal.message)
    except OptedOut:
        _stop(row, StopReason.OPTED_OUT, at)
    except RecipientUnknown as refusal:
        _stop(row, StopReason(refusal.details["reason"]), at)
    except Conflict as refusal:
        _put_off(row, at + LATER, refusal.message)
    except DomainError as refusal:
        row.state, row.note = EnrollmentState.PAUSED, refusal.message[:300]
    else:
        tally.sent += 1
        tally.done.append(_done(row, step, StepOutcome.SENT, at, message_id=message.pk))
        _lead_on(batch, row, step, counted_from=at, at=at)


def request_id(row: Enrollment, step: SequenceStep) -> str:
    """The same for ever for this person and step: messaging makes one message of it, whatever happens here."""
    return f"sequence:{row.sequence_id}:{step.pk}:{row.contact_id}"


def _conversation(actor: Actor, batch: Batch, row: Enrollment, at: datetime) -> Conversation | None:
    """Theirs with this number, open and held by us; None while somebody else holds it: who holds an inbound message
    wants this enrolment next, and the two would wait for each other."""
    channel = batch.sequences[row.sequence_id].channel
    found = latest_conversation(channel=channel, contact=row.contact)
    if found is None:
        return open_conversation(channel=channel, contact=row.contact, assigned_to=row.contact.assigned_to, at=at)
    held = Conversation.objects.filter(pk=found.pk).select_for_update(skip_locked=True, of=("self",))
    if not held.exists():
        return None
    if found.status in (ConversationStatus.CLOSED, ConversationStatus.ARCHIVED):
        return messaging.reopen_conversation(actor=actor, conversation=found, at=at)
    return found


def _lead_on(batch: Batch, row: Enrollment, step: SequenceStep, *, counted_from: datetime, at: datetime) -> None:
    """To the next step that this person has not had, or to the end."""
    later = (each for each in batch.steps[row.sequence_id] if each.position > step.position)
    left = next((each for each in later if not batch.is_past(row, each)), None)
    row.note, row.counted_from = "", counted_from
    if left is not None:
        row.next_step = left
        row.due_at = due_at(left, counted_from, batch.zones[row.contact_id])
    else:
        row.state, row.next_step, row.due_at, row.ended_at = EnrollmentState.COMPLETED, None, None, at


def _put_off(row: Enrollment, until: datetime, note: str) -> None:
    row.due_at, row.note = until, note[:300]


def _stop(row: Enrollment, reason: StopReason, at: datetime) -> None:
    row.state, row.stop_reason, row.due_at, row.ended_at, row.note = EnrollmentState.STOPPED, reason, None, at, ""


def _done(
    row: Enrollment, step: SequenceStep, outcome: StepOutcome, at: datetime, message_id: int | None = None
) -> EnrollmentStep:
    return EnrollmentStep(
        organization_id=row.organization_id,
        enrollment=row,
        sequence_id=row.sequence_id,
        contact_id=row.contact_id,
        step=step,
        outcome=outcome,
        message_id=message_id,
        at=at,
    )
