"""Webhooks: who may speak to us, storing what they say before thinking, and thinking about all of it."""

from __future__ import annotations

import hashlib
import hmac
import traceback
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q

from core import audit
from core.actors import Actor
from core.jobs import enqueue
from core.models import Organization
from core.roles import Capability
from crm.services import contact_for_sender
from messaging import incoming
from messaging.errors import ChannelUnknown, SignatureInvalid
from messaging.incoming import Change, StatusUpdate
from messaging.models import Channel, WebhookEvent
from messaging.models.intake import EventState
from messaging.services.consent import heed_preference
from messaging.services.free_entry import heed_free_entry
from messaging.services.heeding import TALK_FIELDS, heed_change
from messaging.services.inbound import take_message
from messaging.services.progress import apply_statuses

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
MOST_ATTEMPTS = 5
# A poisoned event is tried again after 1, 4, 16, 64 minutes.
FIRST_RETRY = timedelta(minutes=1)
LOST_AFTER = timedelta(seconds=20)
SWEPT_AT_ONCE = 500


def channels_of(organization: Organization) -> list[Channel]:
    """The numbers whose webhooks this organisation takes, the ones that cannot send now too."""
    return list(Channel.objects.for_organization(organization).live().order_by("pk"))


def is_verify_token(*, organization: Organization, given: str) -> bool:
    """Whether one of the organisation's numbers has this verify token. Every one is compared, in constant time."""
    matches = [
        hmac.compare_digest(channel.verify_token.encode(), given.encode(errors="replace"))
        for channel in channels_of(organization)
        if channel.verify_token
    ]
    return any(matches)


def receive_webhook(*, organization: Organization, body: bytes, signature: str, at: datetime) -> WebhookEvent:
    """Keep a body that WhatsApp signed for a number of this organisation, and have it processed soon.

    In this order, and nothing is kept unless all hold: the signature over the raw bytes (SignatureInvalid), that it
    is a whole webhook (WebhookMalformed), and that it is about a number of ours (ChannelUnknown).
    """
    signers = [channel for channel in channels_of(organization) if _signed_by(channel, body, signature)]
    if not signers:
        log.warning("webhook_refused", reason="signature", organization_id=organization.pk, bytes=len(body))
        raise SignatureInvalid("The signature does not fit: sign the raw body with the app secret of this number.")
    changes = incoming.parse(body)
    if not any(_is_about(change, signers) for change in changes):
        log.warning("webhook_refused", reason="channel_unknown", organization_id=organization.pk, bytes=len(body))
        raise ChannelUnknown("No number of this organisation is named in this webhook.")
    with transaction.atomic():
        event = WebhookEvent.objects.create(
            organization=organization, body=body, signature_verified=True, received_at=at
        )
        enqueue("messaging.process_webhook", organization_id=organization.pk, event_id=event.pk)
    return event


