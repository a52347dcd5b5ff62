"""What holds a running campaign back, or stops it by itself: nights, caps, limits, distance, a look at the first ones."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from campaigns import services
from campaigns.engine import run_slice
from campaigns.engine.verdict import Verdict
from campaigns.models import Campaign, CampaignEngine, CampaignMessage, CampaignPause
from core import events
from core.actors import Actor
from messaging.events import ChannelChanged
from messaging.models import Channel, Conversation, Message
from tests.campaigns import factories
from tests.campaigns.conftest import Stage

pytestmark = [pytest.mark.live]


def note_of(campaign: Campaign) -> str:
    return CampaignEngine.objects.get(campaign=campaign).note


def moments(stage: Stage) -> list[float]:
    received = stage.live.sandbox("GET", "/_sandbox/received?kind=messages")["received"]
    return sorted(entry["at"] for entry in received)


def around(now: datetime, zone: str) -> dict[str, Any]:
    """Quiet hours in the middle of which it is now in that zone."""
    local = now.astimezone(ZoneInfo(zone))
    return {
        "quiet_from": (local - timedelta(hours=2)).time().replace(microsecond=0),
        "quiet_until": (local + timedelta(hours=2)).time().replace(microsecond=0),
    }


def test_who_sleeps_where_they_live_waits_and_everybody_else_gets_it(stage: Stage) -> None:
    """In Vancouver it is twelve or eleven hours earlier than in Dubai."""
    stage.prepare(10)
    far = [factories.owner(stage.project, f"Far{n}", value=f"+1604555012{n}", country="CA") for n in range(3)]
    services.update_campaign(
        actor=stage.author, campaign=stage.campaign, at=timezone.now(), **around(timezone.now(), "America/Vancouver")
    )
    factories.approved(stage.author, stage.approver, stage.campaign)
    stage.start()

    assert stage.slice() is Verdict.WAITING

    assert stage.counts() == {"accepted": 10, "pending": 3}
    waiting = CampaignMessage.objects.filter(status="pending")
    assert set(waiting.values_list("contact", "time_zone")) == {(each.pk, "America/Vancouver") for each in far}
    engine = CampaignEngine.objects.get()
    assert engine.zones == ["America/Vancouver", "Asia/Dubai"]
    assert engine.note.endswith("3 are asleep where they live.")
    assert engine.wakes_at
    assert timedelta(hours=1) < engine.wakes_at - timezone.now() <= timedelta(hours=2)
    assert stage.sweep() == 0  # nobody is called before that

    Campaign.objects.update(quiet_from=None, quiet_until=None)  # the morning
    assert stage.slice() is Verdict.DONE
    assert stage.accepted() == 13


def test_on_days_off_of_the_house_nothing_goes_out(stage: Stage) -> None:
    stage.prepare(3, is_quiet_on_days_off=True)
    house = stage.organization
    house.weekend_days, house.public_holidays = [], [timezone.localdate(timezone=ZoneInfo("Asia/Dubai"))]
    house.save()
    stage.start()
    assert stage.slice() is Verdict.WAITING
    assert stage.counts() == {"pending": 3}
    house.public_holidays = []
    house.save()
    assert stage.slice() is Verdict.DONE


def test_a_number_sends_no_more_a_day_than_its_cap_and_the_rest_goes_on_tomorrow(stage: Stage) -> None:
    stage.prepare(10, numbers=2, daily_cap_per_number=3)
    stage.start()

    assert stage.slice() is Verdict.WAITING

    assert stage.counts() == {"accepted": 6, "pending": 4}
    by_number = [CampaignMessage.objects.filter(channel=number).count() for number in stage.channels]
    assert by_number == [3, 3]
    engine = CampaignEngine.objects.get()
    assert engine.note.startswith("Each number may send 3 a day for this campaign. The rest goes on at ")
    assert engine.wakes_at
    assert timedelta(hours=23) < engine.wakes_at - timezone.now() <= timedelta(hours=24)
    assert stage.slice() is Verdict.WAITING  # whoever calls it: the cap is of the number, not of the slice
    assert stage.accepted() == 6

    Message.objects.update(at=timezone.now() - timedelta(hours=25))
    assert stage.slice() is Verdict.DONE
    assert stage.accepted() == 10


def test_two_campaigns_never_spend_the_portfolios_limit_twice(stage: Stage) -> None:
    """Fifteen people a day over both numbers; two campaigns of twelve start at once, and an agent wrote to one already."""
    stage.prepare(12, numbers=2)
    other_project = factories.project(stage.organization, 2)
    factories.owners(other_project, 12, start=100)
    other = factories.draft(stage.author, other_project, stage.channels)
    other = factories.approved(stage.author, stage.approver, other)
    Channel.objects.update(messaging_limit=15)
    by_hand(stage, stage.channels[0], "971501999999", timezone.now() - timedelta(hours=1))
    stage.start()
    services.start_campaign(actor=stage.author, campaign=other, at=timezone.now())

    def run(campaign: Campaign) -> Verdict:
        return asyncio.run(run_slice(stage.organization.pk, campaign.pk))

    with ThreadPoolExecutor(2) as workers:
        verdicts = list(workers.map(run, [stage.campaign, other]))
    for campaign in (stage.campaign, other):  # what one held and did not use, the other gets
        verdicts.append(run(campaign))

    assert stage.accepted() == 14
    assert CampaignMessage.objects.filter(status="pending").count() == 10
    assert verdicts[-2:] == [Verdict.WAITING, Verdict.WAITING] or Verdict.DONE in verdicts
    waiting = CampaignEngine.objects.filter(
        campaign__in=CampaignMessage.objects.filter(status="pending").values("campaign")
    )
    assert all(
        engine.note.startswith("WhatsApp lets these numbers begin to write to 15 people a day.") for engine in waiting
    )

    Message.objects.update(at=timezone.now() - timedelta(hours=25))
    for campaign in (stage.campaign, other):
        run(campaign)
    assert stage.accepted() == 24


def by_hand(stage: Stage, number: Channel, to: str, at: datetime) -> Message:
    """A template that an agent sent, not a campaign."""
    contact = factories.owner(stage.project, f"Known{to}")
    talk = Conversation.objects.create(
        organization=stage.organization, channel=number, contact=contact, address=to, last_message_at=at
    )
    made: Message = Message.objects.create(
        organization=stage.organization, conversation=talk, channel=number, direction="outbound", type="template",
        template=stage.template, recipient=to, status="sent", at=at,
    )  # fmt: skip
    return made


def test_random_spacing_keeps_messages_apart_also_over_slices(stage: Stage) -> None:
    stage.prepare(4, spacing_min_seconds=1, spacing_max_seconds=2)
    stage.start()
    for _ in range(20):
        if stage.slice(0.8) is Verdict.DONE:  # slices shorter than the distance: each new engine keeps it too
            break
    assert stage.counts() == {"accepted": 4}
    sent = moments(stage)
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert min(gaps) > 0.95


def test_the_canary_goes_first_and_then_somebody_has_to_look(stage: Stage) -> None:
    stage.prepare(40, canary_size=7)
    stage.start()
    stage.fault(kind="error", code=130429, share=0.3)  # who is put off does not count

    for _ in range(10):
        if stage.slice() is Verdict.STOPPED:
            break

    assert stage.status() == "paused"
    pause = CampaignPause.objects.get()
    assert (pause.cause, pause.paused_by) == ("canary", None)
    assert pause.reason == "The first 7 are out. Look at what became of them, then let it go on."
    assert stage.counts() == {"accepted": 7, "pending": 33}
    assert stage.slice() is Verdict.NOT_OURS

    stage.no_faults()
    services.resume_campaign(actor=stage.author, campaign=stage.campaign, at=timezone.now())
    assert stage.send_all() is Verdict.DONE
    assert stage.accepted() == 40


def test_a_canary_larger_than_the_campaign_stops_nothing(stage: Stage) -> None:
    stage.prepare(5, canary_size=5)
    stage.start()
    assert stage.send_all() is Verdict.DONE


def test_when_too_many_fail_it_stops_and_says_so(stage: Stage) -> None:
    stage.prepare(300, messages_per_second=60, stop_at_failure_percent=20)
    stage.start()
    stage.fault(kind="error", code=131026, share=0.5)

    assert stage.slice() is Verdict.STOPPED

    pause = CampaignPause.objects.get()
    assert pause.cause == "failures"
    assert pause.reason.endswith("which is more than 20 %. Look at the causes before it goes on.")
    counts = stage.counts()
    assert counts["pending"] > 50
    assert sum(counts.values()) == 300

    stage.no_faults()
    services.resume_campaign(actor=stage.author, campaign=stage.campaign, at=timezone.now())
    assert stage.send_all() is Verdict.DONE  # the failures before it went on no longer count


def test_a_number_that_is_rated_low_stops_its_campaigns_once(stage: Stage) -> None:
    stage.prepare(5, numbers=2)
    stage.start()

    def told(quality: str) -> None:
        with transaction.atomic():
            Channel.objects.filter(pk=stage.channels[1].pk).update(quality=quality)
            events.publish(ChannelChanged(stage.organization.pk, stage.channels[1].pk))

    told("YELLOW")
    assert stage.status() == "running"
    told("RED")
    assert stage.status() == "paused"
    assert "rates Sales 2 low" in stage.campaign.status_reason
    assert CampaignPause.objects.get().cause == "quality"
    services.resume_campaign(actor=stage.author, campaign=stage.campaign, at=timezone.now())
    told("RED")
    assert stage.slice() is Verdict.DONE


def test_whom_an_agent_wrote_to_a_moment_ago_waits_some_seconds(stage: Stage) -> None:
    stage.prepare(3)
    stage.start()
    row = CampaignMessage.objects.order_by("id")[0]
    talk = Conversation.objects.create(
        organization=stage.organization, channel=stage.channels[0], contact_id=row.contact_id,
        address=row.recipient, last_message_at=timezone.now(),
    )  # fmt: skip
    said = Message.objects.create(
        organization=stage.organization, conversation=talk, channel=stage.channels[0], direction="outbound",
        type="text", body="One moment.", recipient=row.recipient, status="sent", at=timezone.now(),
    )  # fmt: skip

    assert stage.slice(2) in (Verdict.WAITING, Verdict.MORE)

    assert stage.counts() == {"accepted": 2, "pending": 1}
    row.refresh_from_db()
    assert (row.status, row.attempts, row.claimed_by) == ("pending", 0, None)
    assert row.not_before
    Message.objects.filter(pk=said.pk).update(at=timezone.now() - timedelta(seconds=7))
    CampaignMessage.objects.update(not_before=None)
    assert stage.slice() is Verdict.DONE
    assert stage.accepted() == 3


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("spacing_min_seconds = 5", "campaigns_campaign_spacing_both_or_none"),
        ("spacing_min_seconds = 5, spacing_max_seconds = 4", "campaigns_campaign_spacing_both_or_none"),
        ("spacing_min_seconds = 0, spacing_max_seconds = 0", "campaigns_campaign_spacing_both_or_none"),
        ("daily_cap_per_number = 0", "campaigns_campaign_caps_positive"),
        ("canary_size = 0", "campaigns_campaign_caps_positive"),
        ("stop_at_failure_percent = 101", "campaigns_campaign_caps_positive"),
    ],
)
def test_the_database_keeps_the_controls_sensible(manager: Actor, change: str, constraint: str) -> None:
    number = factories.channel(manager.organization)
    campaign = factories.draft(manager, factories.project(manager.organization), [number])
    with (
        pytest.raises(IntegrityError, match=constraint),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE campaigns_campaign SET {change} WHERE id = %s", [campaign.pk])
