"""What happens elsewhere and ends a sequence for somebody: they answer, say stop, sell; an agent leaves; two are one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext_noop

from campaigns.models import (
    Enrollment,
    EnrollmentState,
    EnrollmentStep,
    Sequence,
    SequenceStatus,
    StepOutcome,
    StopReason,
)
from campaigns.models.sequences import LIVE_STATES
from campaigns.sequences.enrolling import end
from campaigns.sequences.locking import steps_of
from campaigns.sequences.people import owned_pairs
from core.actors import Actor, system
from core.errors import DomainError
from core.models import Organization
from crm.models import Contact, Merge
from crm.services.merging import put
from messaging import services as messaging
from messaging.models import Conversation
from messaging.models.conversations import MessageStatus

# A reply belongs to the step that was sent last within this time.
REPLY_WINDOW = timedelta(hours=72)
# Their clock and ours need not agree to the second.
SLIP = timedelta(minutes=1)


@transaction.atomic
def heed_reply(*, organization_id: int, contact_id: int, conversation_id: int, at: datetime) -> int:
    """Somebody wrote to us: what they would get from here on is cancelled, and whose talk it is is told. How many."""
    house = Organization.objects.get(pk=organization_id)
    last = (
        EnrollmentStep.objects.for_organization(house)
        .filter(contact=contact_id, outcome=StepOutcome.SENT, at__gt=at - REPLY_WINDOW, at__lte=at + SLIP)
        .values("sequence")
        .annotate(last=Max("pk"))
        .values_list("last", flat=True)
    )
    EnrollmentStep.objects.filter(pk__in=list(last), replied_at__isnull=True).update(replied_at=at)
    actor, count = system(house), 0
    for row in _live(house).filter(contact=contact_id, sequence__stop_on_reply=True):
        end(row, StopReason.REPLIED, at)
        _tell(actor, row, conversation_id, at)
        count += 1
    _take_back(actor, gettext_noop("They answered first."), at, contact=contact_id, sequence__stop_on_reply=True)
    return count


@transaction.atomic
def heed_opt_out(*, organization_id: int, contact_id: int, at: datetime) -> None:
    """Somebody said stop: of offers or of everything, no sequence goes on. What is queued is refused as it is sent."""
    house = Organization.objects.get(pk=organization_id)
    for row in _live(house).filter(contact=contact_id):
        end(row, StopReason.OPTED_OUT, at)


@transaction.atomic
def heed_sale(*, organization_id: int, property_id: int, at: datetime) -> None:
    """A unit was sold: nobody is asked about it any more."""
    house = Organization.objects.get(pk=organization_id)
    for row in _live(house).filter(property=property_id, sequence__stop_on_sale=True):
        end(row, StopReason.SOLD, at)
        _take_back(system(house), gettext_noop("The unit was sold."), at, enrollment=row.pk)


@transaction.atomic
def heed_ownership(*, organization_id: int, property_id: int, at: datetime) -> None:
    """A unit has other owners: who owned it is not asked about it any more."""
    house = Organization.objects.get(pk=organization_id)
    rows = list(_live(house).filter(property=property_id, sequence__stop_on_sale=True))
    if not rows:
        return
    now = Contact.objects.survivors_of(row.contact_id for row in rows)  # a merge may be under way
    owned = owned_pairs(house, [(contact, property_id) for contact in now.values()])
    for row in rows:
        if (now[row.contact_id], property_id) not in owned:
            end(row, StopReason.NOT_OWNER, at)
            _take_back(system(house), gettext_noop("The unit is theirs no more."), at, enrollment=row.pk)


def count_sequences(*, organization_id: int, membership_id: int) -> int:
    """The sequences that a leaving member would hand over."""
    return int(_of_member(organization_id, membership_id).count())


@transaction.atomic
def hand_over(*, organization_id: int, before: int, after: int, at: datetime) -> None:
    """An agent left: his sequences, and the people whom he enrolled, are the successor's. They go on meanwhile."""
    his = _of_member(organization_id, before)
    his.filter(status=SequenceStatus.DRAFT).update(edited_by=after)
    his.update(created_by=after, updated_at=at)
    rows = Enrollment.objects.filter(organization=organization_id, enrolled_by=before, state__in=LIVE_STATES)
    rows.update(enrolled_by=after, updated_at=at)


