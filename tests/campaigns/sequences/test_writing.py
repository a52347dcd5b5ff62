"""Writing, two pairs of eyes, and edits while people are under way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns import sequences
from campaigns.errors import IllegalMove, NameTaken, OwnSequence, SequenceInvalid, VariablesInvalid
from campaigns.models import Sequence, SequenceStep
from core.errors import CapabilityMissing
from core.models import AuditEntry
from messaging.models import Message
from tests.campaigns import factories
from tests.campaigns.sequences import drips
from tests.campaigns.sequences.drips import DAY, MONDAY, enrol, one, run, told

HOUR = timedelta(hours=1)


def test_an_edit_reaches_whoever_is_not_past_the_step_once_it_is_approved(
    organization, manager, second_manager, drip, people, number
):
    enrol(manager, drip, people[:2])
    run(organization, MONDAY)
    Message.objects.update(status="delivered")
    first, second, third = sequences.steps_of(drip)
    other = factories.template(number, name="second_try")
    keep = [drips.step(number, id=first.pk), drips.step(number, id=second.pk, template=other, delay_days=1)]

    sequences.update_sequence(
        actor=manager, sequence=drip, steps=[*keep, drips.step(number, id=third.pk, delay_days=7)], at=MONDAY
    )

    assert run(organization, MONDAY + 2 * DAY) == 0  # changed, so it waits for a second pair of eyes
    with pytest.raises(OwnSequence):
        sequences.approve_sequence(actor=manager, sequence=drip, at=MONDAY)
    sequences.approve_sequence(actor=second_manager, sequence=drip, at=MONDAY + 2 * DAY)
    assert run(organization, MONDAY + 2 * DAY) == 2
    assert told(people[0])[1].template == other
    assert [each.template.name for each in told(people[1])] == ["unit_available", "second_try"]


def test_people_past_an_edited_step_go_on_while_it_waits_for_approval(organization, manager, drip, people, number):
    enrol(manager, drip, people[:1])
    run(organization, MONDAY)
    Message.objects.update(status="delivered")
    enrol(manager, drip, people[1:2], at=MONDAY + DAY)
    first, second, third = sequences.steps_of(drip)
    steps = [
        drips.step(number, id=first.pk, delay_days=2),
        drips.step(number, id=second.pk, delay_days=3),
        drips.step(number, id=third.pk, delay_days=7),
    ]
    sequences.update_sequence(actor=manager, sequence=drip, steps=steps, at=MONDAY + DAY)

    assert run(organization, MONDAY + 4 * DAY) == 1

    assert (len(told(people[0])), len(told(people[1]))) == (2, 0)


def test_a_step_taken_out_leads_on_and_nobody_goes_back(organization, manager, second_manager, drip, people, number):
    enrol(manager, drip, people[:1])
    run(organization, MONDAY)
    Message.objects.update(status="delivered")
    first, second, third = sequences.steps_of(drip)
    steps = [
        drips.step(number, id=third.pk, delay_days=7),
        drips.step(number, id=first.pk),
        drips.step(number, delay_days=2),
    ]

    sequences.update_sequence(actor=manager, sequence=drip, steps=steps, at=MONDAY)
    sequences.approve_sequence(actor=second_manager, sequence=drip, at=MONDAY)

    # who waited for the second step waits for what stands in its place: the first one again, which he has had
    assert one(people[0]).next_step_id == first.pk
    run(organization, MONDAY)
    new = one(people[0]).next_step
    assert (new.position, new.delay_days) == (3, 2)
    assert SequenceStep.objects.get(pk=second.pk).removed_at is not None
    assert run(organization, MONDAY + 2 * DAY) == 1
    assert one(people[0]).state == "completed"


def test_somebody_else_approves_and_only_then_people_come_in(manager, second_manager, supervisor, number, people):
    made = drips.draft(manager, number)
    with pytest.raises(IllegalMove, match="enrolled once it is approved"):
        enrol(manager, made, people)
    sequences.submit_sequence(actor=manager, sequence=made, at=MONDAY)
    with pytest.raises(OwnSequence):
        sequences.approve_sequence(actor=manager, sequence=made, at=MONDAY)
    with pytest.raises(CapabilityMissing):
        sequences.approve_sequence(actor=supervisor, sequence=made, at=MONDAY)
    sequences.return_sequence(actor=second_manager, sequence=made, reason="Friendlier, please.", at=MONDAY)
    made.refresh_from_db()
    assert (made.status, made.status_reason) == ("draft", "Friendlier, please.")
    sequences.submit_sequence(actor=manager, sequence=made, at=MONDAY)
    sequences.approve_sequence(actor=second_manager, sequence=made, at=MONDAY)
    with pytest.raises(IllegalMove, match="nothing waits"):
        sequences.approve_sequence(actor=second_manager, sequence=made, at=MONDAY)

    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-3:] == [
        "campaigns.sequence_returned",
        "campaigns.sequence_submitted",
        "campaigns.sequence_approved",
    ]


@pytest.mark.parametrize(
    ("refusal", "changes"),
    [
        (NameTaken, {"name": "Sequence 1"}),
        (SequenceInvalid, {"name": "  "}),
        (SequenceInvalid, {"steps": []}),
        (SequenceInvalid, {"steps": "eleven"}),
        (SequenceInvalid, {"quiet_until": None}),
        (SequenceInvalid, {"quiet_after_talk_hours": 9000}),
        (SequenceInvalid, {"steps": {"delay_days": 366}}),
        (SequenceInvalid, {"steps": {"delay_minutes": 1440}}),
        (SequenceInvalid, {"steps": {"if_read": "perhaps"}}),
        (SequenceInvalid, {"steps": {"id": 999_999}}),
        (VariablesInvalid, {"steps": {"variables": {}}}),
    ],
)
def test_what_cannot_be_is_refused_in_words(manager, number, refusal, changes):
    drips.draft(manager, number)
    if changes.get("steps") == "eleven":
        changes = {"steps": [drips.step(number)] * 11}
    elif isinstance(changes.get("steps"), dict):
        changes = {"steps": [drips.step(number, **changes["steps"])]}

    with pytest.raises(refusal):
        drips.draft(manager, number, **{"name": "Second", **changes})

    assert Sequence.objects.count() == 1
    assert SequenceStep.objects.count() == 3
