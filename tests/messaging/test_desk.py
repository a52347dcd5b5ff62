"""What an office keeps at hand: replies, notes, hours and what is said when nobody is there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from core.models import AuditEntry
from core.services import issue_token
from messaging import selectors, services
from messaging.models import CannedReply, Conversation, Message, OfficeHours, OptOut
from messaging.services import delivery
from tests.crm import factories as crm
from tests.messaging import factories

API = "/api/v1/palm/"
NEVER: list[list[str]] = [[]] * 7


def of(actor):
    _, secret = issue_token(actor=actor, name="test", at=timezone.now())
    return Client(headers={"Authorization": f"Bearer {secret}"})


def post(client, path, body=None):
    return client.post(API + path, body or {}, content_type="application/json")


@pytest.fixture
def talk(channel, agent) -> Conversation:
    contact = crm.contact(channel.organization, "Noura Example")
    crm.point(contact, "+971501234567")
    return factories.conversation(channel, contact, assigned_to=agent.membership)


def test_an_agent_keeps_replies_of_his_own_and_reads_the_shared_ones(agent, other_agent, supervisor):
    mine = {"shortcut": "/Viewing", "body": "Dear {name}, when suits you? {me}", "is_shared": False}
    made = post(of(agent), "canned-replies/", mine)
    assert (made.status_code, made.json()["shortcut"]) == (201, "viewing")
    shared = {"shortcut": "hours", "body": "We are there from nine to six.", "is_shared": True}
    assert post(of(agent), "canned-replies/", shared).status_code == 403
    assert post(of(supervisor), "canned-replies/", shared).status_code == 201
    again = post(of(agent), "canned-replies/", mine)
    assert (again.status_code, again.json()["code"]) == (409, "shortcut_taken")

    def seen(actor, query=""):
        found = of(actor).get(f"{API}canned-replies/{query}").json()["results"]
        return sorted(each["shortcut"] for each in found)

    assert seen(agent) == ["hours", "viewing"]
    assert seen(other_agent) == ["hours"]
    assert seen(agent, "?search=nine") == ["hours"]
    assert of(other_agent).delete(f"{API}canned-replies/{made.json()['id']}/").status_code == 404
    changed = of(agent).put(
        f"{API}canned-replies/{made.json()['id']}/", {**mine, "body": "New"}, content_type="application/json"
    )
    assert changed.json()["body"] == "New"
    assert of(agent).delete(f"{API}canned-replies/{made.json()['id']}/").status_code == 204
    assert CannedReply.objects.count() == 1
    assert AuditEntry.objects.filter(action__startswith="messaging.canned_reply").count() == 4


def test_a_reply_says_who_it_is_to_and_from(talk, agent):
    body = "Dear {name}, this is {me}. {other}"

    assert selectors.fill_in(body, actor=agent, contact=talk.contact) == "Dear Noura, this is Omar. {other}"


def test_a_note_is_read_by_colleagues_and_leaves_the_house_by_no_way(talk, agent, majlis, manager, sandbox):
    client = of(agent)
    note = {"body": "He bargains. Do not go below 2.1", "client_request_id": "n1"}
    first, second = (post(client, f"conversations/{talk.pk}/notes/", note) for _ in range(2))
    assert (first.status_code, first.json()["type"], first.json()["id"]) == (201, "note", second.json()["id"])

    delivery.deliver_message(actor=majlis, message_id=first.json()["id"], at=timezone.now())
    delivery.sweep_messages(actor=majlis, at=timezone.now() + timedelta(hours=1))

    assert sandbox.received() == []
    shown = selectors.thread(actor=manager, conversation=talk).messages[-1]
    assert (shown.type, shown.body, shown.author_name) == ("note", "He bargains. Do not go below 2.1", "Omar")
    talk.refresh_from_db()
    assert talk.waiting_since is not None  # a note is no answer
    [copy] = [post(client, f"messages/{first.json()['id']}/copies/", {"client_request_id": "n2"})]
    assert copy.json()["code"] == "not_in_doubt"
    for change in (
        "recipient = '971501234567'",
        "status = 'queued'",
        "provider_id = 'wamid.x'",
        "direction = 'inbound'",
    ):
        statement = f"UPDATE messaging_message SET {change} WHERE type = 'note'"
        with pytest.raises(IntegrityError, match="note_stays_in_the_house"), transaction.atomic():
            connection.cursor().execute(statement)


def test_what_is_put_off_is_out_of_sight_until_then_or_until_they_write(talk, agent, receive):
    client = of(agent)
    until = timezone.now() + timedelta(days=2)

    answer = client.put(
        f"{API}conversations/{talk.pk}/snooze/", {"until": until.isoformat()}, content_type="application/json"
    )

    assert answer.status_code == 200
    assert selectors.inbox(actor=agent).rows == []
    assert len(selectors.inbox(actor=agent, needs="snoozed").rows) == 1
    assert len(selectors.inbox(actor=agent, at=until + timedelta(seconds=1)).rows) == 1
    counts = selectors.inbox_counts(actor=agent)
    assert (counts.all, counts.snoozed) == (0, 1)
    receive(factories.value(messages=[factories.text_message("Hello?")]))
    assert len(selectors.inbox(actor=agent).rows) == 1
    past = client.put(
        f"{API}conversations/{talk.pk}/snooze/", {"until": "2020-01-01T00:00Z"}, content_type="application/json"
    )
    assert past.status_code == 422


def test_waiting_begins_with_the_first_word_and_ends_with_an_answer_of_ours(talk, agent, receive, majlis):
    Conversation.objects.update(waiting_since=None)
    receive(factories.value(messages=[factories.text_message("Is it free?")]))
    talk.refresh_from_db()
    first = talk.waiting_since
    receive(factories.value(messages=[factories.text_message("Hello?", timestamp=str(int(first.timestamp()) + 60))]))
    talk.refresh_from_db()
    assert talk.waiting_since == first

    services.send_text(actor=majlis, conversation=talk, body="By itself", client_request_id="m", at=timezone.now())
    talk.refresh_from_db()
    assert talk.waiting_since == first
    services.send_text(actor=agent, conversation=talk, body="It is", client_request_id="a", at=timezone.now())
    talk.refresh_from_db()
    assert talk.waiting_since is None


def test_unanswered_counts_office_hours_of_each_number(organization, channel, talk, agent, manager):
    moment = timezone.now()
    Conversation.objects.update(waiting_since=moment - timedelta(hours=10))

    def unanswered():
        listed = len(selectors.inbox(actor=manager, needs="unanswered", at=moment).rows)
        assert selectors.inbox_counts(actor=manager, at=moment).unanswered == listed
        return listed

    factories.always_open(organization)
    assert unanswered() == 1
    [row] = selectors.inbox(actor=manager, at=moment).rows
    assert row.waiting == timedelta(hours=10)
    OfficeHours.objects.create(organization=organization, channel=channel, week=NEVER)
    assert unanswered() == 0
    [row] = selectors.inbox(actor=manager, at=moment).rows
    assert row.waiting == timedelta()


@pytest.fixture
def closed(organization, admin):
    """Nobody is ever there, and says so."""
    client = of(admin)
    hours = {
        "channel": None,
        "week": NEVER,
        "time_zone": "Europe/Paris",
        "says_away": True,
        "away_text": "We are back on Monday.",
        "away_text_arabic": "نعود يوم الاثنين",
    }
    assert post(client, "office-hours/", hours).status_code == 201
    return hours


def texts() -> list[str]:
    return list(Message.objects.filter(direction="outbound").order_by("pk").values_list("body", flat=True))


def test_who_writes_while_nobody_is_there_is_told_once(
    closed, channel, receive, manager, django_capture_on_commit_callbacks
):
    hello = factories.text_message("Hello")
    receive(factories.value(messages=[hello]))
    receive(factories.value(messages=[hello]))
    receive(factories.value(messages=[factories.text_message("Anybody?")]))
    assert texts() == ["We are back on Monday."]
    talk = Conversation.objects.get()
    assert talk.waiting_since is not None
    arabic = factories.text_message("مرحبا", wa_id="971502222222")
    receive(factories.value(messages=[arabic], contacts=[{"profile": {"name": "Huda"}, "wa_id": "971502222222"}]))
    assert texts()[1:] == ["نعود يوم الاثنين"]


def test_who_stopped_everything_or_says_stop_hears_no_away_text(closed, channel, receive, organization):
    receive(factories.value(messages=[factories.text_message("STOP")]))
    assert len(texts()) == 1
    assert "START" in texts()[0]
    talk = Conversation.objects.get()
    OptOut.objects.create(
        organization=organization, contact=talk.contact, scope="all", source="agent", at=timezone.now()
    )
    receive(factories.value(messages=[factories.text_message("And yet")]))
    assert len(texts()) == 1


def test_a_webhook_that_comes_late_or_in_office_hours_is_not_answered_by_itself(closed, channel, receive, organization):
    late = str(int((timezone.now() - timedelta(hours=2)).timestamp()))
    receive(factories.value(messages=[factories.text_message("Hello", timestamp=late)]))
    assert texts() == []
    OfficeHours.objects.update(week=[[["00:00", "24:00"]]] * 7)
    receive(factories.value(messages=[factories.text_message("Hello")]))
    assert texts() == []


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"week": [[]]}, (422, "hours_invalid")),
        ({"time_zone": "Mars/Base"}, (400, "invalid_input")),
        ({"away_text": " "}, (422, "hours_invalid")),
    ],
)
def test_hours_that_make_no_sense_are_refused(closed, admin, change, refusal):
    answer = post(of(admin), "office-hours/", {**closed, **change})

    assert (answer.status_code, answer.json()["code"]) == refusal
    assert OfficeHours.objects.get().time_zone == "Europe/Paris"


def test_agents_do_not_set_the_hours(agent, supervisor):
    for actor in (agent, supervisor):
        assert post(of(actor), "office-hours/", {"channel": None, "week": NEVER}).status_code == 403
    assert not OfficeHours.objects.exists()


def test_an_away_text_without_words_is_refused_by_the_database(organization):
    with pytest.raises(IntegrityError, match="away_has_words"), transaction.atomic():
        OfficeHours.objects.create(organization=organization, says_away=True)


def test_a_search_finds_what_was_said_and_only_to_those_who_may_read_it(
    organization, channel, talk, agent, other_agent, manager, other_organization
):
    factories.message(talk, "before " * 30 + "the Bougainvillea 100% by_the gate")
    factories.message(talk, "nothing")
    factories.message(talk, "Bougainvillea withdrawn", payload={"revoked": {"at": "x"}})

    def found(actor, words):
        return [row.found.text for row in selectors.inbox(actor=actor, search=words, status="all").rows if row.found]

    [piece] = found(manager, "bougainVILLEA")
    assert piece.startswith("…")
    assert "Bougainvillea 100%" in piece
    assert len(found(agent, "bougainvillea")) == 1
    assert found(other_agent, "bougainvillea") == []
    assert found(manager, "100% by_") != []
    assert found(manager, "100%by") == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('majlis.organization', %s, true)", [str(other_organization.pk)])
        cursor.execute("SELECT count(*) FROM majlis_search_messages('bougainvillea', NULL, NULL, 10)")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT set_config('majlis.organization', %s, true)", [str(organization.pk)])


def test_of_two_who_answer_at_once_the_second_is_told(talk, agent, manager):
    asked = factories.message(talk, "Which one is cheaper?")
    seen = {"conversation": talk.pk, "seen": asked.pk}

    first = post(of(manager), "messages/", {**seen, "body": "The left one", "client_request_id": "a"})
    second = post(of(agent), "messages/", {**seen, "body": "The right one", "client_request_id": "b"})
    own = post(of(manager), "messages/", {**seen, "body": "And greener", "client_request_id": "c"})

    assert (first.status_code, own.status_code) == (201, 201)
    assert (second.status_code, second.json()["code"]) == (409, "answered_meanwhile")
    assert "Mona has answered" in second.json()["detail"]
    anyway = {**seen, "seen": first.json()["id"] + 1, "body": "The right one", "client_request_id": "b"}
    anyway.pop("seen")
    assert post(of(agent), "messages/", anyway).status_code == 201
