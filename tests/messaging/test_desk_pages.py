"""The desk as pages: notes, doubt, remedies, several at once, replies, hours, and who is here."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from messaging import presence, services
from messaging.models import CannedReply, Conversation, Message, OfficeHours
from tests.crm import factories as crm
from tests.messaging import factories


def signed_in(actor):
    client = Client()
    client.force_login(actor.user)
    return client


def address(name, *args):
    return reverse(name, args=["palm", *args])


@pytest.fixture
def talk(channel, agent):
    contact = crm.contact(channel.organization, "Noura Example")
    crm.point(contact, "+971501234567")
    made = factories.conversation(channel, contact, assigned_to=agent.membership)
    factories.message(made, "Is the villa free?")
    return made


def texts(client, talk):
    return client.get(address("conversation", talk.pk)).content.decode()


def test_a_note_stands_in_the_thread_and_is_written_once(talk, agent, manager):
    client = signed_in(agent)
    for _ in range(2):
        client.post(address("notes", talk.pk), {"body": "Bargains hard", "client_request_id": "n"})

    assert Message.objects.filter(type="note").count() == 1
    page = texts(signed_in(manager), talk)
    assert "Bargains hard" in page
    assert "Note, not sent" in page


@pytest.mark.parametrize(
    ("verdict", "status", "sent"), [("arrived", "delivered", 0), ("again", "failed", 1), ("lost", "failed", 0)]
)
def test_what_nobody_knows_is_settled_from_the_list(talk, agent, other_agent, verdict, status, sent):
    lost = factories.accepted(talk, status="unknown", provider_id="")
    page = signed_in(agent).get(address("doubtful")).content.decode()
    assert "Noura Example" in page
    assert "Noura Example" not in signed_in(other_agent).get(address("doubtful")).content.decode()
    form = {"verdict": verdict, "client_request_id": "once", "next": "doubtful"}
    where = address("settlement", talk.pk, lost.pk)

    assert signed_in(other_agent).post(where, form).status_code == 404
    assert signed_in(agent).post(where, form).status_code == 302
    assert signed_in(agent).post(where, form).status_code == 409

    lost.refresh_from_db()
    assert (lost.status, Message.objects.filter(client_request_id="once").count()) == (status, sent)
    assert "Nothing is in doubt" in signed_in(agent).get(address("doubtful")).content.decode()


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (131047, "Choose a template"),
        (131026, "Check the number"),
        (131053, "Send again"),
        (999, "Send again"),
        (131051, None),
        (131050, None),
    ],
)
def test_a_failure_offers_one_safe_step(talk, agent, code, remedy):
    factories.accepted(talk, status="failed", error_code=code, failed_at=timezone.now())

    page = texts(signed_in(agent), talk)

    steps = ("Choose a template", "Check the number", "Send again")
    failure = page[page.index('class="failure"') :].split("</li>")[0]
    assert [step for step in steps if re.search(rf"(</svg>){step}<", failure)] == ([remedy] if remedy else [])


def test_a_failed_message_is_sent_again_once(talk, agent):
    failed = factories.accepted(talk, status="failed", error_code=131051)
    client = signed_in(agent)

    for _ in range(2):
        client.post(address("copy", talk.pk, failed.pk), {"client_request_id": "again"})

    assert [message.body for message in Message.objects.filter(status="queued")] == ["Good morning"]


def test_several_are_closed_and_handed_over_at_once(organization, channel, agent, supervisor, talk, other_agent):
    more = factories.conversation(channel, crm.contact(organization, "Second"), assigned_to=agent.membership)
    foreign = factories.conversation(channel, crm.contact(organization, "Foreign"), assigned_to=other_agent.membership)
    chosen = [talk.pk, more.pk, foreign.pk]

    signed_in(supervisor).post(
        address("many-conversations"),
        {"conversation": chosen, "do": "assign", "membership": supervisor.membership.pk},
    )
    assert list(Conversation.objects.order_by("pk").values_list("assigned_to", flat=True)) == [
        supervisor.membership.pk,
        supervisor.membership.pk,
        other_agent.membership.pk,
    ]
    answer = signed_in(supervisor).post(
        address("many-conversations"), {"conversation": chosen, "do": "close"}, follow=True
    )
    assert "2 conversations changed" in answer.content.decode()
    foreign.refresh_from_db()
    assert foreign.status == "open"


def test_a_template_is_filled_in_with_what_we_know(organization, channel, agent):
    owner = crm.contact(organization, "Jean Moreau")
    crm.point(owner, "+971501112233")
    unit = crm.unit(crm.project(organization, "Jumeirah Bay"), cluster="Cluster 14", unit_number="7")
    crm.ownership(unit, owner, is_primary=True)
    body = {"type": "BODY", "text": "Dear {{name}}, {{unit}} is wanted. {{agent}} {{price}}"}
    factories.template(channel, components=[body], parameter_format="NAMED")
    silent = factories.conversation(channel, owner, is_open=False, assigned_to=agent.membership)

    page = texts(signed_in(agent), silent)

    given = dict(re.findall(r'name="variable:(\w+)" value="([^"]*)"', page))
    assert given == {"name": "Jean Moreau", "unit": "Cluster 14 7", "agent": "Omar", "price": ""}


def test_templates_can_be_chosen_while_the_window_is_open_too(talk, channel, agent):
    factories.template(channel)

    page = signed_in(agent).get(address("conversation", talk.pk), {"compose": "template"}).content.decode()

    assert "Send this template" in page
    assert "Back to writing" in page


def test_replies_are_kept_searched_offered_and_deleted(talk, agent, supervisor):
    client = signed_in(agent)
    page = client.post(address("canned-replies"), {"shortcut": "view", "body": "Dear {name}, when? {me}"}, follow=True)
    assert "/view" in page.content.decode()
    signed_in(supervisor).post(
        address("canned-replies"), {"shortcut": "hours", "body": "Nine to six", "is_shared": "on"}
    )
    taken = client.post(address("canned-replies"), {"shortcut": "view", "body": "Other words"})
    assert taken.status_code == 409
    assert "Other words" in taken.content.decode()

    offered = client.get(address("replies-for", talk.pk), {"q": "vie"}).json()["replies"]
    assert offered == [{"shortcut": "view", "body": "Dear Noura, when? Omar"}]
    assert "/view" not in client.get(address("canned-replies"), {"q": "nine"}).content.decode()
    shared = CannedReply.objects.get(shortcut="hours")
    assert client.post(address("canned-reply-deletion", shared.pk)).status_code == 403
    mine = CannedReply.objects.get(shortcut="view")
    assert client.post(address("canned-reply-deletion", mine.pk)).status_code == 302


def test_hours_are_written_as_people_write_them(channel, manager, agent):
    form = {"channel": channel.pk, "day0": "09:00–13:00, 16:00 - 20:00", "says_away": "on", "away_text": "Closed"}

    assert signed_in(agent).post(address("office-hours"), form).status_code == 403
    assert signed_in(manager).post(address("office-hours"), form).status_code == 302

    kept = OfficeHours.objects.get()
    assert kept.week == [[["09:00", "13:00"], ["16:00", "20:00"]], [], [], [], [], [], []]
    assert "09:00-13:00, 16:00-20:00" in signed_in(manager).get(address("office-hours")).content.decode()
    wrong = signed_in(manager).post(address("office-hours"), {**form, "day1": "nine to five"})
    assert wrong.status_code == 422


def test_what_is_new_has_a_line_above_it_and_who_has_read_is_named(talk, agent, manager):
    services.mark_read(actor=agent, conversation=talk, at=timezone.now())
    new = factories.message(talk, "Hello?")
    Conversation.objects.update(unread_count=1)

    page = texts(signed_in(agent), talk)
    assert page.index("Is the villa free?") < page.index('id="unread"') < page.index(f'id="message-{new.pk}"')

    services.mark_read(actor=agent, conversation=talk, at=timezone.now() + timedelta(seconds=1))
    assert "Read by Omar" in texts(signed_in(manager), talk)
    assert 'id="unread"' not in texts(signed_in(agent), talk)


def test_colleagues_see_who_is_here_and_who_writes(organization, talk, agent, manager):
    for actor in (agent, manager):
        services.mark_read(actor=actor, conversation=talk, at=timezone.now())
    house, member = organization.pk, manager.membership.pk
    presence.leave(organization_id=house, conversation_id=talk.pk, membership_id=member)

    signed_in(manager).post(address("presence", talk.pk), {"typing": "1"})

    assert "Mona is writing" in texts(signed_in(agent), talk)
    assert "Mona is writing" not in texts(signed_in(manager), talk)
    signed_in(manager).post(address("presence", talk.pk), {"left": "1"})
    assert "Mona is" not in texts(signed_in(agent), talk)


def test_presence_without_redis_is_nothing_and_costs_nothing(settings, talk, agent):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert signed_in(agent).post(address("presence", talk.pk), {"typing": "0"}).status_code == 204
    assert signed_in(agent).get(address("conversation", talk.pk)).status_code == 200


def test_what_was_searched_for_is_marked_and_is_only_text(talk, agent):
    factories.message(talk, "<b>Bougainvillea</b> & more")

    page = signed_in(agent).get(address("inbox"), {"q": "bougainvillea"}).content.decode()

    assert "&lt;b&gt;<mark>Bougainvillea</mark>&lt;/b&gt; &amp; more" in page


def test_put_off_with_one_press_and_brought_back(talk, agent):
    client = signed_in(agent)

    assert client.post(address("snooze", talk.pk), {"until": "tomorrow"}).status_code == 302

    talk.refresh_from_db()
    assert talk.snoozed_until > timezone.now()
    assert "Noura" not in client.get(address("inbox")).content.decode()
    assert "Noura" in client.get(address("inbox"), {"box": "snoozed"}).content.decode()
    client.post(address("snooze", talk.pk), {"until": ""})
    assert "Noura" in client.get(address("inbox")).content.decode()


def test_a_colleagues_answer_is_told_to_the_script_which_may_insist(talk, agent, manager):
    seen = Message.objects.get().pk
    services.send_text(actor=manager, conversation=talk, body="It is", client_request_id="m", at=timezone.now())
    form = {"body": "It is free", "client_request_id": "a", "seen": seen}

    answer = signed_in(agent).post(address("messages", talk.pk), form, headers={"X-Requested-With": "fetch"})

    assert (answer.status_code, answer.json()["code"], answer.json()["by"]) == (409, "answered_meanwhile", "Mona")
    assert signed_in(agent).post(address("messages", talk.pk), {**form, "seen": ""}).status_code == 302
