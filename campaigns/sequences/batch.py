"""Everything that is asked about a batch of people, asked at once: about a dozen queries, however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from campaigns.models import Enrollment, EnrollmentStep, SequenceStep, StepOutcome, StopReason
from campaigns.models import Sequence as Drip
from campaigns.quiet import Quiet
from campaigns.sequences.people import facts_of, owned_pairs, zone_for
from campaigns.sequences.timing import quiet_of
from campaigns.variables import Facts
from core.models import Organization
from crm.models.stock import PropertyStatus
from messaging.refusals import addresses_of, outbound_refusals


@dataclass(frozen=True, slots=True)
class Before:
    """The last message of this run."""

    status: str
    has_replied: bool


@dataclass(frozen=True, slots=True)
class Batch:
    ready: Mapping[int, SequenceStep]
    sequences: Mapping[int, Drip]
    steps: Mapping[int, list[SequenceStep]]  # of each sequence, in order, also those that wait for approval
    before: Mapping[int, Before]  # by enrolment
    had: defaultdict[tuple[int, int], set[int]]  # (sequence, contact) -> steps sent, ever
    refused: Mapping[tuple[int, int], str]  # (step, contact)
    owned: set[tuple[int, int]]  # (contact, unit)
    done: defaultdict[int, set[int]]  # enrolment -> steps sent or skipped in this run
    facts: Mapping[int, Mapping[tuple[int, int | None], Facts]]  # sequence -> (contact, unit)
    zones: Mapping[int, str]
    quiet: Mapping[int, Quiet]

    def step_of(self, row: Enrollment) -> SequenceStep:
        """The one that is due."""
        return self.ready[_next(row)]

    def is_past(self, row: Enrollment, step: SequenceStep) -> bool:
        """Whether the step was sent to this person, ever, or skipped in this run."""
        return step.pk in self.had[row.sequence_id, row.contact_id] or step.pk in self.done[row.pk]

    def ends(self, row: Enrollment) -> StopReason | None:
        """Why nothing may go to them any more; None when it may."""
        refused = self.refused.get((_next(row), row.contact_id))
        if row.contact.deleted_at is not None:
            return StopReason.BAD_CONTACT
        if refused is not None and refused != "channel_unable":
            return StopReason(refused)
        unit = row.property
        if unit is None or not self.sequences[row.sequence_id].stop_on_sale:
            return None
        if unit.status == PropertyStatus.SOLD:
            return StopReason.SOLD
        if unit.deleted_at is not None or (row.contact_id, unit.pk) not in self.owned:
            return StopReason.NOT_OWNER
        return None


def _next(row: Enrollment) -> int:
    """Whoever is claimed has a next step: a constraint says so, and the claim asks for it."""
    return cast("int", row.next_step_id)


def load(house: Organization, rows: Sequence[Enrollment], ready: Mapping[int, SequenceStep]) -> Batch:
    """`rows` come with their contact and unit."""
    contact_ids = sorted({row.contact_id for row in rows})
    sequences = {ready[_next(row)].sequence_id: ready[_next(row)].sequence for row in rows}
    people: dict[int, list[tuple[int, int | None]]] = defaultdict(list)
    for row in rows:
        people[row.sequence_id].append((row.contact_id, row.property_id))
    addresses = addresses_of(organization=house, contact_ids=contact_ids)
    return Batch(
        ready=ready,
        sequences=sequences,
        steps=_steps(house, sequences),
        before=_before(rows),
        done=_done(rows),
        had=_had(house, rows),
        refused=_refused(house, rows, ready),
        owned=owned_pairs(house, [(row.contact_id, row.property_id) for row in rows if row.property_id]),
        facts={
            pk: facts_of(organization=house, people=pairs, author_id=sequences[pk].created_by_id)
            for pk, pairs in people.items()
        },
        zones={pk: zone_for(house, addresses[pk].value if pk in addresses else "") for pk in contact_ids},
        quiet={pk: quiet_of(sequence, house) for pk, sequence in sequences.items()},
    )


def _steps(house: Organization, sequences: Mapping[int, Drip]) -> dict[int, list[SequenceStep]]:
    found: dict[int, list[SequenceStep]] = defaultdict(list)
    rows = SequenceStep.objects.for_organization(house).filter(sequence__in=list(sequences), removed_at__isnull=True)
    for step in rows.order_by("position"):
        found[step.sequence_id].append(step)
    return found


def _before(rows: Sequence[Enrollment]) -> dict[int, Before]:
    sent = EnrollmentStep.objects.filter(enrollment__in=[row.pk for row in rows], outcome=StepOutcome.SENT)
    found = sent.order_by("pk").values_list("enrollment", "message__status", "replied_at")
    return {pk: Before(status, replied is not None) for pk, status, replied in found}


def _done(rows: Sequence[Enrollment]) -> defaultdict[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    done = EnrollmentStep.objects.filter(enrollment__in=[row.pk for row in rows])
    for enrollment, step in done.values_list("enrollment", "step"):
        found[enrollment].add(step)
    return found


def _had(house: Organization, rows: Sequence[Enrollment]) -> defaultdict[tuple[int, int], set[int]]:
    found: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    sent = EnrollmentStep.objects.for_organization(house).filter(
        sequence__in={row.sequence_id for row in rows},
        contact__in={row.contact_id for row in rows},
        outcome=StepOutcome.SENT,
    )
    for sequence, contact, step in sent.values_list("sequence", "contact", "step"):
        found[sequence, contact].add(step)
    return found


def _refused(
    house: Organization, rows: Sequence[Enrollment], ready: Mapping[int, SequenceStep]
) -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = {}
    for step_id in {_next(row) for row in rows}:
        step = ready[step_id]
        ids = [row.contact_id for row in rows if _next(row) == step_id]
        refused = outbound_refusals(
            organization=house, channel=step.sequence.channel, contact_ids=ids, category=step.template.category
        )
        found |= {(step_id, contact): reason for contact, reason in refused.items()}
    return found
