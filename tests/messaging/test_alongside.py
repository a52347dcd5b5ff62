"""What happens beside the API: a colleague writes on the phone, shares the past, somebody rings, or is another now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crm.models import Contact, ContactPoint, DuplicateCandidate
from messaging import selectors, services
from messaging.models import Channel, Conversation, Message, WebhookEvent
from tests.crm import factories as crm
from tests.messaging import factories

NOURA = "971501234567"
SHY = "AE.123456789012345"


def write(sandbox, **message: Any) -> str:
    made = sandbox.ask("POST", f"/customers/{message.pop('who', NOURA)}/messages", message)
    return str(made["id"])


def page(client: Client, manager, conversation: Conversation) -> str:
    client.force_login(manager.user)
    return client.get(f"/o/palm/inbox/{conversation.pk}/").content.decode()


def test_what_is_written_on_the_phone_stands_in_the_thread_once(sandbox, relay, client, manager) -> None:
    write(sandbox, text="Is 12/A free?", name="Noura Example")
    relay()
    echo = sandbox.ask("POST", f"/numbers/{factories.NUMBER_ID}/echoes", {"to": NOURA, "text": "Yes, come today"})
    relay(copies=3)

    talk = Conversation.objects.get()
    answer = Message.objects.get(provider_id=echo["id"])
    assert (answer.conversation, answer.direction, answer.status) == (talk, "outbound", "sent")
    assert talk.unread_count == 0
    assert talk.last_message_at
    assert talk.last_message_at >= answer.at
    assert [each["kind"] for each in sandbox.received()] == []  # nothing was sent a second time
    shown = page(client, manager, talk)
    assert "Yes, come today" in shown
    assert "on the phone" in shown


def test_an_echo_is_edited_deleted_and_quoted_whatever_comes_first(sandbox, relay, manager) -> None:
    write(sandbox, text="Price?")
    echo = sandbox.ask("POST", f"/numbers/{factories.NUMBER_ID}/echoes", {"to": NOURA, "text": "2 millon"})["id"]
    where = f"/numbers/{factories.NUMBER_ID}/echoes"
    sandbox.ask("POST", where, {"to": NOURA, "type": "edit", "original": echo, "text": "2 million"})
    write(sandbox, text="Thank you", quote=echo)
    relay(copies=2)

    bubbles = selectors.thread(actor=manager, conversation=Conversation.objects.get()).messages
    ours = next(each for each in bubbles if each.body == "2 million")
    assert ours.is_edited
    quoted = next(each for each in bubbles if each.body == "Thank you").quoted
    assert quoted
    assert quoted.message_id == ours.id

    sandbox.ask("POST", where, {"to": NOURA, "type": "revoke", "original": echo})
    relay()
    bubbles = selectors.thread(actor=manager, conversation=Conversation.objects.get()).messages
    assert next(each for each in bubbles if each.id == ours.id).is_revoked


def test_an_echo_to_a_stranger_opens_talk_but_no_window(sandbox, relay, channel: Channel, manager) -> None:
    Channel.objects.update(owner=manager.membership)
    sandbox.ask("POST", f"/numbers/{factories.NUMBER_ID}/echoes", {"to": SHY, "text": "Good morning"})
    relay()

    talk = Conversation.objects.get()
    assert (talk.window_expires_at, talk.last_inbound_at, talk.address) == (None, None, SHY)
    assert Message.objects.get().author == manager.membership


def past(*messages: dict[str, Any], who: str = NOURA, **more: Any) -> dict[str, Any]:
    return {"threads": [{"with": who, "name": "Noura Example", "messages": list(messages)}], **more}


def test_the_past_is_kept_in_order_quietly_and_once(sandbox, relay, channel: Channel, client, manager) -> None:
    where = f"/numbers/{factories.NUMBER_ID}/history"
    write(sandbox, text="Hello again")
    relay()
    newer = [
        {"text": "Is it sold?", "hours_ago": 50, "id": "wamid.p3"},
        {"ours": True, "text": "Not yet", "hours_ago": 49, "status": "READ", "id": "wamid.p4"},
    ]
    older = [
        {"text": "STOP", "hours_ago": 2000, "id": "wamid.p1"},
        {"ours": True, "text": "Good morning", "hours_ago": 1999, "status": "DELIVERED", "id": "wamid.p2"},
    ]
    sandbox.ask("POST", where, past(*newer, phase=0, progress=40))
    sandbox.ask("POST", where, past(*older, phase=2, progress=100))
    relay(copies=2)

    talk = Conversation.objects.get()
    thread = selectors.thread(actor=manager, conversation=talk, limit=3)
    assert [each.body for each in thread.messages] == ["Is it sold?", "Not yet", "Hello again"]
    earlier = selectors.thread(actor=manager, conversation=talk, before=thread.before, limit=3)
    assert [(each.body, each.status) for each in earlier.messages] == [
        ("STOP", "received"), ("Good morning", "delivered"),
    ]  # fmt: skip
    assert talk.unread_count == 1
    from messaging.models import OptOut

    assert not OptOut.objects.exists()  # what was said half a year ago, to somebody who has answered since
    assert "from before" in page(client, manager, talk)


def test_past_talk_with_nobody_we_know_is_closed_and_its_window_is_true(sandbox, relay, channel: Channel) -> None:
    where = f"/numbers/{factories.NUMBER_ID}/history"
    sandbox.ask("POST", where, past({"text": "Are you there?", "hours_ago": 2}))
    relay()

    talk = Conversation.objects.get()
    assert (talk.status, talk.unread_count, Contact.objects.get().display_name) == ("closed", 0, "Noura Example")
    assert talk.window_expires_at
    left = talk.window_expires_at - datetime.now(UTC)
    assert timedelta(hours=21) < left < timedelta(hours=22, minutes=1)


def test_a_past_file_comes_after_its_message(receive, channel: Channel, manager) -> None:
    told = {"id": "wamid.file", "from": NOURA, "timestamp": "1700000000", "history_context": {"status": "READ"}}
    thread = {"id": NOURA, "messages": [{**told, "type": "media_placeholder"}]}
    receive(factories.value(history=[{"metadata": {"phase": 0}, "threads": [thread]}]), field="history")
    assert Message.objects.get().type == "unsupported"

    file = {**told, "type": "image", "image": {"id": "77", "mime_type": "image/jpeg", "caption": "The view"}}
    for _ in range(2):
        receive(factories.value(messages=[file]), field="history")

    message = Message.objects.get()
    assert (message.type, message.body, message.media_id) == ("image", "The view", "77")
    assert set(WebhookEvent.objects.values_list("state", "error")) == {("done", "")}


def test_a_declined_history_is_no_error(sandbox, relay) -> None:
    sandbox.ask("POST", f"/numbers/{factories.NUMBER_ID}/history", {"declined": True})
    relay()

    assert WebhookEvent.objects.get().state == "done"
    assert not Message.objects.exists()


def test_a_call_opens_the_window_and_says_how_it_went(sandbox, relay, client, manager) -> None:
    calls = f"/customers/{NOURA}/calls"
    ringing = sandbox.ask("POST", calls, {})["id"]
    relay()
    talk = Conversation.objects.get()
    assert selectors.thread(actor=manager, conversation=talk).is_window_open
    assert "Called" in page(client, manager, talk)

    sandbox.ask("POST", calls, {"id": ringing, "event": "terminate", "duration": 130})
    sandbox.ask("POST", calls, {"event": "terminate"})
    relay(copies=2)

    talk.refresh_from_db()
    assert talk.unread_count == 2
    missed = Message.objects.filter(payload__call__state="missed").get()
    assert talk.waiting_since == missed.at  # the one that was taken left nobody waiting
    shown = page(client, manager, talk)
    assert "Call, 2 minutes" in shown
    assert "Missed call" in shown


def test_a_missed_call_that_was_answered_in_writing_waits_no_more(sandbox, relay, manager) -> None:
    call = sandbox.ask("POST", f"/customers/{NOURA}/calls", {})["id"]
    relay()
    talk = Conversation.objects.get()
    services.send_text(actor=manager, conversation=talk, body="Hello", client_request_id="1", at=timezone.now())

    sandbox.ask("POST", f"/customers/{NOURA}/calls", {"id": call, "event": "terminate"})
    relay()

    talk.refresh_from_db()
    assert talk.waiting_since is None


def test_the_end_of_a_call_may_come_first_and_ours_opens_no_window(receive, channel: Channel) -> None:
    ours = {"id": "wacid.1", "to": NOURA, "from": "971500000001", "direction": "BUSINESS_INITIATED"}
    end = {**ours, "event": "terminate", "status": "COMPLETED", "duration": 30, "start_time": "1700000000"}
    receive(factories.value(calls=[end]), field="calls")
    receive(factories.value(calls=[{**ours, "event": "connect", "timestamp": "1699999990"}]), field="calls")
    states = [{"id": "wacid.1", "type": "call", "status": "RINGING", "timestamp": "1699999991"}]
    receive(factories.value(statuses=states), field="calls")

    message = Message.objects.get()
    assert (message.direction, message.payload["call"]) == ("outbound", {"state": "completed", "seconds": 30})
    assert Conversation.objects.get().window_expires_at is None


def test_a_person_with_another_user_id_stays_the_same(sandbox, relay, channel: Channel) -> None:
    write(sandbox, who=SHY, text="Hi", name="Shy Example", username="shy")
    relay()
    new = "AE.999999999999999"
    write(sandbox, who=SHY, type="system", new_user_id=new)
    relay()
    write(sandbox, who=new, text="It is me")
    relay()

    contact = Contact.objects.get()
    assert set(ContactPoint.objects.values_list("value", flat=True)) == {SHY, new}
    talk = Conversation.objects.get(contact=contact)
    assert talk.address == new
    assert talk.unread_count == 2


def test_the_older_webhook_for_user_ids_is_heeded_too(receive, channel: Channel, sandbox, relay) -> None:
    write(sandbox, who=SHY, text="Hi")
    relay()
    change = {"wa_id": "", "user_id": {"previous": SHY, "current": "AE.777777777777777"}, "timestamp": "1700000000"}
    stranger = {"user_id": {"previous": "AE.1", "current": "AE.222222222222222"}}
    receive(factories.value(contacts=[], user_id_update=[change, stranger]), field="user_id_update")

    assert Contact.objects.count() == 1
    assert ContactPoint.objects.filter(value="AE.777777777777777").exists()
    assert Conversation.objects.get().address == "AE.777777777777777"


def test_a_number_given_on_request_is_attached_and_a_twin_offered(
    sandbox, relay, channel: Channel, organization, client, manager
) -> None:
    owner = crm.contact(organization, "Shy Example")
    crm.point(owner, "+971509998877")
    write(sandbox, who=SHY, text="Hi", name="Shy Example", username="shy")
    relay()
    card = {"origin": "contact_request", "name": {"formatted_name": "Shy"}, "phones": [{"wa_id": "971509998877"}]}
    write(sandbox, who=SHY, type="contacts", contacts=[card])
    relay(copies=2)

    shy = Contact.objects.exclude(pk=owner.pk).get()
    assert shy.points.filter(kind="whatsapp", value="+971509998877").count() == 1
    talk = Conversation.objects.get()
    assert (talk.contact, talk.address) == (shy, "971509998877")
    candidate = DuplicateCandidate.objects.get()
    assert {candidate.first_contact_id, candidate.second_contact_id} == {owner.pk, shy.pk}
    assert "own number, kept with the contact" in page(client, manager, talk)


def test_who_hides_the_number_is_asked_for_it_once(sandbox, relay, channel: Channel, client, manager, majlis) -> None:
    from django.utils import timezone

    from messaging.services import delivery

    write(sandbox, who=SHY, text="Hi", name="Shy Example", username="shy")
    relay()
    talk = Conversation.objects.get()
    assert "Ask for the number" in page(client, manager, talk)

    for _ in range(2):
        client.post(f"/o/palm/inbox/{talk.pk}/number-request/", {"client_request_id": "ask-1"})
    asked = Message.objects.get(direction="outbound")
    delivery.deliver_message(actor=majlis, message_id=asked.pk, at=timezone.now())
    [sent] = sandbox.received()
    assert sent["body"]["interactive"]["action"] == {"name": "request_contact_info"}
    assert sent["body"]["recipient"] == SHY

    card = {"origin": "contact_request", "name": {"formatted_name": "Shy"}, "phones": [{"wa_id": "971509998877"}]}
    write(sandbox, who=SHY, type="contacts", contacts=[card])
    relay()
    assert "Ask for the number" not in page(client, manager, talk)


def test_a_card_of_somebody_else_is_nobodys_own_number(sandbox, relay, channel: Channel) -> None:
    card = {"name": {"formatted_name": "My lawyer"}, "phones": [{"wa_id": "971509998877"}]}
    write(sandbox, type="contacts", contacts=[card])
    relay()

    assert list(ContactPoint.objects.filter(kind="whatsapp").values_list("value", flat=True)) == [f"+{NOURA}"]


def test_who_came_by_an_advertisement_is_written_to_freely_for_three_days(
    sandbox, relay, client, manager, majlis
) -> None:
    from django.utils import timezone

    from messaging import services
    from messaging.services import delivery

    referral = {
        "source_type": "ad",
        "source_id": "1201",
        "source_url": "https://fb.me/palm",
        "headline": "Palm villas",
        "body": "From 2 million",
        "ctwa_clid": "click",
    }
    write(sandbox, text="I saw this", referral=referral)
    relay()
    talk = Conversation.objects.get()
    assert talk.free_entry_until is None
    assert "Palm villas" in page(client, manager, talk)

    answer = services.send_text(
        actor=manager, conversation=talk, body="Welcome", client_request_id="a1", at=timezone.now()
    )
    delivery.deliver_message(actor=majlis, message_id=answer.pk, at=timezone.now())
    answer.refresh_from_db()
    sandbox.ask("POST", f"/messages/{answer.provider_id}/status", {"status": "delivered"})
    relay()

    talk.refresh_from_db()
    answer.refresh_from_db()
    assert (answer.status, answer.is_billable) == ("delivered", False)
    assert talk.free_entry_until
    assert timedelta(hours=71) < talk.free_entry_until - datetime.now(UTC) <= timedelta(hours=72)
    assert "Messages cost nothing until" in page(client, manager, talk)


ORDER = {
    "catalog_id": "1",
    "text": "Both please",
    "product_items": [
        {"product_retailer_id": "brochure-12A", "quantity": 2, "item_price": 10.5, "currency": "AED"},
        {"product_retailer_id": "floor-plan", "quantity": 1, "item_price": 5, "currency": "AED"},
    ],
}
FORM = {
    "type": "nfm_reply",
    "nfm_reply": {
        "name": "flow",
        "body": "Sent",
        "response_json": '{"flow_token": "t", "budget_aed": "2m", "areas": ["Palm", "Marina"]}',
    },
}
CHOICE = {"type": "list_reply", "list_reply": {"id": "2", "title": "Two bedrooms", "description": "From 1.9m"}}
LOOKS = [
    ({"type": "order", "order": ORDER}, ["Both please", "brochure-12A", "26.00 AED"]),
    ({"type": "interactive", "interactive": FORM}, ["budget aed", "2m", "Palm, Marina"]),
    ({"type": "interactive", "interactive": CHOICE}, ["Two bedrooms", "From 1.9m"]),
    ({"type": "button", "button": {"text": "Call me", "payload": "CALL"}}, ["Call me"]),
    (
        {"type": "interactive", "interactive": {"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}}},
        ["May be called"],
    ),
    ({"type": "request_welcome"}, ["Opened the chat for the first time"]),
    (
        {"type": "unsupported", "errors": [{"code": 131052, "title": "Media download error"}]},
        ["could not take over"],
    ),
    ({"type": "video", "video": {"mime_type": "video/mp4"}, "errors": [{"code": 131052}]}, ["could not be fetched"]),
    ({"type": "system", "system": {"type": "customer_identity_changed", "body": "Security code"}}, ["Security code"]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "words"), LOOKS, ids=lambda value: str(value)[:40])
def test_every_type_has_its_look(receive, channel: Channel, client, manager, content, words) -> None:
    raw = {key: value for key, value in factories.text_message().items() if key != "text"}
    for _ in range(2):
        receive(factories.value(messages=[{**raw, **content}]))

    assert Message.objects.count() == 1
    assert set(WebhookEvent.objects.values_list("state", "error")) == {("done", "")}
    shown = page(client, manager, Conversation.objects.get())
    for word in words:
        assert word in shown


def test_an_address_in_an_advertisement_is_never_a_script(receive, channel: Channel, client, manager) -> None:
    referral = {"headline": "<b>x</b>", "source_url": "javascript:alert(1)", "source_type": "ad"}
    receive(factories.value(messages=[factories.text_message("Hi", referral=referral)]))

    shown = page(client, manager, Conversation.objects.get())
    assert "javascript:alert" not in shown
    assert "<b>x</b>" not in shown


def test_one_poisoned_echo_keeps_nothing_else_back(receive, channel: Channel) -> None:
    good = {"id": "wamid.good", "from": "971500000001", "to": NOURA, "type": "text", "text": {"body": "Yes"}}
    receive(factories.value(contacts=[], message_echoes=[{"type": "text"}, good]), field="smb_message_echoes")

    assert Message.objects.get().body == "Yes"
    event = WebhookEvent.objects.get()
    assert (event.state, "without an id" in event.error) == ("failed", True)
