"""What Celery may call: each opens the organisation's scope, calls one service, and may run twice."""

from __future__ import annotations

import time
from collections.abc import Callable

from celery import shared_task
from django.utils import timezone

from core.actors import Actor, system
from core.errors import Unavailable
from core.jobs import enqueue
from core.models import Organization
from core.models.organization import OrganizationStatus
from core.tenancy import organization_scope
from messaging.models import Channel
from messaging.services import (
    assistant,
    channels,
    delivery,
    files,
    meanings,
    processing,
    receipts,
    template_sync,
    tokens,
)

# Longer waits are left to the sweeper: a broker is no calendar.
LONGEST_COUNTDOWN = 120
LONGEST_TURN = 20.0  # seconds


@shared_task(name="messaging.process_webhooks")
def process_webhooks(*, organization_id: int) -> None:
    """Until nothing waits; after a while another takes over, so that no house keeps a worker to itself."""
    end = time.monotonic() + LONGEST_TURN
    with organization_scope(organization_id, source="whatsapp"):
        actor, last = _system(organization_id), 0
        while last := processing.process_webhooks(actor=actor, at=timezone.now(), after=last):
            enqueue("messaging.understand", organization_id=organization_id)  # once a batch, not once a message
            if time.monotonic() > end:
                process_webhooks.apply_async(kwargs={"organization_id": organization_id})
                return


@shared_task(name="messaging.deliver")
def deliver(*, organization_id: int, message_id: int) -> None:
    with organization_scope(organization_id):
        again = delivery.deliver_message(actor=_system(organization_id), message_id=message_id, at=timezone.now())
    if again is not None and again.seconds <= LONGEST_COUNTDOWN:
        deliver.apply_async(
            kwargs={"organization_id": organization_id, "message_id": message_id}, countdown=again.seconds + 0.1
        )


@shared_task(name="messaging.fetch_media", autoretry_for=(Unavailable,), retry_backoff=5, max_retries=5)
def fetch_media(*, organization_id: int, message_id: int) -> None:
    with organization_scope(organization_id):
        files.fetch_media(actor=_system(organization_id), message_id=message_id, at=timezone.now())


@shared_task(name="messaging.send_read_receipt")
def send_read_receipt(*, organization_id: int, message_id: int) -> None:
    with organization_scope(organization_id):
        receipts.send_read_receipt(actor=_system(organization_id), message_id=message_id)


@shared_task(name="messaging.send_typing", expires=20)
def send_typing(*, organization_id: int, message_id: int) -> None:
    with organization_scope(organization_id):
        receipts.send_read_receipt(actor=_system(organization_id), message_id=message_id, is_typing=True)


@shared_task(name="messaging.sync_templates", autoretry_for=(Unavailable,), retry_backoff=5, max_retries=5)
def sync_templates(*, organization_id: int, channel_id: int) -> None:
    with organization_scope(organization_id):
        channel = Channel.objects.get(pk=channel_id)
        template_sync.sync_templates(actor=_system(organization_id), channel=channel, at=timezone.now())


@shared_task(name="messaging.check_channel")
def check_channel(*, organization_id: int, channel_id: int) -> None:
    with organization_scope(organization_id):
        channel = Channel.objects.get(pk=channel_id)
        channels.check_channel(actor=_system(organization_id), channel=channel, at=timezone.now())


@shared_task(name="messaging.watch_tokens")
def watch_tokens() -> None:
    _everywhere(lambda actor: tokens.watch_tokens(actor=actor, at=timezone.now()))


@shared_task(name="messaging.understand")
def understand(*, organization_id: int) -> None:
    with organization_scope(organization_id):
        meanings.understand_waiting(actor=_system(organization_id), at=timezone.now())


@shared_task(name="messaging.sweep_meanings")
def sweep_meanings() -> None:
    _everywhere(lambda actor: meanings.understand_waiting(actor=actor, at=timezone.now()))


@shared_task(name="messaging.answer_turn")
def answer_turn(*, organization_id: int, turn_id: int) -> None:
    with organization_scope(organization_id):
        assistant.answer_turn(actor=_system(organization_id), turn_id=turn_id, at=timezone.now())


@shared_task(name="messaging.sweep_turns")
def sweep_turns() -> None:
    _everywhere(lambda actor: assistant.sweep_turns(actor=actor, at=timezone.now()))


@shared_task(name="messaging.sweep_webhooks")
def sweep_webhooks() -> None:
    _everywhere(lambda actor: processing.sweep_webhooks(actor=actor, at=timezone.now()))


@shared_task(name="messaging.sweep_messages")
def sweep_messages() -> None:
    _everywhere(lambda actor: delivery.sweep_messages(actor=actor, at=timezone.now()))
    _everywhere(lambda actor: files.sweep_media(actor=actor, at=timezone.now()))


def _system(organization_id: int) -> Actor:
    return system(Organization.objects.get(pk=organization_id))


def _everywhere(sweep: Callable[[Actor], object]) -> None:
    """Every active organisation, one scope after the other."""
    for organization in Organization.objects.filter(status=OrganizationStatus.ACTIVE):
        with organization_scope(organization.pk):
            sweep(system(organization))
