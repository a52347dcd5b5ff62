"""Talk over the API, with tokens and roles."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from core.models import AuditEntry
from core.services import issue_token
from messaging.models import Channel, Conversation, Message, OptOut, WebhookEvent
from tests.crm import factories as crm
from tests.messaging import factories

API = "/api/v1/palm/"


@pytest.fixture
def talk(channel: Channel) -> Conversation:
    contact = crm.contact(channel.organization, "Noura Example")
    crm.point(contact, "+971501234567")
    return factories.conversation(channel, contact)


def of(actor) -> Client:
    _, secret = issue_token(actor=actor, name="test", at=timezone.now())
    return Client(headers={"Authorization": f"Bearer {secret}"})


def post(client: Client, path: str, body=None):
    return client.post(API + path, body or {}, content_type="application/json")


def test_a_conversation_is_read_answered_and_closed(talk: Conversation, manager) -> None:
    factories.message(talk)
    client = of(manager)

    [shown] = client.get(API + "conversations/").json()["results"]
    assert (shown["contact_name"], shown["is_window_open"]) == ("Noura Example", True)

    sent = post(client, "messages/", {"conversation": talk.pk, "body": "Yes", "client_request_id": "a"})
    again = post(client, "messages/", {"conversation": talk.pk, "body": "Yes", "client_request_id": "a"})
    assert (sent.status_code, sent.json()["status"]) == (201, "queued")
    assert again.json()["id"] == sent.json()["id"]

    assert post(client, f"conversations/{talk.pk}/reads/").json() == {"read": 1}
    assert post(client, f"conversations/{talk.pk}/closure/").json()["status"] == "closed"
    refused = post(client, "messages/", {"conversation": talk.pk, "body": "No", "client_request_id": "b"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conversation_closed")
    assert client.delete(f"{API}conversations/{talk.pk}/closure/").status_code == 204
    talk.refresh_from_db()
    assert talk.status == "open"


def test_free_text_after_the_window_is_409_and_says_when_it_closed(talk: Conversation, manager) -> None:
    closed = timezone.now() - timedelta(hours=1)
    Conversation.objects.update(window_expires_at=closed)

    answer = post(of(manager), "messages/", {"conversation": talk.pk, "body": "Hi", "client_request_id": "a"})

    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "window_closed"
    assert answer.json()["details"]["closed_at"] == closed.isoformat()
    assert "template" in answer.json()["detail"]
    assert Message.objects.count() == 0


def test_a_template_and_a_file_go_through_the_same_door(talk: Conversation, manager, settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path
    template = factories.template(talk.channel)
    client = of(manager)
    body = {"conversation": talk.pk, "client_request_id": "t", "template": template.pk}

    missing = post(client, "messages/", {**body, "parameters": {"1": "Noura"}})
    assert (missing.status_code, missing.json()["code"]) == (422, "variable_missing")
    made = post(client, "messages/", {**body, "parameters": {"1": "Noura", "2": "12"}})
    assert (made.status_code, made.json()["body"]) == (201, "Hello Noura, your unit 12 is wanted.")

    picture = SimpleUploadedFile("plan.png", b"\x89PNG\r\n\x1a\n" + b"0" * 40, "image/png")
    sent = client.post(
        API + "messages/", {"conversation": talk.pk, "client_request_id": "f", "body": "Plan", "file": picture}
    )
    assert sent.status_code == 201, sent.content
    file = client.get(f"{API}messages/{sent.json()['id']}/media/")
    assert (file.status_code, file["Content-Type"]) == (200, "image/png")
    assert file["X-Content-Type-Options"] == "nosniff"
    assert b"".join(file.streaming_content).startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_an_agent_sees_own_conversations_everywhere(talk: Conversation, agent, other_agent, supervisor, outsider):
    message = factories.message(talk, "a secret price")
    Conversation.objects.update(assigned_to=other_agent.membership)
    OptOut.objects.create(
        organization=talk.organization, contact=talk.contact, source="keyword", at=timezone.now(), scope="marketing"
    )

    for stranger in (agent, supervisor):
        client = of(stranger)
        for path in ("conversations/", "messages/", "messages/?search=secret", "conversations/?search=Noura"):
            assert client.get(API + path).json()["results"] == [], path
        assert client.get(API + "opt-outs/").json()["results"] == []
        for path in (f"conversations/{talk.pk}/", f"messages/{message.pk}/", f"messages/{message.pk}/media/"):
            assert client.get(API + path).status_code == 404, path
        refused = post(client, "messages/", {"conversation": talk.pk, "body": "x", "client_request_id": "x"})
        assert refused.status_code == 404
        assert post(client, f"conversations/{talk.pk}/closure/").status_code == 404

    Conversation.objects.update(assigned_to=agent.membership)
    for reader in (agent, supervisor):
        assert [row["id"] for row in of(reader).get(API + "conversations/").json()["results"]] == [talk.pk]
        assert of(reader).get(f"{API}messages/{message.pk}/").status_code == 200
    assert Message.objects.count() == 1


def test_a_token_of_another_house_is_not_let_in(talk: Conversation, outsider, other_organization) -> None:
    from core.tenancy import organization_scope

    with organization_scope(other_organization.pk):
        client = of(outsider)

    answer = client.get(API + "conversations/")

    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_assigning_respects_team_and_what_was_seen(talk: Conversation, manager, supervisor, agent, other_agent) -> None:
    path = f"{API}conversations/{talk.pk}/assignment/"

    def assign(actor, to, **extra):
        return of(actor).put(path, {"membership": to.membership.pk, **extra}, content_type="application/json")

    assert assign(agent, agent).status_code == 403
    assert assign(supervisor, agent).status_code == 404
    assert assign(manager, agent, seen=None).json()["assigned_to"] == agent.membership.pk
    late = assign(manager, other_agent, seen=None)
    assert (late.status_code, late.json()["code"]) == (409, "stale_version")
    assert assign(supervisor, other_agent).json()["code"] == "assignee_unable"
    assert assign(supervisor, supervisor).status_code == 200
    assert of(manager).delete(path).status_code == 204
    talk.refresh_from_db()
    assert talk.assigned_to is None
    assert AuditEntry.objects.filter(action="messaging.conversation_assigned").count() == 3


def test_talk_is_started_once(channel: Channel, manager, organization) -> None:
    contact = crm.contact(organization, "Owner Example")
    crm.point(contact, "+971509876543")
    client = of(manager)

    first = post(client, "conversations/", {"channel": channel.pk, "contact": contact.pk})
    second = post(client, "conversations/", {"channel": channel.pk, "contact": contact.pk})

    assert (first.status_code, second.json()["id"]) == (201, first.json()["id"])
    assert Conversation.objects.get().address == "971509876543"
    refused = post(client, "messages/", {"conversation": first.json()["id"], "body": "Hi", "client_request_id": "a"})
    assert refused.json()["code"] == "window_closed"
    assert "never opened" in refused.json()["detail"]


def test_search_looks_at_names_numbers_and_what_was_said(talk: Conversation, manager) -> None:
    factories.message(talk, "I saw the villa in Vardon")
    client = of(manager)

    def found(text: str) -> int:
        return len(client.get(API + "conversations/", {"search": text}).json()["results"])

    assert [found(text) for text in ("noura", "050 123 4567", "villa in vardon", "nobody", "%")] == [1, 1, 1, 0, 0]


def test_secrets_are_never_shown(channel: Channel, admin) -> None:
    client = of(admin)

    for path in ("channels/", f"channels/{channel.pk}/"):
        shown = client.get(API + path).content.decode()
        assert factories.ACCESS_TOKEN not in shown
        assert factories.APP_SECRET not in shown
        assert factories.VERIFY_TOKEN not in shown
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token FROM messaging_channel")
        assert factories.ACCESS_TOKEN not in cursor.fetchone()[0]


def test_webhook_events_are_for_who_manages_channels(receive, channel: Channel, admin, manager) -> None:
    receive(factories.value(messages=[factories.text_message()]))
    event = WebhookEvent.objects.get()

    assert of(manager).get(API + "webhook-events/").status_code == 403
    replayed = post(of(admin), f"webhook-events/{event.pk}/replays/")
    assert (replayed.status_code, replayed.json()["state"]) == (201, "stored")
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"conversation": "x", "client_request_id": "a", "body": "b"},
        {"conversation": 10**30, "client_request_id": "a", "body": "b"},
        {"conversation": 1, "client_request_id": "a\x00", "body": "b"},
        {"conversation": 1, "client_request_id": "a" * 65, "body": "b"},
    ],
)
def test_a_malformed_message_is_refused_in_words(talk: Conversation, manager, body) -> None:
    answer = post(of(manager), "messages/", body)

    assert answer.status_code in (400, 404)
    assert answer.json()["code"] in ("invalid_input", "not_found")
    assert Message.objects.count() == 0


def test_lists_cost_the_same_however_long(talk: Conversation, manager, django_assert_num_queries) -> None:
    for index in range(12):
        contact = crm.contact(talk.organization, f"Contact {index}")
        factories.message(factories.conversation(talk.channel, contact))
    client = of(manager)
    client.get(API + "conversations/")  # notes when the token was last used

    # 1 organisation, 2 scope, 1 token with its member, 1 page of conversations with channel, contact and organisation
    with django_assert_num_queries(5):
        assert len(client.get(API + "conversations/").json()["results"]) == 13
    with django_assert_num_queries(5):
        assert len(client.get(API + "messages/").json()["results"]) == 12
