"""What ends a sequence for somebody, and what is told."""

from __future__ import annotations

from datetime import timedelta

from campaigns.models import Enrollment, EnrollmentStep
from campaigns.sequences import following
from core import events
from crm.events import AgentArchived
from crm.models import Agent, Contact, Ownership, Property
from messaging.models import Conversation, OptOut
from tests.campaigns.sequences import drips
from tests.campaigns.sequences.drips import DAY, MONDAY, became, enrol, one, run, told, wrote

HOUR = timedelta(hours=1)


def test_an_answer_ends_it_and_whose_talk_it_is_is_told(organization, manager, agent, drip, people):
    Contact.objects.filter(pk=people[0]).update(assigned_to=agent.membership)
    enrol(manager, drip, people)
    run(organization, MONDAY)

    wrote(people[0], at=MONDAY + DAY)

    ended = one(people[0])
    assert (ended.state, ended.stop_reason, ended.due_at) == ("stopped", "replied", None)
    talk = Conversation.objects.get(contact=people[0])
    assert talk.assigned_to == agent.membership
    note = talk.messages.get(type="note")
    assert "steps 2, 3 will not be sent" in note.body
    assert "Owner 0" in note.body
    assert EnrollmentStep.objects.get(contact=people[0]).replied_at == MONDAY + DAY
    # what was queued and had not left is taken back
    assert told(people[0])[0].status == "failed"
    became(people[1], "delivered")
    became(people[2], "delivered")
    assert run(organization, MONDAY + 20 * DAY) == 2
    assert len(told(people[0])) == 1


def test_enrolled_again_nobody_gets_a_step_twice(organization, manager, drip, people):
    enrol(manager, drip, people[:1])
    run(organization, MONDAY)
    became(people[0], "delivered")
    wrote(people[0], at=MONDAY + DAY)

    assert enrol(manager, drip, people[:1], at=MONDAY + 5 * DAY) == {}

    again = one(people[0])
    assert again.next_step.position == 2
    run(organization, MONDAY + 9 * DAY)
    became(people[0], "delivered")
    run(organization, MONDAY + 20 * DAY)
    assert [each.step.position for each in EnrollmentStep.objects.order_by("pk")] == [1, 2, 3]
    assert len({each.client_request_id for each in told(people[0])}) == 3
    assert enrol(manager, drip, people[:1], at=MONDAY + 30 * DAY) == {people[0]: "nothing_left"}


def test_who_said_stop_is_let_go(organization, manager, drip, people):
    enrol(manager, drip, people[:2])
    contact = Contact.objects.get(pk=people[0])
    OptOut.objects.create(organization=organization, contact=contact, source="keyword", said="STOP", at=MONDAY)
    following.heed_opt_out(organization_id=organization.pk, contact_id=people[1], at=MONDAY)

    assert run(organization, MONDAY) == 0

    assert [one(pk).stop_reason for pk in people[:2]] == ["opted_out", "opted_out"]


def test_a_sold_unit_and_one_that_is_theirs_no_more_end_it(organization, manager, drip, people):
    enrol(manager, drip, people)
    first, second = (one(pk).property for pk in people[:2])
    Property.objects.filter(pk=first.pk).update(status="sold")
    Ownership.objects.filter(property=second).update(until=MONDAY.date())

    assert run(organization, MONDAY) == 1

    assert [one(pk).stop_reason for pk in people] == ["sold", "not_owner", ""]


def test_a_sale_and_a_change_of_owners_end_it_at_once(organization, manager, drip, people):
    enrol(manager, drip, people)
    units = [one(pk).property_id for pk in people]

    following.heed_sale(organization_id=organization.pk, property_id=units[0], at=MONDAY)
    Ownership.objects.filter(property=units[1]).update(until=MONDAY.date())
    following.heed_ownership(organization_id=organization.pk, property_id=units[1], at=MONDAY)
    following.heed_ownership(organization_id=organization.pk, property_id=units[2], at=MONDAY)

    assert [one(pk).state for pk in people] == ["stopped", "stopped", "active"]


def test_an_agent_leaves_and_the_successor_has_his_sequences(organization, manager, second_manager, number, people):
    made = drips.active(manager, second_manager, number)
    enrol(manager, made, people)
    mine, theirs = (
        Agent.objects.create(organization=organization, membership=each.membership, name=each.user.name)
        for each in (manager, second_manager)
    )

    events.publish(AgentArchived(organization.pk, mine.pk, theirs.pk))

    made.refresh_from_db()
    assert made.created_by == second_manager.membership
    assert set(Enrollment.objects.values_list("enrolled_by", flat=True)) == {second_manager.membership.pk}
    assert run(organization, MONDAY) == 3
