"""The inbox and a thread: what they show, and at what price."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import Invalid, NotFound
from core.models import Organization
from core.tenancy import organization_scope
from messaging import selectors, services
from messaging.models import Channel, Conversation, Message, MessageRead
from tests.crm import factories as crm
from tests.messaging import factories


@pytest.fixture
def talks(channel: Channel) -> list[Conversation]:
    """Twelve conversations, the last one the newest, each with a question, an answer that quotes it, a reaction."""
    made = []
    start = timezone.now() - timedelta(hours=2)
    for index in range(12):
        contact = crm.contact(channel.organization, f"Contact {index:02}")
        moment = start + timedelta(minutes=index)
        talk = factories.conversation(channel, contact, last_message_at=moment, unread_count=index % 2)
        asked = factories.message(talk, f"Question {index}", at=moment)
        factories.accepted(talk, quoted=asked, at=moment)
        factories.message(talk, "👍", type="reaction", quoted=asked, at=moment)
        made.append(talk)
    return made


def test_the_inbox_is_three_queries_however_long(talks, manager, django_assert_num_queries) -> None:
    # 1 for office hours, 1 page of conversations with contact, channel and assignee, 1 for their last messages
    with django_assert_num_queries(3):
        found = selectors.inbox(actor=manager)

    assert [row.contact_name for row in found.rows][:2] == ["Contact 11", "Contact 10"]
    assert found.rows[0].last is not None
    assert found.next == ""


def test_pages_of_the_inbox_follow_each_other(talks, manager) -> None:
    seen, before = [], ""
    for _ in range(5):
        page = selectors.inbox(actor=manager, before=before, limit=5)
        seen += [row.contact_name for row in page.rows]
        before = page.next
        if not before:
            break

    assert seen == [f"Contact {index:02}" for index in reversed(range(12))]
    with pytest.raises(Invalid):
        selectors.inbox(actor=manager, before="x-y")


def test_the_filters_of_the_inbox(talks, manager, agent) -> None:
    def names(**filters) -> list[str]:
        return [row.contact_name for row in selectors.inbox(actor=manager, **filters).rows]

    Conversation.objects.filter(pk=talks[3].pk).update(assigned_to=agent.membership)
    Conversation.objects.filter(pk=talks[4].pk).update(status="closed")

    assert len(names(unread=True)) == 6
    assert names(assigned=agent.membership.pk) == ["Contact 03"]
    assert names(assigned="me") == []
    assert len(names(assigned="none")) == 10
    assert names(status="closed") == ["Contact 04"]
    assert len(names(status="all")) == 12
    assert names(search="question 7") == ["Contact 07"]
    assert [row.contact_name for row in selectors.inbox(actor=agent).rows] == ["Contact 03"]
    with pytest.raises(Invalid):
        names(assigned="nobody")


def test_hidden_digits_cannot_be_felt_for(talks, manager, agent) -> None:
    talk = talks[3]
    Conversation.objects.filter(pk=talk.pk).update(assigned_to=agent.membership)
    crm.point(talk.contact, "+971501122334")

    def found(actor, text: str) -> bool:
        return bool(selectors.inbox(actor=actor, search=text).rows)

    assert found(agent, "050 112 2334")
    assert found(agent, "112 2334")
    assert not found(agent, "9715011")
    assert not found(agent, "5011223")
    assert found(manager, "5011223")


def test_counts_equal_the_lists_behind_them(talks, manager, django_assert_num_queries) -> None:
    # 1 for office hours, 1 that counts
    with django_assert_num_queries(2):
        counts = selectors.inbox_counts(actor=manager)

    assert counts.all == len(selectors.inbox(actor=manager).rows) == 12
    assert counts.unread == len(selectors.inbox(actor=manager, unread=True).rows)
    assert counts.unassigned == len(selectors.inbox(actor=manager, assigned="none").rows)


def test_a_thread_is_three_queries_with_quotes_and_reactions(talks, manager, django_assert_num_queries) -> None:
    talk = talks[0]
    for index in range(60):
        factories.message(talk, f"line {index}", quoted=Message.objects.filter(conversation=talk).first())

    # 1 page of messages with author, quoted and template, 1 for reactions, 1 for who of ours has read
    with django_assert_num_queries(3):
        page = selectors.thread(actor=manager, conversation=talk, limit=50)
    assert len(page.messages) == 50
    assert page.messages[-1].body == "line 59"
    quoted = page.messages[-1].quoted
    assert quoted
    assert quoted.text == "Question 0"

    earlier = selectors.thread(actor=manager, conversation=talk, before=page.before, limit=50)
    assert earlier.before is None
    assert [reaction.emoji for reaction in earlier.messages[0].reactions] == ["👍"]
    assert len(earlier.messages) == 12


def test_reading_clears_the_counter_and_is_kept_once(talks, manager, sandbox, django_assert_max_num_queries) -> None:
    talk = talks[1]
    with django_assert_max_num_queries(20):
        assert services.mark_read(actor=manager, conversation=talk, at=timezone.now()) == 2
    assert services.mark_read(actor=manager, conversation=talk, at=timezone.now()) == 0

    talk.refresh_from_db()
    assert talk.unread_count == 0
    assert MessageRead.objects.count() == 2
    factories.message(talk, "one more")
    assert services.recount_unread(actor=manager, conversation=talk) == 1


def test_blue_ticks_reach_the_person(sandbox, channel, majlis, organization) -> None:
    from messaging.services import receipts

    sent = sandbox.ask("POST", "/customers/971501234567/messages", {"text": "Hi"})
    talk = factories.conversation(channel, crm.contact(organization))
    message = factories.message(talk, "Hi", provider_id=sent["id"])

    assert receipts.send_read_receipt(actor=majlis, message_id=message.pk) is True

    [request] = sandbox.received("read")
    assert request["body"] == {"messaging_product": "whatsapp", "status": "read", "message_id": sent["id"]}


def test_one_conversation_is_found_only_by_who_may_see_it(talks, manager, agent, supervisor, other_agent) -> None:
    talk = talks[0]
    Conversation.objects.filter(pk=talk.pk).update(assigned_to=agent.membership)

    for reader in (manager, agent, supervisor):
        assert selectors.conversation(actor=reader, conversation_id=talk.pk) == talk
    with pytest.raises(NotFound):
        selectors.conversation(actor=other_agent, conversation_id=talk.pk)


def test_without_a_scope_or_in_another_there_is_no_talk(talks, other_organization: Organization) -> None:
    tables = ["channel", "conversation", "message", "webhookevent", "optout", "messagetemplate", "participant"]

    def rows() -> int:
        with connection.cursor() as cursor:
            counts = []
            for table in tables:
                cursor.execute(f"SELECT count(*) FROM messaging_{table}")
                counts.append(cursor.fetchone()[0])
            return sum(counts)

    assert rows() > 0
    with organization_scope(None):
        assert rows() == 0
    with organization_scope(other_organization.pk):
        assert rows() == 0