def process_webhook(*, actor: Actor, event_id: int, at: datetime) -> bool:
    """Work through one stored body: every entry, change, message and status. False when it was not ours to take.

    What fails is noted and tried again later, by itself; everything else in the same body is done. Doing it again
    changes nothing that was right.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    event = _claim(actor, event_id, at)
    if event is None:
        return False
    changes = incoming.parse(bytes(event.body))
    errors = _process(actor, changes, event.received_at)
    if not errors:
        WebhookEvent.objects.filter(pk=event.pk).update(
            state=EventState.DONE, processed_at=at, lease_until=None, error="", updated_at=at
        )
        return True
    again = at + FIRST_RETRY * 4 ** min(event.attempts - 1, 6)
    WebhookEvent.objects.filter(pk=event.pk).update(
        state=EventState.FAILED, error="\n\n".join(errors)[:20_000], lease_until=again, updated_at=at
    )
    log.error("webhook_failed", event_id=event.pk, organization_id=actor.organization.pk, attempts=event.attempts)
    return True


def replay_webhooks(*, actor: Actor, events: Iterable[int], at: datetime) -> int:
    """Process stored bodies again, whatever became of them the first time. Returns how many will be."""
    actor.require(Capability.CHANNELS_MANAGE)
    with transaction.atomic():
        rows = list(
            WebhookEvent.objects.for_organization(actor.organization)
            .filter(pk__in=list(events))
            .exclude(state=EventState.PROCESSING, lease_until__gt=at)
            .select_for_update()
            .order_by("pk")
        )
        WebhookEvent.objects.filter(pk__in=[row.pk for row in rows]).update(
            state=EventState.STORED, attempts=0, lease_until=None, error="", updated_at=at
        )
        for row in rows:
            audit.record(actor=actor, action="messaging.webhook_replayed", target=row, at=at)
            enqueue("messaging.process_webhook", organization_id=actor.organization.pk, event_id=row.pk)
    return len(rows)


def sweep_webhooks(*, actor: Actor, at: datetime) -> int:
    """Nudge what was stored but lost its nudge, what a dead worker held, and what failed and may be tried again."""
    actor.require(Capability.CHANNELS_MANAGE)
    waiting = WebhookEvent.objects.for_organization(actor.organization).filter(
        Q(state=EventState.STORED, received_at__lt=at - LOST_AFTER)
        | Q(state=EventState.PROCESSING, lease_until__lt=at)
        | Q(state=EventState.FAILED, attempts__lt=MOST_ATTEMPTS, lease_until__lt=at)
    )
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:SWEPT_AT_ONCE])
    for event_id in ids:
        enqueue("messaging.process_webhook", organization_id=actor.organization.pk, event_id=event_id)
    return len(ids)


def _signed_by(channel: Channel, body: bytes, signature: str) -> bool:
    if not channel.app_secret:
        return False
    expected = "sha256=" + hmac.digest(channel.app_secret.encode(), body, hashlib.sha256).hex()
    return hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))


def _is_about(change: Change, channels: Sequence[Channel]) -> bool:
    """A number is known by its id alone; only what names no number is known by the account."""
    if change.phone_number_id:
        return any(channel.phone_number_id == change.phone_number_id for channel in channels)
    return change.field != "messages" and any(channel.waba_id == change.waba_id for channel in channels)


def _claim(actor: Actor, event_id: int, at: datetime) -> WebhookEvent | None:
    """Take the event if nobody holds it: one conditional UPDATE, committed before the work."""
    rows = WebhookEvent.objects.for_organization(actor.organization).filter(pk=event_id)
    taken = rows.filter(
        Q(state__in=[EventState.STORED, EventState.FAILED]) | Q(state=EventState.PROCESSING, lease_until__lt=at)
    ).update(state=EventState.PROCESSING, attempts=F("attempts") + 1, lease_until=at + LEASE, updated_at=at)
    return rows.get() if taken else None


def _process(actor: Actor, changes: Sequence[Change], received_at: datetime) -> list[str]:
    """Each message in a transaction of its own, the statuses of a number in one; returns what went wrong."""
    channels = channels_of(actor.organization)
    by_number = {channel.phone_number_id: channel for channel in channels}
    statuses: dict[str, list[StatusUpdate]] = defaultdict(list)
    errors: list[str] = []
    for change in changes:
        if not _is_about(change, channels):
            log.warning("webhook_change_of_another", organization_id=actor.organization.pk, field=change.field)
            continue
        channel = by_number.get(change.phone_number_id)
        try:
            if channel is None or change.field not in TALK_FIELDS:
                errors += heed_change(actor=actor, change=change, channels=channels, at=received_at)
                continue
            _note_errors(actor, channel, change)
            heed_free_entry(actor=actor, channel=channel, value=change.value, at=received_at)
            statuses[change.phone_number_id] += incoming.read_statuses(change.value, received_at=received_at)
            _heed_preferences(actor, change, received_at)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            errors.append(traceback.format_exc(limit=8))
        else:
            errors += _take_messages(actor, channel, change, received_at)
    for number, updates in statuses.items():
        try:
            if updates:
                apply_statuses(actor=actor, channel=by_number[number], updates=updates, at=received_at)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            errors.append(traceback.format_exc(limit=8))
    return errors


def _take_messages(actor: Actor, channel: Channel, change: Change, received_at: datetime) -> list[str]:
    errors = []
    for raw in incoming.messages(change.value):
        try:
            said = incoming.read_message(change.value, raw, received_at=received_at)
            take_message(actor=actor, channel=channel, said=said, at=received_at)
        except (OperationalError, InterfaceError):
            raise  # the database is away: the lease runs out and the whole body is taken up again
        except Exception:
            # One poisoned message must not keep the rest of the batch; the event stays failed and is tried again.
            errors.append(traceback.format_exc(limit=8))
    return errors


def _note_errors(actor: Actor, channel: Channel, change: Change) -> None:
    """Errors that belong to no message: there is nobody to show them to but who watches the logs."""
    for error in change.value.get("errors") or []:
        code = error.get("code") if isinstance(error, dict) else None
        log.error("whatsapp_error", organization_id=actor.organization.pk, channel_id=channel.pk, code=code)


def _heed_preferences(actor: Actor, change: Change, received_at: datetime) -> None:
    for sender, value, at in incoming.read_preferences(change.value, received_at=received_at):
        with transaction.atomic():
            contact = contact_for_sender(
                actor=actor,
                phone=sender.phone or None,
                bsuid=sender.user_id or None,
                name=sender.name,
                at=received_at,
            )
            heed_preference(actor=actor, contact=contact, address=sender.address, value=value, at=at)
