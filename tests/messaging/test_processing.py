"""Stored webhooks in batches: one transaction for the statuses of many, and no event holds up another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.actors import Actor
from core.models import AuditEntry
from crm.models import Contact
from messaging.models import Channel, Message, ParkedStatus, WebhookEvent
from messaging.services import processing
from tests.crm import factories as crm
from tests.messaging import factories


@pytest.fixture
def talk(channel: Channel) -> Any:
    contact = crm.contact(channel.organization, "Reader Example")
    crm.point(contact, "+971501234567")
    return factories.conversation(channel, contact)


def stored(channel: Channel, *values: dict[str, Any], body: bytes = b"", **fields: Any) -> WebhookEvent:
    given = {"body": body or factories.body(*values), "signature_verified": True, "received_at": timezone.now()}
    return WebhookEvent.objects.create(organization=channel.organization, **(given | fields))


def states() -> list[tuple[int, str, int]]:
    return list(WebhookEvent.objects.order_by("pk").values_list("pk", "state", "attempts"))


def test_statuses_of_many_events_are_written_together(channel, talk, majlis, django_assert_max_num_queries) -> None:
    messages = [factories.accepted(talk) for _ in range(30)]
    for step in ("read", "sent", "delivered", "sent"):
        for message in messages:
            stored(channel, factories.value(statuses=[factories.status(message.provider_id, step)]))

    # 1 claim, 1 read of the events, 1 of the channels; 2 savepoint, 1 lock, 1 update, 1 receipts, 1 conversations; 1 done
    with django_assert_max_num_queries(12):
        assert processing.process_webhooks(actor=majlis, at=timezone.now()) > 0

    assert set(Message.objects.values_list("status", flat=True)) == {"read"}
    assert {state for _, state, _ in states()} == {"done"}


def test_poisoned_events_are_set_aside_and_everything_else_is_done(channel, talk, majlis) -> None:
    message = factories.accepted(talk)
    good = [stored(channel, factories.value(statuses=[factories.status(message.provider_id, "read")]))]
    # A code that no column holds, and a body that somebody cut off in the database.
    huge = [{"code": 10**12, "title": "?"}]
    bad = [
        stored(channel, factories.value(statuses=[factories.status("wamid.bad", "failed", errors=huge)])),
        stored(channel, factories.value(statuses=[factories.status(message.provider_id, "failed", errors=huge)])),
        stored(channel, body=b'{"entry": [{"id"'),
    ]
    good.append(stored(channel, factories.value(messages=[factories.text_message("Hello")])))

    processing.process_webhooks(actor=majlis, at=timezone.now())

    assert set(WebhookEvent.objects.filter(state="done")) >= set(good)
    assert Message.objects.get(pk=message.pk).status == "read"
    assert Message.objects.filter(body="Hello").count() == 1
    failed = {event.pk: event.error for event in WebhookEvent.objects.filter(state="failed")}
    assert set(failed) <= {event.pk for event in bad}
    assert "out of range" in failed[bad[1].pk]
    assert "WebhookMalformed" in failed[bad[2].pk]


def test_what_a_dead_worker_held_is_taken_up_once_its_lease_has_run_out(channel, majlis) -> None:
    now = timezone.now()
    stored(
        channel,
        factories.value(messages=[factories.text_message("Hello")]),
        state="processing",
        attempts=1,
        lease_until=now + processing.LEASE,
    )
    assert not processing.sweep_webhooks(actor=majlis, at=now)
    assert processing.process_webhooks(actor=majlis, at=now) == 0

    later = now + processing.LEASE + timedelta(seconds=1)
    assert processing.sweep_webhooks(actor=majlis, at=later)
    assert processing.process_webhooks(actor=majlis, at=later) > 0

    assert Message.objects.get().body == "Hello"


def test_a_batch_is_small_when_bodies_are_large(channel, majlis, monkeypatch) -> None:
    monkeypatch.setattr(processing, "MOST_BYTES", 1000)
    events = [
        stored(channel, factories.value(messages=[factories.text_message("x" * 1000)])),
        stored(channel, factories.value(messages=[factories.text_message("y" * 1000)])),
    ]

    last, taken = 0, []
    while last := processing.process_webhooks(actor=majlis, at=timezone.now(), after=last):
        taken.append(last)

    assert taken == [event.pk for event in events]
    assert Contact.objects.count() == 1
    assert Message.objects.count() == 2


def test_replaying_everything_changes_nothing_that_was_right(channel, talk, majlis: Actor) -> None:
    message = factories.accepted(talk)
    stored(channel, factories.value(messages=[factories.text_message("Hello")]))
    stored(channel, factories.value(statuses=[factories.status(message.provider_id, "read")]))
    stored(channel, factories.value(statuses=[factories.status("wamid.early", "read")]))
    processing.process_webhooks(actor=majlis, at=timezone.now())
    before = list(Message.objects.order_by("pk").values("pk", "status", "body", "read_at"))

    ids = list(WebhookEvent.objects.values_list("pk", flat=True))
    assert processing.replay_webhooks(actor=majlis, events=ids, at=timezone.now()) == 3
    processing.process_webhooks(actor=majlis, at=timezone.now())

    assert list(Message.objects.order_by("pk").values("pk", "status", "body", "read_at")) == before
    assert {state for _, state, _ in states()} == {"done"}
    assert ParkedStatus.objects.count() == 1
    assert AuditEntry.objects.filter(action="messaging.webhook_replayed").count() == 3
