"""Who gets which step and when, with a clock that is moved."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import sequences
from campaigns.errors import IllegalMove
from campaigns.models import EnrollmentStep
from crm.models import Contact, ContactPoint
from messaging.models import Channel, Message, MessageTemplate
from tests.campaigns import factories
from tests.campaigns.sequences import drips
from tests.campaigns.sequences.drips import DAY, MONDAY, became, enrol, one, run, told, wrote

HOUR = timedelta(hours=1)


def test_three_steps_go_out_on_their_days(organization, manager, drip, people):
    assert enrol(manager, drip, people) == {}

    assert run(organization, MONDAY) == 3
    assert run(organization, MONDAY) == 0
    became(people[0], "accepted")
    became(people[1], "read")
    became(people[2], "delivered")
    assert run(organization, MONDAY + 3 * DAY - HOUR) == 0
    assert run(organization, MONDAY + 3 * DAY) == 3
    Message.objects.update(status="delivered")
    assert run(organization, MONDAY + 10 * DAY) == 3

    assert [one(pk).state for pk in people] == ["completed"] * 3
    assert [len(told(pk)) for pk in people] == [3] * 3
    assert told(people[0])[0].body.startswith("Dear Owner0, is your unit 0 available?")
    assert EnrollmentStep.objects.filter(outcome="sent").count() == 9
    assert run(organization, MONDAY + 400 * DAY) == 0


def test_a_step_due_at_two_in_the_night_waits_for_the_end_of_quiet_hours(organization, manager, drip, people):
    night = MONDAY.replace(hour=22)  # two in the night in Dubai
    enrol(manager, drip, people[:1], at=night)

    assert run(organization, night) == 0
    waiting = one(people[0])
    assert waiting.due_at == night.replace(hour=5) + DAY  # nine in the morning
    assert waiting.note == "Quiet hours, or a day off."
    assert run(organization, waiting.due_at - timedelta(minutes=1)) == 0
    assert run(organization, waiting.due_at) == 1
    assert one(people[0]).note == ""


def test_quiet_hours_are_those_of_the_persons_own_number(organization, manager, drip, people):
    ContactPoint.objects.filter(contact=people[0]).update(value="+442079460000", country="GB")
    enrol(manager, drip, people[:2])

    assert run(organization, MONDAY) == 1  # ten in Dubai, seven in London

    assert (len(told(people[0])), len(told(people[1]))) == (0, 1)
    assert one(people[0]).due_at == MONDAY + 2 * HOUR


def test_working_days_only(organization, manager, second_manager, number, people):
    organization.public_holidays = [(MONDAY + 7 * DAY).date()]
    organization.save()
    made = drips.active(manager, second_manager, number, [5], working_days_only=True)
    enrol(manager, made, people[:1])

    assert run(organization, MONDAY + 5 * DAY) == 0

    # Saturday and Sunday are off, Monday is a holiday; at nine on Tuesday quiet hours are over
    assert one(people[0]).due_at == MONDAY + 8 * DAY - HOUR


@pytest.mark.parametrize(
    ("status", "replied", "conditions", "state", "sent"),
    [
        ("read", False, {"if_read": "stop"}, "stopped", 1),
        ("read", False, {"if_delivered": "stop"}, "completed", 2),
        ("played", False, {"if_read": "skip"}, "completed", 1),
        ("delivered", False, {"if_delivered": "skip"}, "completed", 1),
        ("accepted", False, {"if_unseen": "stop"}, "stopped", 1),
        ("failed", False, {}, "stopped", 1),
        ("failed", False, {"if_failed": "continue"}, "completed", 2),
        ("read", True, {"if_replied": "skip", "if_read": "stop"}, "completed", 1),
        ("unknown", False, {"if_unseen": "skip"}, "completed", 1),
    ],
)
def test_a_step_asks_what_became_of_the_one_before(
    organization, manager, second_manager, number, people, status, replied, conditions, state, sent
):
    steps = [drips.step(number), drips.step(number, delay_days=1, **conditions)]
    made = drips.active(manager, second_manager, number, steps=steps, stop_on_reply=False)
    enrol(manager, made, people[:1])
    run(organization, MONDAY)
    became(people[0], status)
    if replied:
        wrote(people[0], at=MONDAY + HOUR)

    run(organization, MONDAY + DAY)

    assert one(people[0]).state == state
    assert len(told(people[0])) == sent


def test_a_message_that_has_not_left_holds_the_next_one_back(organization, manager, second_manager, number, people):
    made = drips.active(manager, second_manager, number, [0, 0])
    enrol(manager, made, people[:1])

    assert run(organization, MONDAY) == 1

    assert one(people[0]).note == "The message before has not left yet."
    became(people[0], "accepted")
    assert run(organization, MONDAY + HOUR) == 1


def test_a_pause_shifts_nothing(organization, manager, drip, people):
    enrol(manager, drip, people)
    due = [one(pk).due_at for pk in people]
    sequences.pause_sequence(actor=manager, sequence=drip, reason="Eid", at=MONDAY)

    assert run(organization, MONDAY + DAY) == 0
    assert [one(pk).due_at for pk in people] == due
    sequences.resume_sequence(actor=manager, sequence=drip, at=MONDAY + DAY)
    assert run(organization, MONDAY + DAY) == 3


def test_one_person_is_paused_goes_on_and_is_taken_out(organization, manager, drip, people):
    enrol(manager, drip, people[:1])
    sequences.pause_enrollment(actor=manager, enrollment=one(people[0]), at=MONDAY)
    assert run(organization, MONDAY) == 0
    sequences.resume_enrollment(actor=manager, enrollment=one(people[0]), at=MONDAY)
    assert run(organization, MONDAY) == 1
    sequences.stop_enrollment(actor=manager, enrollment=one(people[0]), note="Sold privately", at=MONDAY)
    with pytest.raises(IllegalMove):
        sequences.stop_enrollment(actor=manager, enrollment=one(people[0]), at=MONDAY)

    assert (one(people[0]).stop_reason, one(people[0]).note) == ("by_hand", "Sold privately")


def test_a_text_that_lacks_a_value_pauses_the_person_and_says_which(organization, manager, drip, people):
    enrol(manager, drip, people)
    Contact.objects.filter(pk=people[0]).update(first_name="")

    assert run(organization, MONDAY) == 2

    assert (one(people[0]).state, one(people[0]).note) == ("paused", "No value for 1 in step 1.")


def test_a_template_that_whatsapp_paused_waits(organization, manager, drip, people):
    enrol(manager, drip, people)
    MessageTemplate.objects.update(status="PAUSED")
    assert run(organization, MONDAY) == 0
    MessageTemplate.objects.update(status="APPROVED")
    assert run(organization, MONDAY) == 3


def test_a_number_that_cannot_send_waits(organization, manager, drip, people, number):
    enrol(manager, drip, people)
    Channel.objects.update(session_status="error")
    assert run(organization, MONDAY) == 0
    assert [one(pk).state for pk in people] == ["active"] * 3


def test_a_time_of_day_is_the_persons_own(organization, manager, second_manager, number, people):
    ContactPoint.objects.filter(contact=people[0]).update(value="+442079460000", country="GB")
    steps = [drips.step(number, delay_days=1, at_time=time(11, 30))]
    made = drips.active(manager, second_manager, number, steps=steps)

    enrol(manager, made, people[:2])

    assert one(people[0]).due_at == MONDAY.replace(hour=10, minute=30) + DAY
    assert one(people[1]).due_at == MONDAY.replace(hour=7, minute=30) + DAY


def test_what_a_batch_asks_does_not_grow_with_its_people(organization, manager, drip, project):
    people = factories.owners(project, 40, start=100)
    enrol(manager, drip, people)
    night = MONDAY.replace(hour=22)

    with CaptureQueriesContext(connection) as few:
        sequences.run_due(organization=organization, at=night, at_once=4)
    with CaptureQueriesContext(connection) as many:
        sequences.run_due(organization=organization, at=night, at_once=36)

    assert len(many) == len(few) <= 24
