"""Who is put into a sequence, who is refused and why, and taking somebody out again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from campaigns.errors import IllegalMove
from campaigns.models import (
    Enrollment,
    EnrollmentState,
    EnrollmentStep,
    SequenceStatus,
    SequenceStep,
    StepOutcome,
    StopReason,
)
from campaigns.models import Sequence as Drip
from campaigns.models.sequences import LIVE_STATES
from campaigns.sequences.locking import locked, steps_of
from campaigns.sequences.people import facts_of, owned_pairs, units_of, zone_for
from campaigns.sequences.timing import due_at
from campaigns.variables import values_of
from core import audit
from core.actors import Actor
from core.errors import Invalid, NotFound
from core.roles import Capability
from crm.models import Contact, Property
from crm.models.stock import PropertyStatus
from messaging.models import Conversation
from messaging.refusals import addresses_of, outbound_refusals

AT_A_TIME = 1_000
MOST_AT_ONCE = 50_000

# Why somebody is not enrolled, besides the reasons of messaging/refusals.py.
UNKNOWN = "unknown"
ALREADY = "already"
NO_REENTRY = "no_reentry"
NOTHING_LEFT = "nothing_left"
TALKING = "talking"
VARIABLE = "variable"
SOLD = "sold"
NOT_OWNER = "not_owner"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """How many came in; the others by contact id, each with a reason."""

    count: int = 0
    refused: Mapping[int, str] = field(default_factory=dict)


@transaction.atomic
def enrol(
    *,
    actor: Actor,
    sequence: Drip,
    contact_ids: Sequence[int],
    units: Mapping[int, int] | None = None,
    at: datetime,
) -> Enrolled:
    """Put these people in, from the first step that they have not had. One who cannot be is refused by a reason.

    `units`: contact id -> the unit it is about; without one their own is taken. About a dozen queries for each 1,000
    people. Raises IllegalMove when the sequence is not active or paused.
    """
    actor.require(Capability.CAMPAIGNS_WRITE)
    wanted = list(dict.fromkeys(contact_ids))
    if len(wanted) > MOST_AT_ONCE:
        raise Invalid(f"Enrol at most {MOST_AT_ONCE:,} people at once.", field="contacts", count=len(wanted))
    sequence = locked(actor=actor, sequence=sequence)
    if sequence.status not in (SequenceStatus.ACTIVE, SequenceStatus.PAUSED):
        said = SequenceStatus(sequence.status).label.lower()
        raise IllegalMove(f"The sequence is {said}; people are enrolled once it is approved.", status=sequence.status)
    steps, refused, count = steps_of(sequence), dict[int, str](), 0
    for start in range(0, len(wanted), AT_A_TIME):
        some = wanted[start : start + AT_A_TIME]
        rows = list(_examined(actor, sequence, steps, some, dict(units or {}), at, refused))
        Enrollment.objects.bulk_create(rows)
        count += len(rows)
    after = {"enrolled": count, "refused": len(refused)}
    audit.record(actor=actor, action="campaigns.people_enrolled", target=sequence, after=after, at=at)
    return Enrolled(count, refused)


def _examined(
    actor: Actor,
    sequence: Drip,
    steps: list[SequenceStep],
    contact_ids: Sequence[int],
    units: dict[int, int],
    at: datetime,
    refused: dict[int, str],
) -> Iterator[Enrollment]:
    house = actor.organization
    seen = set(Contact.objects.visible_to(actor).filter(pk__in=contact_ids).values_list("pk", flat=True))
    units = units_of(house, [pk for pk in contact_ids if pk not in units]) | units
    wanted = [(pk, units.get(pk)) for pk in contact_ids if pk in seen]
    pairs = [(pk, unit) for pk, unit in wanted if unit]
    owned = owned_pairs(house, pairs)
    sold = set(
        Property.objects.for_organization(house)
        .filter(pk__in={unit for _, unit in pairs}, status=PropertyStatus.SOLD)
        .values_list("pk", flat=True)
    )
    earlier = _earlier(sequence, contact_ids)
    had = _had(sequence, contact_ids)
    talking = _talking(sequence, contact_ids, at)
    barred: dict[int, str] = {}
    for category in {step.template.category for step in steps}:
        channel = sequence.channel
        found = outbound_refusals(organization=house, channel=channel, contact_ids=contact_ids, category=category)
        barred |= {pk: reason for pk, reason in found.items() if reason != "channel_unable"}
    facts = facts_of(organization=house, people=wanted, author_id=sequence.created_by_id)
    addresses = addresses_of(organization=house, contact_ids=contact_ids)
    for pk in contact_ids:
        unit = units.get(pk)
        left = [step for step in steps if step.pk not in had[pk]]
        if pk not in seen:
            refused[pk] = UNKNOWN
        elif pk in earlier and (EnrollmentState.ACTIVE in earlier[pk] or EnrollmentState.PAUSED in earlier[pk]):
            refused[pk] = ALREADY
        elif pk in earlier and not sequence.may_reenter:
            refused[pk] = NO_REENTRY
        elif not left:
            refused[pk] = NOTHING_LEFT
        elif pk in barred:
            refused[pk] = barred[pk]
        elif sequence.stop_on_sale and unit and unit in sold:
            refused[pk] = SOLD
        elif sequence.stop_on_sale and unit and (pk, unit) not in owned:
            refused[pk] = NOT_OWNER
        elif pk in talking:
            refused[pk] = TALKING
        elif any(values_of(step.variables, facts[pk, unit])[1] for step in left):
            refused[pk] = VARIABLE
        else:
            address = addresses[pk].value if pk in addresses else ""
            yield Enrollment(
                organization=house,
                sequence=sequence,
                contact_id=pk,
                property_id=unit,
                enrolled_by=actor.membership or sequence.created_by,
                enrolled_at=at,
                next_step=left[0],
                counted_from=at,
                due_at=due_at(left[0], at, zone_for(house, address)),
            )


def _earlier(sequence: Drip, contact_ids: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    rows = Enrollment.objects.filter(organization=sequence.organization_id, sequence=sequence)
    for pk, state in rows.filter(contact__in=contact_ids).values_list("contact", "state"):
        found[pk].add(state)
    return found


def _had(sequence: Drip, contact_ids: Sequence[int]) -> dict[int, set[int]]:
    """The steps that each of them has got in this sequence, whenever it was."""
    found: dict[int, set[int]] = defaultdict(set)
    rows = EnrollmentStep.objects.filter(
        organization=sequence.organization_id, sequence=sequence, contact__in=contact_ids, outcome=StepOutcome.SENT
    )
    for pk, step in rows.values_list("contact", "step"):
        found[pk].add(step)
    return found


def _talking(sequence: Drip, contact_ids: Sequence[int], at: datetime) -> set[int]:
    """Who wrote to us lately, through whichever number: a person talks with them."""
    if not sequence.quiet_after_talk_hours:
        return set()
    since = at - timedelta(hours=sequence.quiet_after_talk_hours)
    rows = Conversation.objects.live().filter(organization=sequence.organization_id, contact__in=contact_ids)
    return set(rows.filter(last_inbound_at__gt=since).values_list("contact", flat=True))


@transaction.atomic
def stop_enrollment(*, actor: Actor, enrollment: Enrollment, note: str = "", at: datetime) -> Enrollment:
    """Take somebody out: nothing more goes to them from this sequence. Raises IllegalMove when it is over already."""
    actor.require(Capability.CAMPAIGNS_WRITE)
    enrollment = _locked(actor, enrollment)
    _require_live(enrollment)
    end(enrollment, StopReason.BY_HAND, at, note)
    audit.record(actor=actor, action="campaigns.enrollment_stopped", target=enrollment, after={"note": note}, at=at)
    return enrollment


@transaction.atomic
def pause_enrollment(*, actor: Actor, enrollment: Enrollment, note: str = "", at: datetime) -> Enrollment:
    """Let one person wait. Their times are not shifted."""
    actor.require(Capability.CAMPAIGNS_WRITE)
    enrollment = _locked(actor, enrollment)
    if enrollment.state != EnrollmentState.ACTIVE:
        raise IllegalMove("Only somebody who is under way can be paused.", status=enrollment.state)
    enrollment.state, enrollment.note = EnrollmentState.PAUSED, note[:300]
    enrollment.save(update_fields=["state", "note", "updated_at"])
    audit.record(actor=actor, action="campaigns.enrollment_paused", target=enrollment, after={"note": note}, at=at)
    return enrollment


@transaction.atomic
def resume_enrollment(*, actor: Actor, enrollment: Enrollment, at: datetime) -> Enrollment:
    """Go on with somebody who was paused."""
    actor.require(Capability.CAMPAIGNS_WRITE)
    enrollment = _locked(actor, enrollment)
    if enrollment.state != EnrollmentState.PAUSED:
        raise IllegalMove("Only somebody who is paused can go on.", status=enrollment.state)
    enrollment.state, enrollment.note = EnrollmentState.ACTIVE, ""
    enrollment.save(update_fields=["state", "note", "updated_at"])
    audit.record(actor=actor, action="campaigns.enrollment_resumed", target=enrollment, at=at)
    return enrollment


def end(enrollment: Enrollment, reason: StopReason, at: datetime, note: str = "") -> None:
    """Stop a locked enrolment; `next_step` stays, to say where."""
    enrollment.state, enrollment.stop_reason, enrollment.note = EnrollmentState.STOPPED, reason, note[:300]
    enrollment.due_at, enrollment.ended_at = None, at
    enrollment.save(update_fields=["state", "stop_reason", "note", "due_at", "ended_at", "updated_at"])


def _locked(actor: Actor, enrollment: Enrollment) -> Enrollment:
    rows = Enrollment.objects.visible_to(actor).select_for_update(of=("self",)).select_related("sequence")
    found: Enrollment | None = rows.filter(pk=enrollment.pk).first()
    if found is None:
        raise NotFound("There is no such person in a sequence here.")
    return found


def _require_live(enrollment: Enrollment) -> None:
    if enrollment.state not in LIVE_STATES:
        said = EnrollmentState(enrollment.state).label.lower()
        raise IllegalMove(f"It is {said} already.", status=enrollment.state)
