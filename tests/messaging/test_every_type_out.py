"""Everything that can be said besides text, over the API, down to what the provider received."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from core.models import AuditEntry
from core.services import issue_token
from messaging import services
from messaging.models import Conversation, Message
from messaging.services import delivery, receipts
from tests.crm import factories as crm
from tests.messaging import factories

API = "/api/v1/palm/"
LIST = {
    "type": "list",
    "body": {"text": "When would you like to see it?"},
    "action": {
        "button": "Times",
        "sections": [
            {"title": "Today", "rows": [{"id": "t17", "title": "17:00"}, {"id": "t18", "title": "18:00"}]},
            {"title": "Tomorrow", "rows": [{"id": "m10", "title": "10:00", "description": "before the heat"}]},
        ],
    },
}
BUTTONS = {
    "type": "button",
    "header": {"type": "text", "text": "Cluster 14, villa 3"},
    "body": {"text": "Still for sale?"},
    "footer": {"text": "Palm Brokers"},
    "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}, {"reply": {"title": "Not now"}}]},
}
ADDRESS = {
    "type": "cta_url",
    "body": {"text": "The plan"},
    "action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://palm.example/plan"}},
}
FLOW = {
    "type": "flow",
    "body": {"text": "Book a viewing"},
    "action": {"parameters": {"flow_id": "77", "flow_cta": "Book", "flow_action": "navigate", "mode": "draft"}},
}
CARD = {"name": {"formatted_name": "Omar Haddad"}, "phones": [{"phone": "+971 50 765 4321", "type": "WORK"}]}


@pytest.fixture
def talk(channel) -> Conversation:
    contact = crm.contact(channel.organization, "Noura Example")
    crm.point(contact, "+971501234567")
    return factories.conversation(channel, contact)


@pytest.fixture
def api(manager):
    _, secret = issue_token(actor=manager, name="test", at=timezone.now())
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    return lambda path, body=None: client.post(API + path, body or {}, content_type="application/json")


@pytest.fixture
def say(api, talk):
    """POST one message; the answer."""
    return lambda request_id="one", **what: api(
        "messages/", {"conversation": talk.pk, "client_request_id": request_id, **what}
    )


def deliver(majlis) -> None:
    for message in Message.objects.filter(status="queued").order_by("pk"):
        delivery.deliver_message(actor=majlis, message_id=message.pk, at=timezone.now())


def said(sandbox):
    """The bodies that the provider took, without what every one has."""
    every = ("messaging_product", "recipient_type", "to", "biz_opaque_callback_data")
    return [{name: value for name, value in each["body"].items() if name not in every} for each in sandbox.received()]


@pytest.mark.parametrize(
    ("what", "kind", "received"),
    [
        (
            {"location": {"latitude": "25.1124", "longitude": 55.139, "name": "Villa 3", "evil": "<b>"}},
            "location",
            {"latitude": 25.1124, "longitude": 55.139, "name": "Villa 3"},
        ),
        (
            {"contacts": [CARD]},
            "contacts",
            [
                {
                    "name": {"formatted_name": "Omar Haddad", "first_name": "Omar"},
                    "phones": [{"phone": "+971507654321", "type": "WORK", "wa_id": "971507654321"}],
                }
            ],
        ),
        (
            {"interactive": BUTTONS},
            "interactive",
            {
                **BUTTONS,
                "action": {
                    "buttons": [
                        {"type": "reply", "reply": {"id": "yes", "title": "Yes"}},
                        {"type": "reply", "reply": {"id": "Not now", "title": "Not now"}},
                    ]
                },
            },
        ),
        ({"interactive": LIST}, "interactive", LIST),
        ({"interactive": ADDRESS}, "interactive", ADDRESS),
        (
            {"interactive": FLOW},
            "interactive",
            {
                **FLOW,
                "action": {"name": "flow", "parameters": {"flow_message_version": "3", **FLOW["action"]["parameters"]}},
            },
        ),
    ],
    ids=["place", "card", "buttons", "list", "address", "flow"],
)
def test_it_reaches_the_person_once_however_often_it_is_posted(say, talk, majlis, sandbox, what, kind, received):
    first, second = say(**what), say(**what)
    assert (first.status_code, first.json()["type"], second.json()["id"]) == (201, kind, first.json()["id"])

    deliver(majlis)

    assert said(sandbox) == [{"type": kind, kind: received}]
    other = say(**{**what, "location": {"latitude": 0, "longitude": 0}} if "location" in what else {"body": "Else"})
    assert (other.status_code, other.json()["code"]) == (409, "request_id_reused")


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"location": {"latitude": 95, "longitude": 55}}, "location.latitude"),
        ({"location": {"longitude": 55}}, "location.latitude"),
        ({"contacts": [{"phones": []}]}, "contacts.0.name"),
        ({"contacts": [{**CARD, "phones": [{"phone": "12"}]}]}, "contacts.0.phones"),
        ({"interactive": {"type": "pigeon"}}, "interactive.type"),
        ({"interactive": {"type": ["list"]}}, "interactive.type"),
        ({"interactive": {**BUTTONS, "action": {"buttons": []}}}, "interactive.action.buttons"),
        (
            {"interactive": {**BUTTONS, "action": {"buttons": [{"reply": {"title": "x" * 21}}]}}},
            "interactive.action.buttons.0.reply.title",
        ),
        (
            {"interactive": {**BUTTONS, "action": {"buttons": [{"reply": {"title": "Yes"}}] * 2}}},
            "interactive.action.buttons",
        ),
        ({"interactive": {**LIST, "action": {"button": "Times", "sections": []}}}, "interactive.action.sections"),
        (
            {"interactive": {**ADDRESS, "action": {"parameters": {"display_text": "Open", "url": "http://a.example"}}}},
            "interactive.action.parameters.url",
        ),
        ({"interactive": {**FLOW, "action": {"parameters": {}}}}, "interactive.action.parameters.flow_id"),
    ],
)
def test_what_whatsapp_would_refuse_is_refused_here_and_says_where(say, what, field):
    answer = say(**what)

    assert (answer.status_code, answer.json()["code"]) == (422, "shape_invalid")
    assert answer.json()["details"]["field"] == field
    assert not Message.objects.exists()
    assert not AuditEntry.objects.filter(action="messaging.message_queued").exists()


def test_one_message_is_one_thing(say):
    answer = say(location={"latitude": 1, "longitude": 1}, contacts=[CARD])

    assert answer.status_code == 400
    assert not Message.objects.exists()


def test_a_reply_with_a_place_quotes_what_it_answers(say, talk, majlis, sandbox):
    asked = factories.message(talk, "Where is it?", provider_id="wamid.where")

    say(location={"latitude": 25.1, "longitude": 55.1}, quoted=asked.pk)
    deliver(majlis)

    assert said(sandbox)[0]["context"] == {"message_id": "wamid.where"}


def test_a_reaction_is_set_changed_and_taken_back(say, talk, manager, majlis, sandbox):
    from messaging import selectors

    asked = factories.message(talk, "I take it", provider_id="wamid.take")

    def shown():
        return [each.emoji for each in selectors.thread(actor=manager, conversation=talk).messages[0].reactions]

    for number, emoji in enumerate(["👍", "❤️", ""]):
        assert say(f"r{number}", reaction={"message": asked.pk, "emoji": emoji}).status_code == 201
        assert shown() == ([emoji] if emoji else [])
    deliver(majlis)

    assert [each["reaction"] for each in said(sandbox)] == [
        {"message_id": "wamid.take", "emoji": emoji} for emoji in ["👍", "❤️", ""]
    ]
    assert say("r9", reaction={"message": asked.pk, "emoji": "ok"}).json()["code"] == "text_invalid"
    ours = factories.accepted(talk, status="queued", provider_id="")
    assert say("r10", reaction={"message": ours.pk, "emoji": "👍"}).json()["code"] == "not_yet_sent"


def test_the_person_sees_that_somebody_writes(api, talk, majlis, sandbox, django_capture_on_commit_callbacks):
    sent = sandbox.ask("POST", "/customers/971501234567/messages", {"text": "Hello?"})
    asked = factories.message(talk, "Hello?", provider_id=sent["id"])

    assert api(f"conversations/{talk.pk}/typing/").status_code == 204
    receipts.send_read_receipt(actor=majlis, message_id=asked.pk, is_typing=True)

    [request] = sandbox.received("read")
    assert request["body"]["typing_indicator"] == {"type": "text"}
    assert request["body"]["message_id"] == sent["id"]


@pytest.fixture
def doubtful(talk) -> Message:
    """It was written to the network, and nothing came back."""
    return factories.accepted(talk, status="unknown", provider_id="", accepted_at=None, client_request_id="first")


def test_a_person_says_that_it_arrived(api, doubtful, manager):
    answer = api(f"messages/{doubtful.pk}/settlement/", {"has_arrived": True})

    assert (answer.status_code, answer.json()["status"]) == (201, "delivered")
    entry = AuditEntry.objects.get(action="messaging.unknown_settled")
    assert (entry.before, entry.after) == ({"status": "unknown"}, {"status": "delivered"})
    again = api(f"messages/{doubtful.pk}/settlement/", {"has_arrived": False})
    assert (again.status_code, again.json()["code"]) == (409, "not_in_doubt")


def test_a_person_says_that_it_did_not_and_it_is_sent_again_once(api, doubtful, majlis, sandbox):
    early = api(f"messages/{doubtful.pk}/copies/", {"client_request_id": "second"})
    assert (early.status_code, early.json()["code"]) == (409, "not_in_doubt")

    assert api(f"messages/{doubtful.pk}/settlement/", {"has_arrived": False}).json()["status"] == "failed"
    made = [api(f"messages/{doubtful.pk}/copies/", {"client_request_id": "second"}) for _ in range(2)]

    assert [each.status_code for each in made] == [201, 201]
    assert made[0].json()["id"] == made[1].json()["id"] != doubtful.pk
    deliver(majlis)
    assert [each["text"]["body"] for each in said(sandbox)] == ["Good morning"]


def test_a_late_webhook_knows_better_than_a_person(channel, doubtful, manager, receive):
    services.settle_unknown(actor=manager, message=doubtful, has_arrived=False, at=timezone.now())

    receive(
        factories.value(statuses=[factories.status("wamid.late", "read", biz_opaque_callback_data=f"m{doubtful.pk}.1")])
    )

    doubtful.refresh_from_db()
    assert (doubtful.status, doubtful.provider_id) == ("read", "wamid.late")


def test_nobody_settles_or_copies_for_a_colleague(doubtful, agent):
    _, secret = issue_token(actor=agent, name="test", at=timezone.now())
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    for path in ("settlement", "copies"):
        body = {"has_arrived": True, "client_request_id": "x"}
        answer = client.post(f"{API}messages/{doubtful.pk}/{path}/", body, content_type="application/json")
        assert answer.status_code == 404
    doubtful.refresh_from_db()
    assert doubtful.status == "unknown"
