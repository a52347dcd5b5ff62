"""Reads of sequences: the list, the funnel of each step, the people behind each number, and one person's story."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from campaigns.models import Enrollment, EnrollmentState, EnrollmentStep, Sequence, SequenceStatus, SequenceStep
from campaigns.models.sequences import LIVE_STATES, StepOutcome, StopReason
from campaigns.sequences import fingerprints
from campaigns.sequences.locking import steps_of
from campaigns.sequences.people import zone_for
from campaigns.sequences.review import standing_approval
from campaigns.sequences.timing import Planned, plan, quiet_of
from core.actors import Actor
from core.roles import Capability
from messaging.models.conversations import MessageStatus
from messaging.refusals import addresses_of

_GOT = (MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.PLAYED)
_READ = (MessageStatus.READ, MessageStatus.PLAYED)
# What a number of the funnel counts, as a condition on the step's row. A reply is one whatever the ticks say.
REACHED: dict[str, Q] = {
    "sent": Q(outcome=StepOutcome.SENT),
    "delivered": Q(message__status__in=_GOT),
    "read": Q(message__status__in=_READ),
    "replied": Q(replied_at__isnull=False),
    "failed": Q(message__status=MessageStatus.FAILED),
    "unknown": Q(message__status=MessageStatus.UNKNOWN),
    "skipped": Q(outcome=StepOutcome.SKIPPED),
}


@dataclass(frozen=True, slots=True)
class SequenceRow:
    """One line of the list."""

    sequence: Sequence
    steps: int
    under_way: int
    completed: int
    replied: int
    stopped: int


@dataclass(slots=True)
class StepFigures:
    """One step with how many people wait for it and what became of the others."""

    step: SequenceStep
    is_approved: bool
    waiting: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REACHED, 0))


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a person's story. `kind` is sent, skipped, cancelled, planned, enrolled or ended."""

    kind: str
    at: datetime | None
    step: SequenceStep | None = None
    done: EnrollmentStep | None = None
    waits: bool = False


def narrowed_sequences(actor: Actor, asked: Mapping[str, str]) -> QuerySet[Sequence]:
    """The sequences that this actor may see, newest first. `asked` has `status` and `q`."""
    rows: QuerySet[Sequence] = Sequence.objects.visible_to(actor)
    if asked.get("status") in SequenceStatus.values:
        rows = rows.filter(status=asked["status"])
    if text := asked.get("q", "").replace("\x00", "").strip()[:100]:
        rows = rows.filter(name__icontains=text)
    return rows.order_by("-pk")


def sequence_rows(*, actor: Actor, sequences: Iterable[Sequence]) -> list[SequenceRow]:
    """With their counts. Two queries, however many."""
    actor.require(Capability.CAMPAIGNS_READ)
    shown = list(sequences)
    ids = [sequence.pk for sequence in shown]
    steps = SequenceStep.objects.for_organization(actor.organization).filter(sequence__in=ids, removed_at__isnull=True)
    lengths = dict(steps.values("sequence").annotate(count=Count("pk")).values_list("sequence", "count"))
    people = Enrollment.objects.for_organization(actor.organization).filter(sequence__in=ids)
    counted: dict[int, dict[tuple[str, str], int]] = defaultdict(dict)
    for pk, state, reason, count in people.values_list("sequence", "state", "stop_reason").annotate(Count("pk")):
        counted[pk][state, reason] = count
    return [_row(sequence, lengths.get(sequence.pk, 0), counted[sequence.pk]) for sequence in shown]


def _row(sequence: Sequence, steps: int, counted: Mapping[tuple[str, str], int]) -> SequenceRow:
    replied = counted.get((EnrollmentState.STOPPED, StopReason.REPLIED), 0)
    return SequenceRow(
        sequence,
        steps,
        sum(count for (state, _), count in counted.items() if state in LIVE_STATES),
        sum(count for (state, _), count in counted.items() if state == EnrollmentState.COMPLETED),
        replied,
        sum(count for (state, _), count in counted.items() if state == EnrollmentState.STOPPED) - replied,
    )


def step_figures(*, actor: Actor, sequence: Sequence) -> list[StepFigures]:
    """The funnel, step by step. Four queries, however many people."""
    actor.require(Capability.CAMPAIGNS_READ)
    approval = standing_approval(sequence)
    are_rules_approved = approval is not None and approval.rules == fingerprints.rules_of(sequence)
    found = {
        step.pk: StepFigures(step, are_rules_approved and fingerprints.is_approved(step, approval))
        for step in steps_of(sequence)
    }
    live = Enrollment.objects.for_organization(actor.organization).filter(sequence=sequence, state__in=LIVE_STATES)
    for pk, count in live.values_list("next_step").annotate(Count("pk")):
        if pk in found:
            found[pk].waiting = count
    done = EnrollmentStep.objects.for_organization(actor.organization).filter(step__in=list(found))
    counts = {name: Count("pk", filter=condition) for name, condition in REACHED.items()}
    for row in done.values("step").annotate(**counts):
        found[row["step"]].counts = {name: row[name] for name in REACHED}
    return list(found.values())