def follow_contacts(*, merge: Merge) -> None:
    """Two people are one: where both are under way in a sequence, the survivor's goes on and the other ends."""
    house = merge.organization
    ours = Enrollment.objects.for_organization(house).filter(contact=merge.survivor_id, state__in=LIVE_STATES)
    theirs = Enrollment.objects.for_organization(house).filter(contact=merge.merged_id)
    ended: dict[str, Any] = {"state": EnrollmentState.STOPPED, "stop_reason": StopReason.MERGED, "due_at": None}
    double = theirs.filter(state__in=LIVE_STATES, sequence__in=list(ours.values_list("sequence", flat=True)))
    put(merge=merge, rows=double, noun=gettext_noop("sequences that would run twice"), **ended, ended_at=merge.at)
    put(merge=merge, rows=theirs, noun=gettext_noop("people in sequences"), contact_id=merge.survivor_id)
    done = EnrollmentStep.objects.for_organization(house)
    had = done.filter(contact=merge.survivor_id, outcome=StepOutcome.SENT)
    both = done.filter(
        contact=merge.merged_id, outcome=StepOutcome.SENT, step__in=list(had.values_list("step", flat=True))
    )
    rows = done.filter(contact=merge.merged_id).exclude(pk__in=list(both.values_list("pk", flat=True)))
    put(merge=merge, rows=rows, noun=gettext_noop("steps of sequences"), contact_id=merge.survivor_id)


def follow_properties(*, merge: Merge) -> None:
    rows = Enrollment.objects.for_organization(merge.organization).filter(property=merge.merged_id)
    put(merge=merge, rows=rows, noun=gettext_noop("people in sequences"), property_id=merge.survivor_id)


def _live(house: Organization) -> QuerySet[Enrollment]:
    """Held, in one order everywhere: a batch that has one of them finishes first."""
    rows = Enrollment.objects.for_organization(house).filter(state__in=LIVE_STATES)
    held: QuerySet[Enrollment] = rows.select_for_update(of=("self",)).select_related("sequence").order_by("pk")
    return held


def _of_member(organization_id: int, membership_id: int) -> QuerySet[Sequence]:
    rows = Sequence.objects.live().filter(organization=organization_id, created_by=membership_id)
    his: QuerySet[Sequence] = rows.exclude(status=SequenceStatus.ARCHIVED)
    return his


def _take_back(actor: Actor, reason: str, at: datetime, **whose: Any) -> None:
    """What is queued for them and has not left; of a last step too, after which the sequence is over."""
    queued = EnrollmentStep.objects.for_organization(actor.organization).filter(
        message__status=MessageStatus.QUEUED, **whose
    )
    ids = list(queued.values_list("message", flat=True))
    if ids:
        messaging.withdraw_messages(actor=actor, message_ids=ids, reason=reason, at=at)


def _tell(actor: Actor, row: Enrollment, conversation_id: int, at: datetime) -> None:
    """The talk waits for an answer already, since they wrote. It says what was cancelled, and somebody has it: the
    agent of the person, else who enrolled them."""
    talk = Conversation.objects.select_related("contact__assigned_to").get(pk=conversation_id)
    for membership in (talk.contact.assigned_to, row.enrolled_by):
        if talk.assigned_to_id is None and membership is not None:
            try:
                talk = messaging.assign_conversation(actor=actor, conversation=talk, membership=membership, at=at)
            except DomainError:
                continue  # suspended, or may not reply: the talk waits for whoever looks first
    steps = steps_of(row.sequence)
    sent = set(EnrollmentStep.objects.filter(enrollment=row.pk).values_list("step", flat=True))
    left = [str(step.position) for step in steps if step.pk not in sent]
    said = f"{row.contact.display_name} answered, so the sequence “{row.sequence.name}” has ended for them"
    more = f": {'step' if len(left) == 1 else 'steps'} {', '.join(left)} will not be sent." if left else "."
    messaging.write_note(
        actor=actor,
        conversation=talk,
        body=f"{said}{more} Please answer them.",
        client_request_id=f"sequence-ended:{row.pk}",
        at=at,
    )
