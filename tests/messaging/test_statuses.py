"""Statuses: any order, any duplicates, before or after we saved the message, the same final state."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.models import ContactPoint
from messaging.events import MessagesProgressed
from messaging.incoming import StatusUpdate
from messaging.models import Channel, Message, MessageRead, OptOut, ParkedStatus
from messaging.models.conversations import STATUS_RANK
from messaging.services.progress import apply_statuses, match_parked
from messaging.statuses import callback_data, fold
from tests.crm import factories as crm
from tests.messaging import factories

T0 = 1_790_000_000
STEPS = {"sent": T0 + 1, "delivered": T0 + 2, "read": T0 + 5, "played": T0 + 9, "failed": T0 + 3}


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.fixture
def talk(channel: Channel):
    contact = crm.contact(channel.organization, "Reader Example")
    crm.point(contact, "+971501234567")
    return factories.conversation(channel, contact)


def state(message: Message) -> dict[str, object]:
    message.refresh_from_db()
    names = ["status", "sent_at", "delivered_at", "read_at", "played_at", "failed_at", "error_code", "price_category"]
    return {name: getattr(message, name) for name in names}


def test_read_sent_delivered_delivered_ends_as_read_with_every_time(receive, talk) -> None:
    message = factories.accepted(talk)
    wamid = message.provider_id

    for step in ["read", "sent", "delivered", "delivered"]:
        receive(factories.value(statuses=[factories.status(wamid, step, at=STEPS[step])]))

    found = state(message)
    assert found["status"] == "read"
    assert [found[name] for name in ("sent_at", "delivered_at", "read_at")] == [
        moment(STEPS[step]) for step in ("sent", "delivered", "read")
    ]
    assert MessageRead.objects.get(message=message).participant.contact == talk.contact


def test_read_alone_implies_delivered(receive, talk) -> None:
    message = factories.accepted(talk)

    receive(factories.value(statuses=[factories.status(message.provider_id, "read", at=STEPS["read"])]))

    found = state(message)
    assert found["delivered_at"] == found["sent_at"] == found["read_at"] == moment(STEPS["read"])


def test_delivered_may_follow_failed(receive, talk) -> None:
    message = factories.accepted(talk)
    errors = [{"code": 131026, "title": "Undeliverable", "error_data": {"details": "off"}}]
    receive(factories.value(statuses=[factories.status(message.provider_id, "failed", errors=errors)]))
    message.refresh_from_db()
    assert (message.status, message.error_code, message.error_details) == ("failed", 131026, "off")

    receive(factories.value(statuses=[factories.status(message.provider_id, "delivered")]))

    message.refresh_from_db()
    assert message.status == "delivered"


@pytest.mark.django_db
def test_any_order_duplicates_and_batches_give_the_same_state(channel: Channel, talk, majlis) -> None:
    updates = [
        StatusUpdate("w", step, moment(at), price_category="marketing" if step == "sent" else "", is_billable=True)
        for step, at in STEPS.items()
    ]
    updates.append(StatusUpdate("w", "failed", moment(STEPS["failed"]), error_code=131026, error_title="b"))
    updates.append(StatusUpdate("w", "failed", moment(STEPS["failed"]), error_code=131000, error_title="a"))
    chance = random.Random(7)
    seen = set()
    for round_ in range(60):
        message = factories.accepted(talk, provider_id=f"w{round_}")
        shuffled = chance.sample(updates, len(updates)) + chance.choices(updates, k=4)
        while shuffled:
            size = chance.randint(1, len(shuffled))
            batch, shuffled = shuffled[:size], shuffled[size:]
            renamed = [
                StatusUpdate(**{**{name: getattr(each, name) for name in each.__slots__}, "provider_id": f"w{round_}"})
                for each in batch
            ]
            apply_statuses(actor=majlis, channel=channel, updates=renamed, at=moment(T0 + 100))
        seen.add(tuple(state(message).items()))

    [only] = seen
    assert dict(only)["status"] == "played"
    assert dict(only)["error_code"] is None or dict(only)["error_code"] in (131000, 131026)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(STEPS)), st.integers(0, 50)), min_size=1, max_size=12), st.randoms())
def test_folding_does_not_depend_on_order(steps, chance) -> None:
    updates = [StatusUpdate("w", step, moment(T0 + at), error_code=at) for step, at in steps]
    shuffled = chance.sample(updates, len(updates))

    once, again = fold(updates)["w"], fold(shuffled + updates)["w"]

    assert once == again
    assert STATUS_RANK[once.status] == max(STATUS_RANK[step] for step, _ in steps)


def test_a_status_before_our_own_save_is_parked_and_matched_later(receive, channel, talk, majlis) -> None:
    receive(factories.value(statuses=[factories.status("wamid.early", "delivered", at=STEPS["delivered"])]))
    assert ParkedStatus.objects.count() == 1

    message = factories.accepted(talk, provider_id="wamid.early")
    settled = match_parked(
        actor=majlis, channel=channel, at=datetime.now(UTC), provider_ids=["wamid.early", "wamid.other"]
    )

    assert settled == 1
    assert state(message)["status"] == "delivered"
    assert ParkedStatus.objects.count() == 0


def test_a_status_settles_an_unknown_message_by_the_data_it_carries(receive, talk) -> None:
    message = factories.accepted(talk, provider_id="", status="unknown", attempts=1, accepted_at=None)

    carried = callback_data(message.pk, 1)
    receive(
        factories.value(
            statuses=[factories.status("wamid.found", "sent", at=STEPS["sent"], biz_opaque_callback_data=carried)]
        )
    )

    message.refresh_from_db()
    assert (message.status, message.provider_id) == ("sent", "wamid.found")


def test_a_status_of_another_house_changes_nothing_here(receive, talk, other_organization, client) -> None:
    message = factories.accepted(talk)

    receive(
        factories.value(number_id="777", statuses=[factories.status(message.provider_id, "read")]),
        factories.value(messages=[factories.text_message()]),
    )

    assert state(message)["status"] == "accepted"


def test_a_batch_of_a_thousand_takes_as_many_queries_as_one(
    channel, talk, majlis, django_assert_max_num_queries
) -> None:
    Message.objects.bulk_create(
        Message(
            organization=channel.organization,
            conversation=talk,
            channel=channel,
            direction="outbound",
            status="accepted",
            provider_id=f"bulk{index}",
            at=moment(T0),
        )
        for index in range(1000)
    )
    updates = [StatusUpdate(f"bulk{index}", "delivered", moment(T0 + 1)) for index in range(1000)]

    # 1 savepoint and its release, 1 lock of the messages, 1 update, 1 for their conversations
    with django_assert_max_num_queries(6):
        assert apply_statuses(actor=majlis, channel=channel, updates=updates, at=moment(T0 + 2)) == 1000

    assert Message.objects.filter(status="delivered").count() == 1000


def test_the_price_is_kept(receive, talk) -> None:
    message = factories.accepted(talk)
    pricing = {"billable": True, "pricing_model": "PMP", "category": "marketing"}

    receive(factories.value(statuses=[factories.status(message.provider_id, "sent", pricing=pricing)]))

    message.refresh_from_db()
    assert (message.price_category, message.is_billable) == ("marketing", True)


def test_failures_teach_about_person_number_and_channel(receive, channel, talk) -> None:
    def fail(code: int) -> None:
        message = factories.accepted(talk)
        receive(
            factories.value(
                statuses=[factories.status(message.provider_id, "failed", errors=[{"code": code, "title": "x"}])]
            )
        )

    fail(131050)
    assert OptOut.objects.get().contact == talk.contact

    fail(131026)
    assert ContactPoint.objects.get().status == "valid"
    fail(131026)
    assert ContactPoint.objects.get().status == "review"

    fail(131042)
    channel.refresh_from_db()
    assert (channel.blocked_at, channel.answers_only_since is not None) == (None, True)
    assert "payment" in channel.status_reason


def test_higher_apps_are_told_which_messages_moved(receive, talk, monkeypatch) -> None:
    from core import events

    heard: list[MessagesProgressed] = []
    monkeypatch.setitem(events._handlers, MessagesProgressed, [heard.append])
    one, two = factories.accepted(talk), factories.accepted(talk)

    receive(
        factories.value(statuses=[factories.status(one.provider_id, "read"), factories.status(two.provider_id, "sent")])
    )

    assert [set(event.message_ids) for event in heard] == [{one.pk, two.pk}]


def test_old_parked_statuses_are_dropped(receive, channel, majlis) -> None:
    receive(factories.value(statuses=[factories.status("wamid.never", "delivered")]))

    match_parked(actor=majlis, channel=channel, at=datetime.now(UTC) + timedelta(days=9))

    assert ParkedStatus.objects.count() == 0
