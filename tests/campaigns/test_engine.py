"""The engine against the sandbox, whose record is the judge: everybody once, nobody twice, and it is known what happened."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from campaigns import services
from campaigns.engine import rows
from campaigns.engine.verdict import Verdict
from campaigns.errors import BusyNow, ChannelUnusable, IllegalMove
from campaigns.models import CampaignEngine, CampaignMessage, CampaignPause
from config.processes import free_port
from core.actors import system
from core.models import AuditEntry
from core.tenancy import organization_scope
from messaging.incoming import StatusUpdate
from messaging.models import Channel, Conversation, Message, OptOut, Participant
from messaging.services.progress import apply_statuses
from tests.campaigns import factories
from tests.campaigns.conftest import Stage
from tests.live import wait_for

pytestmark = [pytest.mark.live]


def test_everybody_gets_it_once(stage: Stage) -> None:
    stage.prepare(200)
    stage.start()

    assert stage.slice() is Verdict.DONE

    assert stage.status() == "completed"
    assert stage.counts() == {"accepted": 200}
    assert stage.accepted() == 200
    assert Conversation.objects.count() == Participant.objects.count() == Message.objects.count() == 200
    first = CampaignMessage.objects.select_related("message").order_by("id")[0]
    assert first.message.body == "Dear Owner0, is your unit 0 available?\nReply STOP to hear no more"
    assert (first.message.status, first.attempts, first.lease_until, first.claimed_by) == ("accepted", 1, None, None)
    assert first.message.provider_id.startswith("wamid.")
    assert stage.slice() is Verdict.NOT_OURS


def test_two_people_press_start_and_it_starts_once(stage: Stage) -> None:
    stage.prepare(60)

    def press(_: int) -> str:
        try:
            with organization_scope(stage.organization.pk):
                stage.start()
        except (IllegalMove, BusyNow) as refusal:
            return refusal.code
        finally:
            connection.close()
        return "started"

    with ThreadPoolExecutor(4) as people:
        answers = list(people.map(press, range(4)))

    assert answers.count("started") == 1
    assert set(answers) <= {"started", "illegal_move", "campaign_busy"}
    assert CampaignMessage.objects.count() == 60
    assert AuditEntry.objects.filter(action="campaigns.campaign_started").count() == 1


def test_of_two_engines_one_finds_nothing_to_do(stage: Stage) -> None:
    stage.prepare(80, messages_per_second=80)
    stage.start()

    with ThreadPoolExecutor(3) as workers:
        verdicts = sorted(workers.map(lambda _: stage.slice().value, range(3)))

    assert verdicts == ["done", "not_ours", "not_ours"]
    assert stage.accepted() == 80


def test_an_engine_that_lost_its_lease_sends_nothing_more(stage: Stage) -> None:
    """Frozen for longer than its lease, it comes back while another one is at work."""
    stage.prepare(120, messages_per_second=40)
    stage.start()
    with ThreadPoolExecutor(1) as worker:
        first = worker.submit(stage.slice)
        wait_for(lambda: stage.counts()["accepted"] > 5, what="the first messages")
        with transaction.atomic():  # else its next pulse may come first, and keep the lease
            stage.let_leases_run_out(CampaignEngine)
            assert rows.acquire(stage.campaign.pk)
        stage.let_leases_run_out(CampaignMessage)
        stage.sweep()  # what it was sending is in doubt now, what it had only taken is back
        assert first.result(30) is Verdict.FENCED
    rows.release(stage.campaign.pk, 2, "", None)

    assert stage.send_all() is Verdict.DONE
    counts = stage.counts()
    assert sum(counts.values()) == 120
    # Answers that came after the lease was over still found their rows, so nothing stays in doubt.
    assert counts == {"accepted": 120}
    assert stage.accepted() == 120


def test_who_says_stop_while_it_runs_gets_nothing(stage: Stage) -> None:
    stage.prepare(40, messages_per_second=10)
    stage.start()
    last = CampaignMessage.objects.order_by("-id")[0]
    with ThreadPoolExecutor(1) as worker:
        running = worker.submit(stage.slice)
        wait_for(lambda: CampaignMessage.objects.get(pk=last.pk).status == "claimed" or stage.counts()["accepted"] > 8)
        OptOut.objects.create(
            organization=stage.organization, contact=last.contact, source="keyword", said="STOP", at=timezone.now()
        )
        assert running.result(30) is Verdict.DONE

    last.refresh_from_db()
    assert (last.status, last.skip_reason, last.message) == ("skipped", "opted_out", None)
    assert stage.accepted() == 39
    assert stage.live.sandbox("GET", f"/_sandbox/received?to={last.recipient}")["received"] == []


def test_pause_resume_and_cancel_are_exact(stage: Stage) -> None:
    stage.prepare(200, messages_per_second=50)
    stage.start()
    with ThreadPoolExecutor(1) as worker:
        for before in (10, 40):
            running = worker.submit(stage.slice)
            wait_for(lambda before=before: stage.counts()["accepted"] > before, what="some messages")
            services.pause_campaign(actor=stage.author, campaign=stage.campaign, reason="Lunch.", at=timezone.now())
            at_pause = stage.accepted()
            assert running.result(30) is Verdict.STOPPED
            assert stage.accepted() - at_pause <= 55  # a second of overshoot at most
            assert set(stage.counts()) == {"accepted", "pending"}
            assert stage.slice() is Verdict.NOT_OURS
            services.resume_campaign(actor=stage.author, campaign=stage.campaign, at=timezone.now())
        running = worker.submit(stage.slice)
        wait_for(lambda: stage.counts()["accepted"] > 90, what="more messages")
        services.cancel_campaign(actor=stage.author, campaign=stage.campaign, reason="Enough.", at=timezone.now())
        assert running.result(30) is Verdict.STOPPED

    counts = stage.counts()
    assert set(counts) == {"accepted", "skipped"}
    assert sum(counts.values()) == 200
    assert stage.accepted() == counts["accepted"] < 200
    assert set(CampaignMessage.objects.filter(status="skipped").values_list("skip_reason", flat=True)) == {"cancelled"}
    assert stage.status() == "cancelled"
    assert CampaignPause.objects.filter(resumed_by=stage.author.membership).count() == 2


def test_a_paused_template_pauses_the_campaign_and_burns_nobody(stage: Stage) -> None:
    stage.prepare(150)
    stage.start()
    stage.fault(kind="error", code=132015, share=0.1)

    assert stage.slice() is Verdict.STOPPED

    assert stage.status() == "paused"
    pause = CampaignPause.objects.get()
    assert (pause.error_code, pause.paused_by) == (132015, None)
    assert pause.reason == "WhatsApp has paused or disabled this template. Choose another template."
    assert set(stage.counts()) <= {"accepted", "pending"}
    assert stage.counts()["pending"] > 0

    stage.no_faults()
    services.resume_campaign(actor=stage.author, campaign=stage.campaign, at=timezone.now())
    assert stage.slice() is Verdict.DONE
    assert stage.accepted() == 150


def test_a_dead_token_stops_its_number_and_the_other_one_goes_on(stage: Stage) -> None:
    stage.prepare(150, numbers=2)
    stage.start()
    stage.fault(kind="unauthorized", phone_number_id=stage.channels[0].phone_number_id)

    assert stage.send_all() is Verdict.DONE

    assert stage.counts() == {"accepted": 150}
    blocked = Channel.objects.get(pk=stage.channels[0].pk)
    assert blocked.blocked_at
    assert blocked.status_reason == "The access token of this number no longer works."
    assert set(CampaignMessage.objects.values_list("channel", flat=True)) == {stage.channels[1].pk}
    assert stage.accepted() == 150


def test_with_no_number_left_it_pauses_and_burns_nobody(stage: Stage) -> None:
    stage.prepare(100)
    stage.start()
    stage.fault(kind="unauthorized")

    assert stage.slice() is Verdict.STOPPED

    assert stage.status() == "paused"
    assert "no longer works" in stage.campaign.status_reason
    assert stage.counts() == {"pending": 100}
    assert not Message.objects.exists()
    with pytest.raises(ChannelUnusable):
        services.resume_campaign(actor=stage.author, campaign=stage.campaign, at=timezone.now())


def test_too_fast_is_put_off_and_costs_no_attempt(stage: Stage) -> None:
    """The number is slower at WhatsApp than we think, and a storm of refusals comes on top."""
    stage.prepare(160, throughput=60)
    Channel.objects.update(messages_per_second=400)
    stage.start()
    stage.fault(kind="error", code=130429, share=0.2)

    assert stage.send_all() is Verdict.DONE

    assert stage.counts() == {"accepted": 160}
    assert stage.accepted() == 160
    assert stage.summary()["messages"]["refused"]["130429"] > 10
    assert set(CampaignMessage.objects.values_list("attempts", flat=True)) == {1}


def test_each_refusal_is_treated_as_what_it_means(stage: Stage) -> None:
    """Numbers with these endings fail in the sandbox; everybody else gets it."""
    stage.prepare(20)
    for code, name in ((131026, "Gone"), (131049, "Withheld"), (131050, "Stopped"), (130472, "Experiment")):
        stage.fault(kind="error", code=code, to=f"97150888{code % 10000:04}")
        factories.owner(stage.project, name, value=f"+97150888{code % 10000:04}")
    stage.start()

    assert stage.send_all() is Verdict.DONE

    failed = CampaignMessage.objects.filter(status="failed").order_by("error_code")
    assert list(failed.values_list("error_code", "contact__display_name")) == [
        (130472, "Experiment"), (131026, "Gone"), (131049, "Withheld"), (131050, "Stopped"),
    ]  # fmt: skip
    assert OptOut.objects.get().contact.display_name == "Stopped"
    assert stage.counts() == {"accepted": 20, "failed": 4}
    assert {m.status for m in Message.objects.filter(error_code__isnull=False)} == {"failed"}


def test_what_may_have_been_sent_is_never_sent_again(stage: Stage) -> None:
    """WhatsApp takes the message and the answer is lost; only its later status says what became of it."""
    stage.prepare(120)
    stage.start()
    stage.fault(kind="half_body", share=0.1)
    stage.fault(kind="empty", share=0.05, seed=8)

    assert stage.send_all() is Verdict.DONE

    lost = sum(stage.summary()["messages"]["faults"].values())
    assert lost > 5
    assert stage.counts() == {"accepted": 120 - lost, "unknown": lost}
    assert stage.accepted() == 120
    assert stage.sweep() == 0
    assert stage.slice() is Verdict.NOT_OURS

    settle_from_record(stage)

    assert stage.counts() == {"accepted": 120 - lost, "delivered": lost}
    assert not CampaignMessage.objects.filter(accepted_at__isnull=True).exists()


def test_an_outage_without_answers_stops_before_many_are_in_doubt(stage: Stage) -> None:
    stage.prepare(400)
    stage.start()
    stage.fault(kind="http", status=502)

    assert stage.send_all() is Verdict.STOPPED

    assert stage.status() == "paused"
    assert "left open what became of" in stage.campaign.status_reason
    counts = stage.counts()
    assert set(counts) == {"unknown", "pending"}
    assert counts["unknown"] < 320
    assert sum(counts.values()) == 400


def test_who_could_not_be_reached_is_tried_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.prepare(30)
    stage.start()
    monkeypatch.setattr(settings, "WHATSAPP_API_URL", f"http://127.0.0.1:{free_port()}")

    assert stage.slice(2) in (Verdict.MORE, Verdict.WAITING)

    assert stage.counts() == {"pending": 30}
    assert not Message.objects.exists()
    monkeypatch.setattr(settings, "WHATSAPP_API_URL", stage.live.sandbox_url)
    CampaignMessage.objects.update(not_before=None)
    assert stage.send_all() is Verdict.DONE
    assert stage.accepted() == 30
    assert set(CampaignMessage.objects.values_list("attempts", flat=True)) == {1}


def test_it_sleeps_in_quiet_hours_and_does_not_wake_after_its_end(stage: Stage) -> None:
    now = timezone.now()
    quiet = [(now + timedelta(hours=4 + shift)).time().replace(microsecond=0) for shift in (-1, 1)]  # in Dubai
    stage.prepare(10, quiet_from=quiet[0], quiet_until=quiet[1], ends_at=now + timedelta(minutes=5))
    stage.start()

    assert stage.slice() is Verdict.WAITING
    assert stage.accepted() == 0
    assert stage.counts() == {"pending": 10}
    assert stage.sweep() == 0  # it need not be woken before they end

    stage.campaign.ends_at = now - timedelta(seconds=1)
    stage.campaign.starts_at = None
    stage.campaign.save(update_fields=["ends_at", "starts_at"])
    stage.sweep()

    assert stage.status() == "completed"
    assert list(CampaignMessage.objects.values_list("skip_reason", flat=True)) == ["ended"] * 10


def test_the_pace_is_kept(stage: Stage) -> None:
    stage.prepare(160, messages_per_second=40)
    stage.start()

    assert stage.slice() is Verdict.DONE

    received = stage.live.sandbox("GET", "/_sandbox/received?kind=messages")["received"]
    moments = sorted(entry["at"] for entry in received)
    reached = (len(moments) - 1) / (moments[-1] - moments[0])
    assert 34 < reached < 41.5
    assert max(sum(at <= other < at + 1 for other in moments) for at in moments) <= 44


def settle_from_record(stage: Stage) -> None:
    """Statuses of everything that the sandbox took and we are unsure of, as WhatsApp would tell them."""
    doubtful = {str(pk) for pk in Message.objects.filter(status="unknown").values_list("pk", flat=True)}
    since, updates = 0, []
    while True:
        answer = stage.live.sandbox("GET", f"/_sandbox/received?kind=messages&since={since}")
        if not answer["received"]:
            break
        since = answer["next"]
        for entry in answer["received"]:
            message_id = str(entry["biz_opaque_callback_data"]).removeprefix("m").partition(".")[0]
            if entry["accepted"] and message_id in doubtful:
                updates.append((entry["phone_number_id"], entry["accepted"], entry["biz_opaque_callback_data"]))
    for channel in stage.channels:
        mine = [
            StatusUpdate(provider_id=wamid, status="delivered", at=timezone.now(), callback_data=callback)
            for number, wamid, callback in updates
            if number == channel.phone_number_id
        ]
        apply_statuses(actor=system(stage.organization), channel=channel, updates=mine, at=timezone.now())
