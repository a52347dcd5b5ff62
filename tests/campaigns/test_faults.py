"""What goes wrong between approval and the last message, with the sandbox's record as the judge of who got what."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from campaigns import services
from campaigns.engine import run_slice, sweep_organization
from campaigns.engine.verdict import Verdict
from campaigns.errors import AudienceEmpty, TemplateUnusable
from campaigns.models import Campaign, CampaignEngine, CampaignMessage, CampaignPause
from core import events
from core.tenancy import organization_scope
from crm.models import Contact
from messaging.events import TemplateChanged
from messaging.models import Channel, MessageTemplate
from tests.campaigns import factories
from tests.campaigns.conftest import Stage
from tests.live import wait_for

pytestmark = [pytest.mark.live]


def test_a_template_that_is_deleted_before_the_start_or_while_it_runs_burns_nobody(stage: Stage) -> None:
    stage.prepare(60, messages_per_second=20)
    deleted(stage)
    with pytest.raises(TemplateUnusable, match="deleted"):
        stage.start()
    assert stage.status() == "approved"
    MessageTemplate.objects.update(status="APPROVED")
    stage.start()
    with ThreadPoolExecutor(1) as worker:
        running = worker.submit(stage.slice)
        wait_for(lambda: stage.counts()["accepted"] > 5, what="the first messages")
        deleted(stage)
        assert running.result(30) is Verdict.STOPPED

    assert (stage.status(), CampaignPause.objects.get().cause) == ("paused", "template")
    counts = stage.counts()
    assert set(counts) == {"accepted", "pending"}
    assert stage.accepted() == counts["accepted"] < 60


def deleted(stage: Stage) -> None:
    """What the webhook of WhatsApp does."""
    with transaction.atomic():
        MessageTemplate.objects.update(status="DELETED")
        events.publish(TemplateChanged(stage.organization.pk, stage.template.pk))


def test_an_audience_that_became_empty_does_not_start_and_stays_approved(stage: Stage) -> None:
    stage.prepare(5)
    Contact.objects.update(is_bad_contact=True)
    with pytest.raises(AudienceEmpty) as refusal:
        stage.start()
    assert refusal.value.details["skipped"] == {"bad_contact": 5}
    assert stage.status() == "approved"
    assert not CampaignMessage.objects.exists()


def test_everybody_left_becomes_unreachable_after_the_freeze(stage: Stage) -> None:
    """Then it is completed: each with a reason, nobody written to."""
    stage.prepare(30)
    stage.start()
    Contact.objects.update(is_bad_contact=True)
    assert stage.send_all() is Verdict.DONE
    assert set(CampaignMessage.objects.values_list("status", "skip_reason")) == {("skipped", "bad_contact")}
    assert (stage.status(), stage.accepted()) == ("completed", 0)


def test_a_number_that_is_blocked_at_message_300(stage: Stage) -> None:
    stage.prepare(500, messages_per_second=80)
    stage.start()
    with ThreadPoolExecutor(1) as worker:
        running = worker.submit(stage.send_all)
        wait_for(lambda: stage.summary()["messages"]["accepted"] >= 300, what="message 300")
        stage.fault(kind="error", code=131031)  # the account was locked
        assert running.result(60) is Verdict.STOPPED

    assert (stage.status(), CampaignPause.objects.get().cause) == ("paused", "numbers")
    counts = stage.counts()
    assert set(counts) == {"accepted", "pending"}
    assert counts["accepted"] == stage.accepted()
    Channel.objects.update(blocked_at=None, status_reason="")  # an admin appealed
    stage.no_faults()
    services.resume_campaign(actor=stage.author, campaign=stage.campaign, at=timezone.now())
    assert stage.send_all() is Verdict.DONE
    assert stage.accepted() == 500


@pytest.mark.parametrize("hours", [-26, 26])
def test_a_clock_that_is_wrong_by_a_day_neither_doubles_nor_loses_anybody(stage: Stage, hours: int) -> None:
    """The scheduler's machine is off: leases run by the database's clock, which all machines share."""
    stage.prepare(80, messages_per_second=40)
    stage.start()
    wrong = timezone.now() + timedelta(hours=hours)
    with ThreadPoolExecutor(2) as workers:
        running = workers.submit(stage.slice)
        wait_for(lambda: stage.counts()["accepted"] > 5, what="the first messages")
        with organization_scope(stage.organization.pk):
            sweep_organization(stage.organization, wrong)
        assert workers.submit(stage.slice).result(30) is Verdict.NOT_OURS  # whom the wrong clock called in
        assert running.result(30) is Verdict.DONE
    assert stage.counts() == {"accepted": 80}
    assert stage.accepted() == 80


def test_a_clock_that_was_set_back_does_not_let_a_sleeping_campaign_sleep_on(stage: Stage) -> None:
    stage.prepare(5)
    stage.start()
    ahead = timezone.now() + timedelta(hours=30)  # it went to sleep for an hour by a clock that was a day ahead
    CampaignEngine.objects.update(heartbeat_at=ahead - timedelta(hours=1), wakes_at=ahead)
    assert stage.sweep() == 1
    assert stage.send_all() is Verdict.DONE


def test_two_schedulers_start_a_scheduled_campaign_once(stage: Stage) -> None:
    stage.prepare(40, starts_at=timezone.now() + timedelta(minutes=5))
    stage.start()
    assert stage.status() == "scheduled"
    due = timezone.now() + timedelta(minutes=6)

    def sweep(_: int) -> None:
        try:
            with organization_scope(stage.organization.pk):
                sweep_organization(stage.organization, due)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as schedulers:
        list(schedulers.map(sweep, range(3)))

    assert stage.status() == "running"
    assert CampaignMessage.objects.count() == 40
    with ThreadPoolExecutor(3) as workers:
        verdicts = sorted(workers.map(lambda _: stage.slice().value, range(3)))
    assert verdicts.count("done") == 1
    assert stage.accepted() == 40


def test_a_small_campaign_does_not_wait_for_a_huge_one(stage: Stage) -> None:
    """One worker, and a campaign that would take minutes: the small one's turn comes within seconds."""
    stage.prepare(1500, messages_per_second=20)
    stage.start()
    project = factories.project(stage.organization, 2)
    factories.owners(project, 10, start=5000)
    small = factories.approved(stage.author, stage.approver, factories.draft(stage.author, project, stage.channels))
    redis = stage.live.redis()
    with ThreadPoolExecutor(1) as worker:
        running = worker.submit(stage.slice, 60)
        wait_for(lambda: stage.counts()["accepted"] > 5, what="the first messages")
        redis.rpush("campaigns", "the nudge of the small one")  # the worker has no other hand
        assert running.result(20) is Verdict.MORE
        redis.delete("campaigns")
    services.start_campaign(actor=stage.author, campaign=small, at=timezone.now())
    assert asyncio.run(run_slice(stage.organization.pk, small.pk)) is Verdict.DONE
    assert Campaign.objects.get(pk=small.pk).status == "completed"
    assert stage.counts()["pending"] > 1000
