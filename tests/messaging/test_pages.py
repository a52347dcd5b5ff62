"""The inbox as pages: who sees what, what a refusal says, and how many queries a list takes."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import AuditEntry
from messaging.models import Conversation, Message
from tests.crm import factories as crm
from tests.messaging import factories


def signed_in(actor):
    client = Client()
    client.force_login(actor.user)
    return client


@pytest.fixture
def channel(organization):
    return factories.channel(organization)


@pytest.fixture
def talk(organization, channel, agent):
    """Fatima has written to the agent."""
    made = factories.conversation(channel, crm.contact(organization, "Fatima"), assigned_to=agent.membership)
    factories.message(made, "Is the villa free?")
    return made


def post_text(client, conversation, **fields):
    address = reverse("messages", args=["palm", conversation.pk])
    return client.post(address, {"body": "It is", "client_request_id": "one", **fields})


def test_a_text_is_sent_once_however_often_the_form_comes(talk, agent):
    client = signed_in(agent)

    first, second = post_text(client, talk), post_text(client, talk)

    message = Message.objects.get(direction="outbound")
    assert (message.body, message.author) == ("It is", agent.membership)
    assert first.headers["Location"] == f"/o/palm/inbox/{talk.pk}/#message-{message.pk}"
    assert second.headers["Location"] == first.headers["Location"]


def test_a_closed_window_is_said_where_one_wrote_and_the_words_are_not_lost(organization, channel, agent):
    talk = factories.conversation(channel, crm.contact(organization), is_open=False, assigned_to=agent.membership)

    page = post_text(signed_in(agent), talk, body="Are you there?")

    assert page.status_code == 409
    assert "24-hour window" in page.content.decode()
    assert not Message.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_script_is_told_the_same_refusal_as_json(organization, channel, agent):
    talk = factories.conversation(channel, crm.contact(organization), is_open=False, assigned_to=agent.membership)
    address = reverse("messages", args=["palm", talk.pk])

    answer = signed_in(agent).post(
        address, {"body": "Hello?", "client_request_id": "one"}, headers={"X-Requested-With": "fetch"}
    )

    assert answer.status_code == 409
    assert answer.json()["code"] == "window_closed"


def test_a_file_goes_out_with_its_caption_and_only_its_sender_opens_it(talk, agent, other_agent, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    client = signed_in(agent)
    file = SimpleUploadedFile("plan.pdf", b"%PDF-1.7 the plan", content_type="text/html")

    assert post_text(client, talk, body="The plan", file=file).status_code == 302

    message = Message.objects.get(direction="outbound")
    assert (message.type, message.body, message.media_name) == ("document", "The plan", "plan.pdf")
    address = client.get(reverse("media", args=["palm", message.pk])).headers["Location"]
    answer = client.get(address)
    assert b"".join(answer.streaming_content) == b"%PDF-1.7 the plan"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert signed_in(other_agent).get(address).status_code == 404
    assert signed_in(other_agent).get(reverse("media", args=["palm", message.pk])).status_code == 404


def test_a_program_is_not_sent(talk, agent):
    answer = post_text(signed_in(agent), talk, file=SimpleUploadedFile("setup.pdf", b"MZ\x90\x00"))

    assert answer.status_code == 422
    assert "does not take this kind of file" in answer.content.decode()
    assert not Message.objects.filter(direction="outbound").exists()


@pytest.mark.parametrize("name", ["conversation", "messages"])
def test_a_colleagues_conversation_is_not_there(talk, other_agent, outsider, name):
    for stranger, slug in ((other_agent, "palm"), (outsider, "palm"), (outsider, "cedar")):
        assert signed_in(stranger).get(reverse(name, args=[slug, talk.pk])).status_code == 404


@pytest.mark.parametrize("name", ["messages", "reading", "closure", "reopening"])
def test_nothing_is_done_to_a_colleagues_conversation(talk, other_agent, name):
    answer = signed_in(other_agent).post(reverse(name, args=["palm", talk.pk]), {"body": "x", "client_request_id": "1"})

    assert answer.status_code == 404
    assert Message.objects.count() == 1
    assert Conversation.objects.get().status == "open"


def test_agents_do_not_assign_and_supervisors_do(talk, agent, supervisor):
    address = reverse("assignment", args=["palm", talk.pk])
    wanted = {"membership": supervisor.membership.pk, "seen": agent.membership.pk}

    assert signed_in(agent).post(address, wanted).status_code == 403
    assert signed_in(supervisor).post(address, wanted).status_code == 302

    assert Conversation.objects.get().assigned_to == supervisor.membership


def test_the_list_is_narrowed_to_a_colleague_or_a_number(talk, organization, channel, agent, manager):
    other = factories.channel(organization, phone_number_id="2", name="Sales")
    elsewhere = factories.conversation(other, crm.contact(organization, "Ziyad"))
    factories.message(elsewhere, "Good morning")

    def shown(actor, **asked):
        page = signed_in(actor).get(reverse("inbox", args=["palm"]), asked).content.decode()
        return [name for name in ("Fatima", "Ziyad") if f">{name}<" in page]

    assert shown(manager) == ["Fatima", "Ziyad"]
    assert shown(manager, who=agent.membership.pk) == ["Fatima"]
    assert shown(manager, number=other.pk) == ["Ziyad"]
    assert shown(manager, number=other.pk, who=agent.membership.pk) == []
    assert shown(manager, number="nonsense", who="9999999") == ["Fatima", "Ziyad"]
    assert 'name="who"' not in signed_in(agent).get(reverse("inbox", args=["palm"])).content.decode()


def test_who_assigns_what_somebody_else_has_just_assigned_is_told(talk, manager, agent, other_agent):
    Conversation.objects.update(assigned_to=other_agent.membership)
    wanted = {"membership": manager.membership.pk, "seen": agent.membership.pk}

    answer = signed_in(manager).post(reverse("assignment", args=["palm", talk.pk]), wanted)

    assert answer.status_code == 409
    assert Conversation.objects.get().assigned_to == other_agent.membership


def test_a_viewer_reads_and_leaves_no_trace(talk, organization):
    from core.actors import Actor
    from core.roles import Role
    from tests.conftest import member

    viewer = signed_in(Actor(organization, member(organization, Role.VIEWER, "Vera")))

    page = viewer.get(reverse("conversation", args=["palm", talk.pk]))

    assert "Is the villa free?" in page.content.decode()
    assert 'id="write"' not in page.content.decode()
    assert viewer.post(reverse("reading", args=["palm", talk.pk])).status_code == 403


def test_script_in_names_and_messages_is_text(organization, channel, agent):
    contact = crm.contact(organization, "<script>alert(1)</script>")
    talk = factories.conversation(channel, contact, assigned_to=agent.membership)
    factories.message(talk, '"><img src=x onerror=alert(1)>')

    page = signed_in(agent).get(reverse("conversation", args=["palm", talk.pk])).content.decode()

    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_lists_take_as_many_queries_for_one_conversation_as_for_many(organization, channel, talk, agent):
    client = signed_in(agent)
    addresses = [
        reverse("inbox", args=["palm"]),
        reverse("conversation", args=["palm", talk.pk]),
        reverse("today", args=["palm"]),
    ]
    client.get(addresses[0])  # what is asked once a process

    def counted():
        counts = []
        for address in addresses:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            counts.append(len(queries))
        return counts

    before = counted()
    for number in range(12):
        more = factories.conversation(
            channel, crm.contact(organization, f"Owner {number}"), assigned_to=agent.membership
        )
        factories.message(more)
        factories.message(talk, f"And {number}?")

    assert counted() == before


@pytest.mark.parametrize("box", ["all", "mine", "unread", "unanswered", "closing", "unassigned", "closed", "nonsense"])
def test_every_view_of_the_inbox_opens(talk, agent, box):
    assert signed_in(agent).get(reverse("inbox", args=["palm"]), {"box": box, "q": "villa"}).status_code == 200


def test_a_torn_page_address_is_refused_with_a_reason(talk, agent):
    answer = signed_in(agent).get(reverse("inbox", args=["palm"]), {"further": "half"})

    assert answer.status_code == 422
    assert "go back to the first page" in answer.content.decode()


def test_the_owner_of_a_unit_is_written_to_from_its_page(organization, channel, agent):
    unit = crm.unit(crm.project(organization))
    owner = crm.contact(organization, "Noura")
    crm.point(owner, "+971501112233", is_primary=True)
    crm.ownership(unit, owner, is_primary=True)
    crm.assignment(crm.agent(agent), unit.project)

    answer = signed_in(agent).post(reverse("start-conversation", args=["palm"]), {"contact": owner.pk})

    made = Conversation.objects.get()
    assert (made.contact, made.assigned_to) == (owner, agent.membership)
    assert answer.headers["Location"] == f"/o/palm/inbox/{made.pk}/"
