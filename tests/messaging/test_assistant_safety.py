"""Who is heard and who is not, once and no more, and who is told of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from core.actors import Actor, system
from core.errors import CapabilityMissing, NotFound
from core.roles import Role
from core.tenancy import organization_scope
from crm.models import OwnerDisclosure, Property
from messaging.errors import AssistantThere, CopyTemplateUnfit
from messaging.models import (
    AssistantCopy,
    AssistantLine,
    AssistantTurn,
    Channel,
    Conversation,
    MemberNumber,
    Message,
    OfficeHours,
)
from messaging.services import assistant as services
from messaging.services import processing
from tests.crm import factories as crm
from tests.databases import url_of
from tests.live import house
from tests.messaging import assistant, factories
from tests.messaging.assistant import PHONE, Phone
from tests.messaging.test_races import at_once

NOURA = "+971501234567"
STRANGER = "971508880002"


@pytest.fixture
def villa(organization) -> Property:
    made = crm.unit(crm.project(organization, "Zinnia Park"), p_number="12345")
    noura = crm.contact(organization, "Noura Example")
    crm.point(noura, NOURA)
    crm.ownership(made, noura)
    return made


@pytest.fixture
def line(channel: Channel) -> AssistantLine:
    return assistant.line(channel)


def phone_of(sandbox: Any, channel: Channel, wa_id: str = PHONE) -> Phone:
    return Phone(channel, sandbox.received, wa_id)


def test_strangers_get_nothing_and_are_kept_as_anybody_else(sandbox, channel, line, villa, manager) -> None:
    stranger = phone_of(sandbox, channel, STRANGER)

    for text in ("P-12345", "!ping", "help", "I want to register as agent", "LINK 12345678", "Vardon", "1"):
        assert stranger.write(text) == []

    assert (AssistantTurn.objects.count(), OwnerDisclosure.objects.count()) == (0, 0)
    assert Conversation.objects.get().unread_count == 7


def test_a_number_in_a_profile_is_no_proof(sandbox, channel, line, villa, manager) -> None:
    crm.agent(manager, whatsapp_number=f"+{PHONE}")

    assert phone_of(sandbox, channel).write("P-12345") == []


def test_without_an_assistant_on_the_number_nobody_is_answered(sandbox, channel, villa, manager) -> None:
    assistant.connected(manager)

    assert phone_of(sandbox, channel).write("P-12345") == []


def test_a_phone_is_connected_by_the_code_that_only_its_owner_can_read(sandbox, channel, line, villa, manager) -> None:
    void = services.ask_code(actor=manager, at=timezone.now())
    code = services.ask_code(actor=manager, at=timezone.now())
    phone = phone_of(sandbox, channel)

    assert phone.write(f"LINK {void}") == []
    [answer] = phone.write(f"link {code[:4]} {code[4:]}\n")
    assert answer.startswith("Connected, Mona.")
    assert NOURA in phone.write("P-12345")[0]
    assert phone_of(sandbox, channel, STRANGER).write(f"LINK {code}") == []
    assert MemberNumber.objects.verified().get().number == f"+{PHONE}"
    assert Conversation.objects.exclude(assigned_to=None).get().assigned_to == manager.membership


def test_a_code_dies_after_a_quarter_of_an_hour(sandbox, channel, line, manager) -> None:
    code = services.ask_code(actor=manager, at=timezone.now() - timedelta(minutes=16))

    assert phone_of(sandbox, channel).write(f"LINK {code}") == []


def test_a_phone_of_another_member_is_not_taken_over(sandbox, channel, line, manager, other_agent) -> None:
    assistant.connected(other_agent)
    code = services.ask_code(actor=manager, at=timezone.now())

    answers = phone_of(sandbox, channel).write(f"LINK {code}")

    assert MemberNumber.objects.verified().get().membership == other_agent.membership
    assert not any("Connected" in answer for answer in answers)


def test_a_suspended_member_is_a_stranger(sandbox, channel, line, villa, manager) -> None:
    assistant.connected(manager)
    phone = phone_of(sandbox, channel)
    assert NOURA in phone.write("P-12345")[0]

    manager.membership.suspended_at = timezone.now()
    manager.membership.save()

    assert phone.write("P-12345") == []
    assert OwnerDisclosure.objects.count() == 1


def test_who_is_suspended_between_asking_and_the_answer_gets_none(
    sandbox, channel, line, villa, manager, process
) -> None:
    assistant.connected(manager)
    phone = phone_of(sandbox, channel)
    phone.post(factories.text_message("P-12345", wa_id=PHONE))
    process()

    manager.membership.suspended_at = timezone.now()
    manager.membership.save()

    assert phone.read() == []
    assert (AssistantTurn.objects.get().outcome, OwnerDisclosure.objects.count()) == ("not_allowed", 0)


def test_a_number_that_got_another_owner_is_not_heard(sandbox, channel, line, villa, manager) -> None:
    """WhatsApp gives the new owner of a number another user id."""
    assistant.connected(manager, user_id="AE.111111111111111")
    phone = phone_of(sandbox, channel)

    assert NOURA in phone.write("P-12345", from_user_id="AE.111111111111111")[0]
    assert phone.write("P-12345", from_user_id="AE.222222222222222") == []


def test_a_redelivered_webhook_is_answered_once(sandbox, channel, line, villa, manager) -> None:
    assistant.connected(manager)
    phone = phone_of(sandbox, channel)
    question = factories.text_message("P-12345", wa_id=PHONE)

    phone.post(question)
    assert len(phone.read()) == 1
    for _ in range(3):
        phone.post(question)

    assert phone.read() == []
    assert (AssistantTurn.objects.count(), OwnerDisclosure.objects.count()) == (1, 1)


def test_what_was_asked_long_ago_is_not_carried_out(sandbox, channel, line, villa, manager) -> None:
    assistant.connected(manager)
    early = str(int((timezone.now() - timedelta(hours=2)).timestamp()))

    assert phone_of(sandbox, channel).write("P-12345", timestamp=early) == ["I was away for a while. Please ask again."]
    assert OwnerDisclosure.objects.count() == 0


def test_a_blocked_number_discloses_nothing_and_answers_when_it_is_back(
    sandbox, channel, line, villa, manager, majlis, process
) -> None:
    assistant.connected(manager)
    phone = phone_of(sandbox, channel)
    phone.post(factories.text_message("P-12345", wa_id=PHONE))
    process()
    Channel.objects.update(blocked_at=timezone.now())
    turn = AssistantTurn.objects.get()

    with pytest.raises(Exception, match="cannot send now"):
        services.answer_turn(actor=majlis, turn_id=turn.pk, at=timezone.now())
    assert OwnerDisclosure.objects.count() == 0

    Channel.objects.update(blocked_at=None)
    assert services.sweep_turns(actor=majlis, at=timezone.now() + timedelta(seconds=30)) == 1
    assert NOURA in phone.read()[0]


def test_a_member_hears_no_away_text_and_waits_for_nobody(sandbox, channel, line, villa, manager) -> None:
    OfficeHours.objects.create(
        organization=channel.organization, week=[[] for _ in range(7)], says_away=True, away_text="We are closed."
    )
    assistant.connected(manager)

    [answer] = phone_of(sandbox, channel).write("P-12345")

    assert NOURA in answer
    assert (Conversation.objects.get().waiting_since, Conversation.objects.get().unread_count) == (None, 0)


def test_what_could_not_be_answered_for_hours_is_given_up(line, manager, majlis, channel) -> None:
    talk = factories.conversation(channel, crm.contact(channel.organization))
    turn = AssistantTurn.objects.create(
        organization=channel.organization, message=factories.message(talk), membership=manager.membership, line=line,
        at=timezone.now(),
    )  # fmt: skip

    assert services.sweep_turns(actor=majlis, at=timezone.now() + timedelta(hours=7)) == 0

    turn.refresh_from_db()
    assert turn.outcome == "failed"


# Copies


def test_those_who_watch_are_told_with_the_number_masked(
    sandbox, channel, villa, manager, second_manager, agent
) -> None:
    assistant.line(channel, [manager, second_manager, agent])
    crm.assignment(crm.agent(agent), villa.project)
    assistant.connected(agent)
    assistant.connected(manager, "971509990002")
    boss = phone_of(sandbox, channel, "971509990002")
    boss.write("ping")

    phone_of(sandbox, channel).write("P-12345")

    assert boss.read() == ["Omar asked: “P-12345” — 12345 · Zinnia Park: Noura Example +97150•••67"]
    copies = AssistantCopy.objects.order_by("pk").values_list("membership", "reason")
    assert list(copies) == [
        (manager.membership.pk, ""),
        (second_manager.membership.pk, "This member has connected no phone."),
    ]


def test_who_has_not_written_for_a_day_is_told_by_template_or_it_is_said_why_not(
    sandbox, channel, villa, manager, agent
) -> None:
    line = assistant.line(channel, [manager])
    crm.assignment(crm.agent(agent), villa.project)
    assistant.connected(agent)
    assistant.connected(manager, "971509990002")
    phone = phone_of(sandbox, channel)

    phone.write("P-12345")
    copy = AssistantCopy.objects.get()
    assert (copy.message, copy.reason.startswith("The 24-hour window never opened")) == (None, True)

    line.copy_template = factories.template(
        channel, name="assistant_copy", category="UTILITY",
        components=[{"type": "BODY", "text": "Assistant: {{1}}", "example": {"body_text": [["x"]]}}],
    )  # fmt: skip
    line.save()
    phone.write("P-12345")
    told = AssistantCopy.objects.order_by("-pk")[0].message
    assert (told.type, told.body) == (
        "template", "Assistant: Omar asked: “P-12345” — 12345 · Zinnia Park: Noura Example +97150•••67",
    )  # fmt: skip


# Who may set it up


def test_only_who_manages_numbers_opens_a_line(channel, admin, manager, agent) -> None:
    with pytest.raises(CapabilityMissing):
        services.open_line(actor=manager, channel=channel, at=timezone.now())
    line = services.open_line(actor=admin, channel=channel, at=timezone.now())
    with pytest.raises(AssistantThere):
        services.open_line(actor=admin, channel=channel, at=timezone.now())
    with pytest.raises(CopyTemplateUnfit):
        services.watch_line(
            actor=admin, line=line, members=[], copy_template=factories.template(channel), at=timezone.now()
        )

    services.watch_line(actor=admin, line=line, members=[manager.membership], at=timezone.now())
    services.watch_line(actor=admin, line=line, members=[agent.membership], at=timezone.now())
    assert [each.membership for each in line.watchers.all()] == [agent.membership]

    services.close_line(actor=admin, line=line, at=timezone.now())
    assert not AssistantLine.objects.live().exists()


def test_ones_own_phone_is_forgotten_by_oneself_and_by_managers(manager, agent, other_agent) -> None:
    first, second = assistant.connected(agent), assistant.connected(agent, "971509990003")

    with pytest.raises((NotFound, CapabilityMissing)):
        services.forget_number(actor=other_agent, number=first, at=timezone.now())
    services.forget_number(actor=agent, number=first, at=timezone.now())
    services.forget_number(actor=manager, number=second, at=timezone.now())

    assert not MemberNumber.objects.live().exists()


INSERT = "INSERT INTO messaging_membernumber (organization_id, membership_id, code_digest, number, user_id, {}created_at, updated_at) VALUES (%s, %s, %s, %s, '', {}now(), now())"


@pytest.mark.parametrize(
    ("digest", "number", "extra", "value", "constraint"),
    [("", "", "", "", "waits_or_is_verified"), ("", "+1", "", "", "waits_or_is_verified"),
     ("x", "+1", "verified_at, ", "now(), ", "waits_or_is_verified"),
     ("", "+971509990001", "verified_at, ", "now(), ", "number_of_one_member")],
)  # fmt: skip
def test_the_database_holds_what_a_phone_may_be(
    agent, manager, digest: str, number: str, extra: str, value: str, constraint: str
) -> None:
    assistant.connected(agent)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT.format(extra, value), [manager.organization.pk, manager.membership.pk, digest, number])


# Races and crashes


@pytest.fixture
def palm(committed: str):
    organization, members = house()
    with organization_scope(organization.pk):
        channel = factories.channel(organization)
        manager = Actor(organization, members[Role.MANAGER])
        assistant.line(channel)
        assistant.connected(manager)
        unit = crm.unit(crm.project(organization, "Zinnia Park"), p_number="12345")
        noura = crm.contact(organization, "Noura Example")
        crm.point(noura, NOURA)
        crm.ownership(unit, noura)
        yield organization


def test_eight_workers_with_eight_copies_of_the_webhook_give_one_answer(palm, sandbox) -> None:
    organization = palm
    body = factories.body(factories.value(messages=[factories.text_message("P-12345", wa_id=PHONE)]))
    for _ in range(8):
        assert factories.deliver(Client(), body).status_code == 200

    at_once(lambda _: processing.process_webhooks(actor=system(organization), at=timezone.now()), organization.pk)
    turn = AssistantTurn.objects.get()
    answered = at_once(
        lambda _: services.answer_turn(actor=system(organization), turn_id=turn.pk, at=timezone.now()), organization.pk
    )

    assert sorted(answered) == [False] * 7 + [True]
    assert (OwnerDisclosure.objects.count(), Message.objects.filter(direction="outbound").count()) == (1, 1)


KILLED = """
import os, signal, django
django.setup()
from django.utils import timezone
from core.actors import system
from core.models import Organization
from core.tenancy import organization_scope
from messaging.services.assistant import answering
organization = Organization.objects.get(slug="palm")
answering._close = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # disclosed and queued, not yet committed
with organization_scope(organization.pk):
    answering.answer_turn(actor=system(organization), turn_id={turn}, at=timezone.now())
"""


def test_a_worker_that_dies_in_the_middle_gave_nothing_and_the_next_one_answers(palm, committed: str) -> None:
    organization = palm
    body = factories.body(factories.value(messages=[factories.text_message("P-12345", wa_id=PHONE)]))
    factories.deliver(Client(), body)
    processing.process_webhooks(actor=system(organization), at=timezone.now())
    turn = AssistantTurn.objects.get()

    env = {
        **os.environ,
        "MAJLIS_ENV": "test",
        "DATABASE_URL": url_of(committed),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    dead = subprocess.run([sys.executable, "-c", KILLED.format(turn=turn.pk)], env=env, check=False)

    assert dead.returncode == -signal.SIGKILL
    assert (OwnerDisclosure.objects.count(), Message.objects.filter(direction="outbound").count()) == (0, 0)
    assert services.answer_turn(actor=system(organization), turn_id=turn.pk, at=timezone.now())
    assert (OwnerDisclosure.objects.count(), Message.objects.filter(direction="outbound").count()) == (1, 1)
