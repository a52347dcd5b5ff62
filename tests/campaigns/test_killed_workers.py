"""Real Celery workers, killed with -9 at random moments; a broker emptied in the middle."""

from __future__ import annotations

import random
import time

import pytest
from celery import Celery
from django.utils import timezone

from campaigns import services
from campaigns.models import CampaignMessage
from messaging.models import Message
from tests.campaigns.conftest import Stage
from tests.campaigns.test_engine import settle_from_record
from tests.live import wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(240)]

PEOPLE = 1000


def nudge(stage: Stage, task: str, **kwargs: int) -> None:
    """What a service or the scheduler would put on this test's own broker."""
    Celery(broker=stage.live.redis_url).send_task(task, kwargs=kwargs)


def run(stage: Stage) -> None:
    nudge(stage, "campaigns.run", organization_id=stage.organization.pk, campaign_id=stage.campaign.pk)


def settled(stage: Stage) -> int:
    return CampaignMessage.objects.exclude(status__in=["pending", "claimed", "submitting"]).count()


def test_a_thousand_people_and_a_worker_that_keeps_dying(stage: Stage) -> None:
    """Outcomes sum to 1,000, nobody gets two, and what is in doubt was on its way when a worker died."""
    chance = random.Random(20261121)
    stage.prepare(PEOPLE, messages_per_second=120)
    stage.start()
    for _ in range(3):
        worker = stage.live.start_worker(concurrency=1)
        run(stage)
        goal = settled(stage) + chance.randrange(60, 200)
        wait_for(lambda goal=goal: settled(stage) >= min(goal, PEOPLE), what="messages to go out")
        time.sleep(chance.random() / 5)
        stage.live.kill(worker)
        stage.let_leases_run_out()
        stage.sweep()
    worker = stage.live.start_worker(concurrency=1)
    run(stage)
    wait_for(lambda: stage.counts()["accepted"] > 620, what="more messages")
    services.pause_campaign(actor=stage.author, campaign=stage.campaign, reason="Lunch.", at=timezone.now())
    wait_for(lambda: not {"claimed", "submitting"} & set(stage.counts()), what="the pause")
    at_pause = stage.accepted()
    services.resume_campaign(actor=stage.author, campaign=stage.campaign, at=timezone.now())
    assert stage.accepted() == at_pause
    run(stage)
    wait_for(lambda: stage.status() == "completed", seconds=60, what="the end")

    counts = stage.counts()
    received = stage.accepted()  # fails when anybody got two
    assert sum(counts.values()) == PEOPLE
    assert set(counts) <= {"accepted", "unknown"}
    assert counts["unknown"] <= 3 * 2 * 60  # what a worker has on its way: half a second of its pace
    assert counts["accepted"] <= received <= PEOPLE
    in_doubt = counts["unknown"]

    settle_from_record(stage)

    counts = stage.counts()
    assert counts["accepted"] + counts["delivered"] == received
    assert counts["unknown"] == PEOPLE - received <= in_doubt
    assert Message.objects.exclude(status="unknown").count() == received


def test_a_broker_that_lost_everything(stage: Stage) -> None:
    """The row is the queue: the scheduler's next sweep finds the campaign again."""
    stage.prepare(300, messages_per_second=60)
    stage.start()
    worker = stage.live.start_worker(concurrency=1)
    run(stage)
    wait_for(lambda: settled(stage) > 30, what="the first messages")
    stage.live.kill(worker)
    stage.live.redis().flushdb()
    stage.let_leases_run_out()

    stage.live.start_worker(concurrency=1)
    stage.live.start_scheduler()

    wait_for(lambda: stage.status() == "completed", seconds=60, what="the sweeper to find it")
    assert sum(stage.counts().values()) == 300
    assert set(stage.counts()) <= {"accepted", "unknown"}
    assert stage.accepted() >= stage.counts()["accepted"]
