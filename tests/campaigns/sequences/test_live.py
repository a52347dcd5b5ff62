"""Sequences with real workers, a worker that dies in the middle of a call, and the sandbox's record as the judge."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from django.db import connections
from django.test import Client
from django.utils import timezone

from campaigns import sequences
from campaigns.models import Enrollment, EnrollmentStep
from core.actors import system
from core.tenancy import organization_scope
from messaging.models import Conversation, Message
from messaging.services import processing
from messaging.services.delivery import deliver_message, sweep_messages
from tests.campaigns import factories
from tests.campaigns.conftest import Stage
from tests.campaigns.sequences import drips
from tests.live import wait_for
from tests.messaging import factories as talk

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(240)]

DAY = timedelta(days=1)


def prepare(stage: Stage, people: int, delays: list[int], **fields: Any) -> list[int]:
    """Owners, a number that the sandbox knows, an active sequence without quiet hours, and everybody enrolled now."""
    account = factories.sandbox_account()
    stage.live.sandbox("POST", "/_sandbox/configure", {"reset": True, "accounts": [account]})
    stage.channels = [factories.channel(stage.organization)]
    stage.project = factories.project(stage.organization)
    contacts = factories.owners(stage.project, people)
    values = {"quiet_from": None, "quiet_until": None, **fields}
    drip = drips.active(stage.author, stage.approver, stage.channels[0], delays, **values)
    done = sequences.enrol(actor=stage.author, sequence=drip, contact_ids=contacts, at=timezone.now())
    assert (done.count, done.refused) == (people, {})
    return contacts


def nudge(stage: Stage, task: str, **kwargs: int) -> None:
    Celery(broker=stage.live.redis_url).send_task(task, kwargs=kwargs)


def deliver(stage: Stage, at: datetime) -> None:
    """What the workers would do with everything that is queued."""
    for pk in Message.objects.filter(status="queued").order_by("pk").values_list("pk", flat=True):
        deliver_message(actor=system(stage.organization), message_id=pk, at=at)


def says(stage: Stage, wa_id: str, text: str) -> None:
    """One signed webhook, processed as a worker does it."""
    number = stage.channels[0]
    said = talk.value(
        number_id=number.phone_number_id,
        contacts=[{"profile": {"name": "Owner"}, "wa_id": wa_id}],
        messages=[talk.text_message(text, wa_id=wa_id)],
    )
    body = talk.body(said, waba_id=number.waba_id)
    assert talk.deliver(Client(), body, signature=talk.sign(body, number.app_secret)).status_code == 200
    while processing.process_webhooks(actor=system(stage.organization), at=timezone.now()):
        pass


def test_scenario_10_three_steps_and_an_answer_after_the_first(stage: Stage) -> None:
    """Steps 2 and 3 are cancelled with the reason, the owner of the talk hears of it, nothing is sent again."""
    now = timezone.now()
    contact = prepare(stage, 1, [0, 3, 7])[0]
    assert drips.run(stage.organization, now + timedelta(minutes=1)) == 1
    deliver(stage, now + timedelta(minutes=1))
    assert stage.accepted() == 1

    says(stage, factories.phone_of(0)[1:], "Yes, what do you offer?")

    ended = drips.one(contact)
    assert (ended.state, ended.stop_reason, ended.next_step.position) == ("stopped", "replied", 2)
    assert drips.run(stage.organization, now + 30 * DAY) == 0
    conversation = Conversation.objects.get(contact=contact)
    assert conversation.assigned_to == stage.author.membership  # nobody had the person, so who enrolled them has
    assert conversation.waiting_since is not None  # it stands in Today until somebody answers
    assert "steps 2, 3 will not be sent" in conversation.messages.get(type="note").body

    again = sequences.enrol(actor=stage.author, sequence=ended.sequence, contact_ids=[contact], at=now + 3 * DAY)
    assert again.count == 1
    assert drips.run(stage.organization, now + 3 * DAY) == 0  # the second step, three days later
    assert drips.run(stage.organization, now + 6 * DAY) == 1
    deliver(stage, now + 6 * DAY)
    assert [row.step.position for row in EnrollmentStep.objects.order_by("pk")] == [1, 2]
    assert stage.summary()["messages"]["accepted"] == 2
    bodies = [each["body"]["biz_opaque_callback_data"] for each in received(stage)]
    assert len(set(bodies)) == 2


def received(stage: Stage) -> list[dict[str, dict[str, str]]]:
    found: list[dict[str, dict[str, str]]] = stage.live.sandbox("GET", "/_sandbox/received?kind=messages")["received"]
    return found


def test_two_schedulers_and_two_workers_send_everything_once(stage: Stage) -> None:
    people = prepare(stage, 120, [0])
    for _ in range(2):
        stage.live.start_worker(concurrency=2)
    for _ in range(6):
        nudge(stage, "campaigns.run_sequences")
        nudge(stage, "campaigns.run_sequences_of", organization_id=stage.organization.pk)

    wait_for(lambda: Message.objects.filter(status="accepted").count() == len(people), seconds=90, what="all of them")

    assert stage.accepted() == len(people)  # fails when anybody got two
    assert Enrollment.objects.filter(state="completed").count() == len(people)
    assert EnrollmentStep.objects.count() == Message.objects.filter(type="template").count() == len(people)


def test_eight_threads_take_everybody_once(stage: Stage) -> None:
    people = prepare(stage, 150, [0])

    def take(_: int) -> int:
        try:
            with organization_scope(stage.organization.pk):
                return sum(
                    sequences.run_due(organization=stage.organization, at=timezone.now(), at_once=10).sent
                    for _ in range(25)
                )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(take, range(8)))

    assert sum(sent) == len(people)
    assert Message.objects.filter(type="template").count() == EnrollmentStep.objects.count() == len(people)


def test_a_worker_killed_between_the_call_and_the_save_leaves_a_doubt_that_nobody_sends_again(stage: Stage) -> None:
    people = prepare(stage, 12, [0, 1])
    stage.fault(kind="slow", times=3, delay=20)
    worker = stage.live.start_worker(concurrency=3)
    nudge(stage, "campaigns.run_sequences")
    wait_for(lambda: Message.objects.filter(status="sending").count() >= 3, what="calls under way")
    wait_for(lambda: stage.summary()["messages"]["received"] >= 3, what="the sandbox to have them")
    stage.live.kill(worker)
    stage.no_faults()
    Message.objects.filter(status="sending").update(lease_until=timezone.now() - timedelta(seconds=1))

    stage.live.redis().flushdb()
    stage.live.start_worker(concurrency=2)
    sweep_messages(actor=system(stage.organization), at=timezone.now() + timedelta(minutes=1))
    later = timezone.now() + timedelta(minutes=1)

    def is_all_gone() -> bool:
        deliver(stage, later)
        return not Message.objects.filter(status__in=["queued", "sending"]).exists()

    wait_for(is_all_gone, seconds=60, what="the rest")
    for _ in range(3):
        nudge(stage, "campaigns.run_sequences")
    assert drips.run(stage.organization, timezone.now()) == 0

    counts = {status: Message.objects.filter(status=status).count() for status in ("accepted", "unknown")}
    assert counts == {"accepted": len(people) - 3, "unknown": 3}
    assert stage.accepted() >= len(people) - 3  # fails when anybody got two
    assert EnrollmentStep.objects.filter(outcome="sent").count() == len(people)
    # a day later the second step goes to all of them: what is in doubt counts as unseen, and is not sent again
    assert drips.run(stage.organization, timezone.now() + DAY + timedelta(minutes=5)) == len(people)
    assert Message.objects.filter(type="template").count() == 2 * len(people)


def test_a_worker_killed_in_the_middle_of_a_batch_has_done_nothing(stage: Stage) -> None:
    """The batch is one transaction: what was taken comes back by itself, and nothing was queued by halves."""
    people = prepare(stage, 400, [0])
    worker = stage.live.start_worker(concurrency=1)
    nudge(stage, "campaigns.run_sequences_of", organization_id=stage.organization.pk)
    wait_for(lambda: EnrollmentStep.objects.exists(), what="the first batch")
    stage.live.kill(worker)
    with_message = EnrollmentStep.objects.filter(message__isnull=False).count()
    assert with_message == EnrollmentStep.objects.count() == Message.objects.filter(type="template").count()

    drips.run(stage.organization, timezone.now())

    assert Message.objects.filter(type="template").count() == len(people)
    assert EnrollmentStep.objects.count() == Enrollment.objects.filter(state="completed").count() == len(people)


def test_an_answer_while_the_step_is_queued_takes_it_back(stage: Stage) -> None:
    contact = prepare(stage, 1, [0])[0]
    assert drips.run(stage.organization, timezone.now()) == 1

    says(stage, factories.phone_of(0)[1:], "Please call me")
    deliver(stage, timezone.now())

    assert drips.told(contact)[0].status == "failed"
    assert drips.told(contact)[0].error_details == "They answered first."
    assert [each for each in received(stage) if each["body"].get("type") == "template"] == []
