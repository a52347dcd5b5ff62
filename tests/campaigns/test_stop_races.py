"""STOP that arrives while a campaign is at work: from the moment it is kept, nobody who said it is written to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import connections
from django.test import Client
from django.utils import timezone

from campaigns.engine.verdict import Verdict
from campaigns.models import CampaignMessage
from core.actors import system
from core.tenancy import organization_scope
from messaging.models import Message, OptOut, WebhookEvent
from messaging.services import processing
from tests.campaigns.conftest import Stage
from tests.messaging import factories as talk

PEOPLE = 60


def test_stops_at_random_moments_of_a_running_campaign(stage: Stage) -> None:
    stage.prepare(PEOPLE, messages_per_second=15)
    stage.start()
    number = stage.channels[0]
    chosen = list(CampaignMessage.objects.order_by("?").values_list("contact_id", "recipient")[: PEOPLE // 2])
    kept: dict[int, datetime] = {}

    def say_stop(contact_id: int, wa_id: str) -> None:
        """One signed webhook, processed like a worker does it."""
        with organization_scope(stage.organization.pk):
            said = talk.value(
                number_id=number.phone_number_id,
                contacts=[{"profile": {"name": "Owner"}, "wa_id": wa_id}],
                messages=[talk.text_message("STOP", wa_id=wa_id)],
            )
            body = talk.body(said, waba_id=number.waba_id)
            answer = talk.deliver(Client(), body, signature=talk.sign(body, number.app_secret))
            assert answer.status_code == 200
            event = WebhookEvent.objects.filter(body=body)
            while not event.filter(state="done").exists():  # another thread may have it in its batch
                processing.process_webhooks(actor=system(stage.organization), at=timezone.now())
            kept[contact_id] = timezone.now()

    def say_it_now_and_then() -> None:
        try:
            for contact_id, wa_id in chosen:
                say_stop(contact_id, wa_id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        running = pool.submit(stage.slice, 30.0)
        saying = pool.submit(say_it_now_and_then)
        saying.result(60)
        assert running.result(60) is Verdict.DONE

    assert OptOut.objects.live().count() == len(chosen)
    made = dict(Message.objects.filter(type="template").values_list("conversation__contact_id", "queued_at"))
    too_late = {contact_id for contact_id, at in kept.items() if contact_id in made and made[contact_id] > at}
    assert too_late == set()
    skipped = CampaignMessage.objects.filter(status="skipped", skip_reason="opted_out").count()
    assert skipped > 0
    # The answers to STOP wait for a worker: what the sandbox took is the campaign's alone.
    assert stage.accepted() == PEOPLE - skipped
