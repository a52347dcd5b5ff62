"""Whoever writes, whatever it is: one message of one conversation, nothing dropped."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from core.models import Organization
from crm.models import Contact, ContactPoint
from messaging import selectors
from messaging.models import Channel, Conversation, Message, WebhookEvent
from messaging.services import processing
from tests.crm import factories as crm
from tests.messaging import factories

BSUID = "AE.123456789012345"


def test_an_unknown_sender_becomes_a_contact_with_an_open_conversation(receive, channel: Channel, manager) -> None:
    receive(factories.value(messages=[factories.text_message("Good morning")]))

    contact = Contact.objects.get()
    assert contact.display_name == "Noura Example"
    assert ContactPoint.objects.get(kind="whatsapp").value == "+971501234567"
    [row] = selectors.inbox(actor=manager).rows
    assert (row.contact_id, row.unread_count, row.status) == (contact.pk, 1, "open")
    assert row.last
    assert row.last.text == "Good morning"
    assert row.window_expires_at
    left = row.window_expires_at - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)


def test_every_entry_change_and_message_of_a_batch_is_handled(receive, channel: Channel, client, process) -> None:
    first, second = (factories.value(messages=[factories.text_message(text) for text in pair]) for pair in ("ab", "cd"))
    one = json.loads(factories.body(first, second))
    two = json.loads(factories.body(factories.value(messages=[factories.text_message("e")])))
    data = json.dumps({**one, "entry": one["entry"] + two["entry"]}).encode()

    assert factories.deliver(client, data).status_code == 200
    process()

    assert sorted(Message.objects.values_list("body", flat=True)) == ["a", "b", "c", "d", "e"]
    assert Conversation.objects.get().unread_count == 5


def test_a_redelivered_message_is_kept_once(receive, channel: Channel) -> None:
    said = factories.text_message("once")

    for _ in range(3):
        receive(factories.value(messages=[said, said]))

    assert Message.objects.count() == 1
    assert Conversation.objects.get().unread_count == 1


MESSAGES = [
    ("image", {"id": "1", "mime_type": "image/jpeg", "caption": "The view"}, "image", "The view"),
    ("video", {"id": "2", "mime_type": "video/mp4"}, "video", ""),
    ("audio", {"id": "3", "mime_type": "audio/ogg; codecs=opus", "voice": True}, "audio", ""),
    ("document", {"id": "4", "mime_type": "application/pdf", "filename": "title deed.pdf"}, "document", ""),
    ("sticker", {"id": "5", "mime_type": "image/webp"}, "sticker", ""),
    ("location", {"latitude": 25.1, "longitude": 55.2, "name": "The tower"}, "location", "The tower"),
    ("contacts", [{"name": {"formatted_name": "Salma Example"}}], "contacts", "Salma Example"),
    ("button", {"text": "Call me", "payload": "CALL"}, "interactive", "Call me"),
    (
        "interactive",
        {"type": "list_reply", "list_reply": {"id": "2", "title": "Two bedrooms"}},
        "interactive",
        "Two bedrooms",
    ),
    ("interactive", {"type": "nfm_reply", "nfm_reply": {"body": "Sent", "response_json": "{}"}}, "interactive", "Sent"),
    ("order", {"catalog_id": "1", "product_items": [{}, {}], "text": "Please"}, "interactive", "Please"),
    ("system", {"body": "Changed", "type": "customer_identity_changed"}, "system", "Changed"),
    ("ephemeral_poll", {"what": "nobody knows yet"}, "unsupported", ""),
]


@pytest.mark.parametrize(("kind", "content", "kept_as", "text"), MESSAGES)
def test_every_type_is_kept_and_can_be_shown(receive, channel, manager, kind, content, kept_as, text) -> None:
    raw = factories.text_message(type=kind)
    del raw["text"]

    receive(factories.value(messages=[{**raw, kind: content}]))

    message = Message.objects.get()
    assert (message.type, message.body) == (kept_as, text)
    assert WebhookEvent.objects.get().state == "done"
    [bubble] = selectors.thread(actor=manager, conversation=message.conversation).messages
    assert bubble.body or bubble.label or bubble.payload


def test_an_unsupported_message_says_so(receive, channel: Channel, manager) -> None:
    raw = factories.text_message(type="unsupported", errors=[{"code": 131051}], unsupported={"type": "poll_update"})
    del raw["text"]

    receive(factories.value(messages=[raw]))

    [bubble] = selectors.thread(actor=manager, conversation=Conversation.objects.get()).messages
    assert bubble.label == "A message that WhatsApp does not pass on (poll update)"


def test_a_reply_quotes_whichever_of_the_two_comes_first(receive, channel: Channel) -> None:
    original = factories.text_message("Which unit?")
    reply = factories.text_message("That one", context={"id": original["id"]})

    receive(factories.value(messages=[reply]))
    assert Message.objects.get(body="That one").quoted is None
    receive(factories.value(messages=[original]))

    assert Message.objects.get(body="That one").quoted == Message.objects.get(body="Which unit?")


def test_a_reaction_decorates_its_message_and_can_be_taken_back(receive, channel: Channel, manager) -> None:
    said = factories.text_message("Sold!")
    receive(factories.value(messages=[said]))

    def react(emoji: str) -> list[str]:
        raw = factories.text_message(type="reaction", reaction={"message_id": said["id"], "emoji": emoji})
        receive(factories.value(messages=[raw]))
        [bubble] = selectors.thread(actor=manager, conversation=Conversation.objects.get()).messages
        return [reaction.emoji for reaction in bubble.reactions]

    assert react("👍") == ["👍"]
    assert react("❤️") == ["❤️"]
    assert react("") == []
    assert Conversation.objects.get().unread_count == 1


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_an_edit_shows_the_last_words_in_any_order(receive, channel: Channel, manager, order) -> None:
    now = int(datetime.now(UTC).timestamp())
    said = factories.text_message("1,2 million", timestamp=str(now - 60))
    edits = [
        factories.text_message(
            type="edit",
            timestamp=str(now - 30 + index),
            edit={"original_message_id": said["id"], "message": {"type": "text", "text": {"body": body}}},
        )
        for index, body in enumerate(["1.2 milion", "1.2 million"])
    ]

    for index in order:
        receive(factories.value(messages=[[said, *edits][index]]))

    thread = selectors.thread(actor=manager, conversation=Conversation.objects.get())
    [shown] = [bubble for bubble in thread.messages if bubble.type == "text"]
    assert (shown.body, shown.is_edited) == ("1.2 million", True)


def test_a_deleted_message_is_a_placeholder(receive, channel: Channel, manager) -> None:
    said = factories.text_message("my card number is ...")
    receive(factories.value(messages=[said]))
    receive(
        factories.value(messages=[factories.text_message(type="revoke", revoke={"original_message_id": said["id"]})])
    )

    thread = selectors.thread(actor=manager, conversation=Conversation.objects.get())
    [shown] = [bubble for bubble in thread.messages if bubble.type == "text"]
    assert (shown.is_revoked, shown.body, shown.label) == (True, "", "This message was deleted")


def test_somebody_without_a_number_is_answered_and_later_shares_it(receive, channel: Channel) -> None:
    raw = factories.text_message("Hi", from_user_id=BSUID)
    del raw["from"]
    person = {"profile": {"name": "Shy Example", "username": "shy"}, "user_id": BSUID}
    receive(factories.value(contacts=[person], messages=[raw]))

    conversation = Conversation.objects.get()
    assert (conversation.address, conversation.contact.display_name) == (BSUID, "Shy Example")

    known = {**person, "wa_id": "971507654321"}
    receive(
        factories.value(
            contacts=[known], messages=[factories.text_message("My number", wa_id="971507654321", from_user_id=BSUID)]
        )
    )

    assert Contact.objects.count() == Conversation.objects.count() == 1
    points = ContactPoint.objects.filter(contact=conversation.contact).values_list("kind", "value")
    assert set(points) == {("bsuid", BSUID), ("whatsapp", "+971507654321")}
    conversation.refresh_from_db()
    assert (conversation.address, conversation.unread_count) == ("971507654321", 2)


def test_a_closed_conversation_opens_again(receive, channel: Channel) -> None:
    receive(factories.value(messages=[factories.text_message("one")]))
    Conversation.objects.update(status="closed")

    receive(factories.value(messages=[factories.text_message("two")]))

    conversation = Conversation.objects.get()
    assert (conversation.status, conversation.messages.count()) == ("open", 2)


def test_a_late_or_future_message_does_not_bend_the_window(receive, channel: Channel) -> None:
    now = datetime.now(UTC)
    receive(factories.value(messages=[factories.text_message("now")]))
    before = Conversation.objects.get().window_expires_at

    week_ago = str(int((now - timedelta(days=7)).timestamp()))
    receive(factories.value(messages=[factories.text_message("late", timestamp=week_ago)]))
    assert Conversation.objects.get().window_expires_at == before

    tomorrow = str(int((now + timedelta(days=1)).timestamp()))
    receive(factories.value(messages=[factories.text_message("future", timestamp=tomorrow)]))
    after = Conversation.objects.get().window_expires_at
    assert after
    assert after < now + timedelta(hours=24, minutes=1)


def test_bytes_that_a_database_cannot_keep_do_no_harm(client, channel: Channel, process) -> None:
    raw = factories.text_message("nul \x00 and half \ud83d a pair", context={"id": "x\x00"})
    data = factories.body(factories.value(messages=[raw]))

    assert factories.deliver(client, data).status_code == 200
    process()

    assert Message.objects.get().body == "nul  and half ? a pair"


def test_a_poisoned_message_is_set_aside_and_the_rest_goes_on(receive, channel: Channel, majlis) -> None:
    nobody = {"id": "wamid.nobody", "type": "text", "text": {"body": "?"}}
    value = factories.value(contacts=[], messages=[nobody, factories.text_message("fine")])

    receive(value)

    assert Message.objects.get().body == "fine"
    event = WebhookEvent.objects.get()
    assert (event.state, event.attempts) == ("failed", 1)
    assert "a message without a sender" in event.error

    later = datetime.now(UTC)
    for _ in range(20):
        later += timedelta(hours=80)
        if not processing.sweep_webhooks(actor=majlis, at=later):
            break
        processing.process_webhooks(actor=majlis, at=later)
    event.refresh_from_db()
    assert (event.state, event.attempts) == ("failed", processing.MOST_ATTEMPTS)
    assert Message.objects.count() == 1


def test_the_agent_on_the_owners_unit_gets_the_conversation(
    receive, channel, organization: Organization, agent
) -> None:
    project = crm.project(organization)
    unit = crm.unit(project)
    owner = crm.contact(organization, "Owner Example")
    crm.point(owner, "+971501234567")
    crm.ownership(unit, owner)
    crm.assignment(crm.agent(agent), project, property=unit)

    receive(factories.value(messages=[factories.text_message("Any offers?")]))

    conversation = Conversation.objects.get()
    assert (conversation.contact, conversation.assigned_to) == (owner, agent.membership)


def test_a_stranger_who_names_a_project_gets_its_only_agent(receive, channel, organization, agent, other_agent) -> None:
    marina = crm.project(organization, "Marina Heights")
    crm.assignment(crm.agent(agent), marina)

    receive(factories.value(messages=[factories.text_message("Is anything left in marina heights?")]))
    assert Conversation.objects.get().assigned_to == agent.membership

    crm.assignment(crm.agent(other_agent), marina)
    other = {"profile": {"name": "Two"}, "wa_id": "971509999999"}
    receive(
        factories.value(contacts=[other], messages=[factories.text_message("Marina Heights?", wa_id="971509999999")])
    )
    assert Conversation.objects.get(contact__display_name="Two").assigned_to is None


def test_a_person_who_changes_number_stays_the_same_person(receive, channel: Channel) -> None:
    known = {"profile": {"name": "Mover"}, "wa_id": "971501234567", "user_id": BSUID}
    receive(factories.value(contacts=[known], messages=[factories.text_message("before", from_user_id=BSUID)]))
    notice = factories.text_message(
        type="system",
        system={"body": "User changed", "wa_id": "971502222222", "type": "user_changed_number"},
    )
    value = factories.value(messages=[notice])
    del value["contacts"]

    receive(value)

    contact = Contact.objects.get()
    values = contact.points.values_list("value", flat=True)
    assert set(values) == {BSUID, "+971501234567", "+971502222222"}
    assert Conversation.objects.get().address == "971502222222"