def ends(*, actor: Actor, sequence: Sequence) -> list[tuple[str, int]]:
    """How many ended for each reason, the most first. One query."""
    actor.require(Capability.CAMPAIGNS_READ)
    rows = Enrollment.objects.for_organization(actor.organization).filter(
        sequence=sequence, state=EnrollmentState.STOPPED
    )
    counted = rows.values("stop_reason").annotate(count=Count("pk")).order_by("-count", "stop_reason")
    return list(counted.values_list("stop_reason", "count"))


def narrowed_people(actor: Actor, sequence_id: int, asked: Mapping[str, str]) -> QuerySet[Enrollment]:
    """The people of a sequence, newest first. `asked` has `q`, `state`, `reason`, `step` (id) and `reached`."""
    rows: QuerySet[Enrollment] = Enrollment.objects.visible_to(actor).filter(sequence=sequence_id)
    state = asked.get("state", "")
    if state == "live":
        rows = rows.filter(state__in=LIVE_STATES)
    elif state in EnrollmentState.values:
        rows = rows.filter(state=state)
    if asked.get("reason") and asked["reason"] in StopReason.values:
        rows = rows.filter(stop_reason=asked["reason"])
    step, reached = asked.get("step", ""), asked.get("reached", "")
    if step.isdecimal() and len(step) < 19:
        if reached in REACHED:
            done = EnrollmentStep.objects.for_organization(actor.organization).filter(REACHED[reached], step=int(step))
            rows = rows.filter(pk__in=done.values("enrollment"))
        else:
            rows = rows.filter(next_step=int(step), state__in=LIVE_STATES)
    if text := asked.get("q", "").replace("\x00", "").strip()[:100]:
        rows = rows.filter(contact__display_name__icontains=text)
    return rows.order_by("-pk")


def enrollment_of(*, actor: Actor, enrollment_id: int) -> Enrollment | None:
    """With everything that its page names. One query."""
    rows = Enrollment.objects.visible_to(actor).select_related(
        "sequence__organization", "sequence__channel", "contact", "property", "enrolled_by__user", "next_step"
    )
    found: Enrollment | None = rows.filter(pk=enrollment_id).first()
    return found


def story(*, actor: Actor, enrollment: Enrollment) -> list[Happening]:
    """What happened, in its order, and what is still to come; what was cancelled stands at the end."""
    actor.require(Capability.CAMPAIGNS_READ)
    done = EnrollmentStep.objects.for_organization(actor.organization).filter(enrollment=enrollment)
    told = [
        Happening(str(row.outcome), row.at, row.step, row)
        for row in done.select_related("step__template", "message").order_by("at", "pk")
    ]
    found = [Happening("enrolled", enrollment.enrolled_at), *told]
    ahead = _ahead(enrollment)
    if enrollment.state in LIVE_STATES:
        return [*found, *(Happening("planned", each.goes_at, each.step, waits=each.waits) for each in ahead)]
    found.append(Happening("ended", enrollment.ended_at))
    if enrollment.state == EnrollmentState.STOPPED:
        found += [Happening("cancelled", None, each.step) for each in ahead]
    return found


def _ahead(enrollment: Enrollment) -> list[Planned]:
    if enrollment.next_step is None:
        return []
    sequence, house = enrollment.sequence, enrollment.sequence.organization
    had = EnrollmentStep.objects.for_organization(house).filter(sequence=sequence, contact=enrollment.contact_id)
    past = set(had.filter(Q(outcome=StepOutcome.SENT) | Q(enrollment=enrollment)).values_list("step", flat=True))
    steps = [
        step for step in steps_of(sequence) if step.position >= enrollment.next_step.position and step.pk not in past
    ]
    return plan(
        steps, enrollment.counted_from, quiet_of(sequence, house), zone_of_contact(enrollment.contact_id, house)
    )


def simulate(*, actor: Actor, sequence: Sequence, at: datetime, address: str = "") -> list[Planned]:
    """What somebody who is enrolled at that time gets and when, by the clock where that number (digits) lives."""
    actor.require(Capability.CAMPAIGNS_READ)
    house = actor.organization
    return plan(steps_of(sequence), at, quiet_of(sequence, house), zone_for(house, address))


def zone_of_contact(contact_id: int, house: Any) -> str:
    """Where this person lives, as far as their number tells."""
    found = addresses_of(organization=house, contact_ids=[contact_id]).get(contact_id)
    return zone_for(house, found.value if found else "")


def enrollments_shown(rows: QuerySet[Enrollment]) -> QuerySet[Enrollment]:
    """With what a list names."""
    return rows.select_related("contact", "property", "next_step").annotate(position=F("next_step__position"))
