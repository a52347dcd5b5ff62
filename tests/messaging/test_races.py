"""Threads that all want the same thing at once: one row, one send, one winner."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from core.actors import Actor, system
from core.errors import StaleVersion
from core.roles import Role
from core.tenancy import organization_scope
from crm.models import Contact
from messaging import services
from messaging.gateway import Accepted, Outcome
from messaging.models import Conversation, Message, WebhookEvent
from messaging.services import delivery, processing
from tests.crm import factories as crm
from tests.live import house
from tests.messaging import factories

THREADS = 8


def at_once(work: Callable[[int], Any], organization_id: int) -> list[Any]:
    """What each of eight threads got, all let go at the same moment; exceptions are answers too."""
    gate = threading.Barrier(THREADS)

    def run(index: int) -> Any:
        try:
            with organization_scope(organization_id):
                gate.wait(timeout=30)
                return work(index)
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def process_at_once(organization: Any) -> None:
    """Eight workers, woken at the same moment; each takes one event at a time, so that all have some."""
    most, processing.MOST_EVENTS = processing.MOST_EVENTS, 1
    try:
        taken = at_once(
            lambda _: processing.process_webhooks(actor=system(organization), at=timezone.now()), organization.pk
        )
    finally:
        processing.MOST_EVENTS = most
    assert len(set(taken)) == THREADS
    assert all(taken)


@pytest.fixture
def palm(committed: str):
    organization, members = house()
    with organization_scope(organization.pk):
        channel = factories.channel(organization)
        contact = crm.contact(organization, "Noura Example")
        crm.point(contact, "+971501234567")
        talk = factories.conversation(channel, contact)
        yield organization, members, talk


def test_eight_presses_make_one_message_that_is_sent_once(palm, sandbox) -> None:
    organization, members, talk = palm
    manager = Actor(organization, members[Role.MANAGER])

    def press(_: int) -> Any:
        return services.send_text(
            actor=manager, conversation=talk, body="Yes", client_request_id="one", at=timezone.now()
        ).pk

    made = at_once(press, organization.pk)
    assert len(set(made)) == 1
    assert Message.objects.count() == 1

    at_once(
        lambda _: delivery.deliver_message(actor=system(organization), message_id=made[0], at=timezone.now()),
        organization.pk,
    )
    assert len(sandbox.received()) == 1
    assert Message.objects.get().status == "accepted"


def test_five_deliveries_of_an_unknown_sender_in_parallel_make_one_of_each(palm) -> None:
    organization, _, _ = palm
    Contact.objects.all()
    person = {"profile": {"name": "New Example"}, "wa_id": "971509999999"}
    said = [factories.text_message(f"hello {index}", wa_id="971509999999") for index in range(3)]
    data = factories.body(factories.value(contacts=[person], messages=said))

    def deliver(_: int) -> Any:
        return factories.deliver(Client(), data).status_code

    assert at_once(deliver, organization.pk) == [200] * THREADS
    events = list(WebhookEvent.objects.values_list("pk", flat=True))
    assert len(events) == THREADS

    process_at_once(organization)
    assert Contact.objects.filter(display_name="New Example").count() == 1
    talk = Conversation.objects.get(contact__display_name="New Example")
    assert talk.messages.count() == 3
    assert talk.unread_count == 3
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"done"}


def test_statuses_in_parallel_and_shuffled_end_the_same(palm) -> None:
    organization, _, talk = palm
    messages = [factories.accepted(talk) for _ in range(20)]
    steps = ["read", "sent", "delivered", "delivered", "played", "sent", "read", "delivered"]
    events = []
    for index, step in enumerate(steps):
        order = messages[index:] + messages[:index]
        statuses = [factories.status(message.provider_id, step, at=1_790_000_000) for message in order]
        data = factories.body(factories.value(statuses=statuses))
        events.append(
            WebhookEvent.objects.create(
                organization=organization, body=data, signature_verified=True, received_at=timezone.now()
            ).pk
        )

    process_at_once(organization)

    assert set(WebhookEvent.objects.values_list("state", "error")) == {("done", "")}
    assert set(Message.objects.values_list("status", flat=True)) == {"played"}


def test_one_event_is_processed_by_one_worker(palm) -> None:
    organization, _, _ = palm
    event = WebhookEvent.objects.create(
        organization=organization,
        body=factories.body(factories.value(messages=[factories.text_message()])),
        signature_verified=True,
        received_at=timezone.now(),
    )

    taken = at_once(
        lambda _: processing.process_webhooks(actor=system(organization), at=timezone.now()), organization.pk
    )

    assert sorted(taken) == [0] * (THREADS - 1) + [event.pk]
    event.refresh_from_db()
    assert event.attempts == 1


def test_the_same_conversation_assigned_by_eight_has_one_winner(palm) -> None:
    organization, members, talk = palm
    manager = Actor(organization, members[Role.MANAGER])
    able = [members[Role.AGENT], members[Role.SUPERVISOR]]

    def assign(index: int) -> Conversation:
        return services.assign_conversation(
            actor=manager,
            conversation=talk,
            membership=able[index % 2],
            at=timezone.now(),
            seen_assignee_id=None,
        )

    outcomes = at_once(assign, organization.pk)

    assert sum(isinstance(outcome, Conversation) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, StaleVersion) for outcome in outcomes) == THREADS - 1


def test_a_status_and_our_own_save_may_cross(palm, sandbox) -> None:
    """The webhook comes between the call and the save: it settles the message, and the save never lowers it."""
    organization, members, talk = palm
    message = services.send_text(
        actor=Actor(organization, members[Role.MANAGER]),
        conversation=talk,
        body="Yes",
        client_request_id="one",
        at=timezone.now(),
    )
    actor = system(organization)
    send, saved = delivery._send, {}

    def slow(message: Message) -> Outcome:
        row, outcome = message, send(message)
        assert isinstance(outcome, Accepted)
        status = factories.status(
            outcome.provider_id, "delivered", biz_opaque_callback_data=f"m{row.pk}.{row.attempts}"
        )
        WebhookEvent.objects.create(
            organization=organization,
            body=factories.body(factories.value(statuses=[status])),
            signature_verified=True,
            received_at=timezone.now(),
        )
        processing.process_webhooks(actor=actor, at=timezone.now())
        saved["status"] = Message.objects.get(pk=row.pk).status
        return outcome

    delivery._send = slow
    try:
        delivery.deliver_message(actor=actor, message_id=message.pk, at=timezone.now())
    finally:
        delivery._send = send

    assert saved == {"status": "delivered"}
    message.refresh_from_db()
    assert message.status == "delivered"
    assert message.provider_id


def test_an_edit_that_meets_somebody_the_other_way_round_is_taken_all_the_same(palm) -> None:
    """We hold the message and want the talk; the worker holds the talk and wants the message: it is given up, and
    begins anew once we are done. The soak fell over it."""
    organization, _, talk = palm
    said = factories.message(talk, "1,2 million", provider_id="wamid.said")
    edit = {"original_message_id": "wamid.said", "message": {"type": "text", "text": {"body": "1.2 million"}}}
    told = factories.body(factories.value(messages=[factories.text_message(type="edit", edit=edit)]))
    event = WebhookEvent.objects.create(
        organization=organization, body=told, signature_verified=True, received_at=timezone.now()
    )

    def process() -> None:
        with organization_scope(organization.pk):
            processing.process_webhooks(actor=system(organization), at=timezone.now())
        connections.close_all()

    worker = threading.Thread(target=process)
    with transaction.atomic():
        Message.objects.select_for_update().get(pk=said.pk)
        worker.start()
        while not _somebody_waits():
            time.sleep(0.02)
        Conversation.objects.select_for_update().get(pk=talk.pk)
    worker.join(30)

    event.refresh_from_db()
    said.refresh_from_db()
    assert (event.state, event.error, said.payload["edited"]["body"]) == ("done", "", "1.2 million")


def _somebody_waits() -> bool:
    """Whoever waits for a row holds its place in the queue. Other tests wait in databases of their own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE l.locktype = 'tuple' AND d.datname = current_database())"
        )
        return bool(cursor.fetchone()[0])
