"""Who got enough between the start of a campaign and the turn of their row, with the sandbox's record as the judge."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from campaigns import services
from campaigns.engine import run_slice
from campaigns.engine.verdict import Verdict
from campaigns.models import Campaign, CampaignMessage, CampaignRules
from core.tenancy import organization_scope
from crm.models import ContactPoint
from messaging.models import Channel
from tests.campaigns import factories
from tests.campaigns.conftest import Stage
from tests.campaigns.sequences import drips

pytestmark = [pytest.mark.live]


def at_most_one_a_week(stage: Stage) -> None:
    CampaignRules.objects.create(organization=stage.organization, most_messages=1, per_days=7)


def another(stage: Stage, number: Channel) -> Campaign:
    """To the same people, from that number."""
    made = factories.draft(stage.author, stage.project, [number])
    return factories.approved(stage.author, stage.approver, made)


def test_who_got_enough_since_the_start_is_skipped_and_told_apart(stage: Stage) -> None:
    stage.prepare(6)
    stage.start()
    people = list(CampaignMessage.objects.order_by("contact").values_list("contact", "recipient"))
    at_most_one_a_week(stage)
    now = timezone.now()
    other = another(stage, stage.channels[0])
    Campaign.objects.filter(pk=other.pk).update(status="running", started_at=now)
    for (contact, address), fields in zip(
        people,
        (
            {"status": "delivered", "accepted_at": now - timedelta(days=2)},
            {"status": "submitting", "claimed_by": 1, "lease_until": now + timedelta(minutes=1)},
            {"status": "delivered", "accepted_at": now - timedelta(days=8)},
        ),
        strict=False,
    ):
        CampaignMessage.objects.create(
            organization=stage.organization, campaign=other, contact_id=contact, recipient=address, **fields
        )
    earlier = now - timedelta(hours=1)
    drip = drips.active(stage.author, stage.approver, stage.channels[0], [0], quiet_from=None, quiet_until=None)
    assert drips.enrol(stage.author, drip, [people[3][0], people[4][0]], earlier) == {}
    assert drips.run(stage.organization, earlier) == 2
    drips.became(people[3][0], "delivered")
    drips.became(people[4][0], "failed")

    assert stage.send_all() is Verdict.DONE

    rows = CampaignMessage.objects.filter(campaign=stage.campaign).order_by("contact")
    assert list(rows.values_list("status", "skip_reason")) == [
        ("skipped", "too_often"),  # another campaign wrote
        ("skipped", "too_often"),  # another campaign is writing
        ("accepted", ""),  # long ago
        ("skipped", "too_often"),  # a sequence wrote
        ("accepted", ""),  # a sequence tried and could not
        ("accepted", ""),
    ]
    assert stage.accepted() == 3


def test_two_campaigns_at_once_never_both_give_somebody_the_last_message(stage: Stage) -> None:
    stage.prepare(300, numbers=2)
    at_most_one_a_week(stage)
    both = [another(stage, number) for number in stage.channels]
    for campaign in both:
        services.start_campaign(actor=stage.author, campaign=campaign, at=timezone.now())
    assert CampaignMessage.objects.filter(status="pending").count() == 600

    def send(campaign: Campaign) -> Verdict:
        try:
            with organization_scope(stage.organization.pk):
                return asyncio.run(run_slice(stage.organization.pk, campaign.pk, seconds=20))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as workers:
        assert list(workers.map(send, both)) == [Verdict.DONE, Verdict.DONE]

    assert stage.accepted() == ContactPoint.objects.count() == 300
    assert CampaignMessage.objects.filter(status="skipped", skip_reason="too_often").count() == 300
