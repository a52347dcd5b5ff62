"""What happens to a number by itself: WhatsApp blocks it, rates it, and says which people it cannot reach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Count

from core import audit, events
from core.actors import Actor
from core.roles import Capability
from crm.models import ContactPoint
from crm.models.contacts import PointStatus
from messaging.events import ChannelChanged
from messaging.models import Channel, Message
from messaging.models.conversations import MessageStatus
from messaging.models.notices import NoticeKind
from messaging.services.noticing import note

log = structlog.get_logger(__name__)

UNDELIVERABLE = 131026
# So many messages that could not be delivered, and none that was, before a number is set aside for a person to check.
SUSPECT_AFTER = 2


@transaction.atomic
def block_channel(*, actor: Actor, channel: Channel, reason: str, at: datetime, is_told: bool = False) -> bool:
    """Nothing more goes out from this number until somebody has acted; False when it was blocked already.

    Messages stay queued: a token that is dead for an hour burns nobody. `is_told`: its history says why already.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    if not Channel.objects.filter(pk=channel.pk, blocked_at__isnull=True).update(
        blocked_at=at, status_reason=reason[:300]
    ):
        return False
    channel.blocked_at, channel.status_reason = at, reason[:300]
    log.error("channel_blocked", channel_id=channel.pk, organization_id=actor.organization.pk, reason=reason)
    audit.record(actor=actor, action="messaging.channel_blocked", target=channel, after={"reason": reason}, at=at)
    if not is_told:
        details = {"what": reason[:300]}
        key = at.isoformat()
        note(actor=actor, of=channel, kind=NoticeKind.NUMBER, code="BLOCKED", key=key, details=details, at=at)
    events.publish(ChannelChanged(actor.organization.pk, channel.pk))
    return True


@transaction.atomic
def limit_to_answers(*, actor: Actor, channel: Channel, reason: str, at: datetime, is_told: bool = False) -> bool:
    """No template goes out from this number until somebody has acted; people are still answered. False when it was so
    already, or nothing goes out at all. `is_told`: its history says why already."""
    actor.require(Capability.CHANNELS_MANAGE)
    free = Channel.objects.filter(pk=channel.pk, blocked_at__isnull=True, answers_only_since__isnull=True)
    if not free.update(answers_only_since=at, status_reason=reason[:300]):
        return False
    channel.answers_only_since, channel.status_reason = at, reason[:300]
    log.error("channel_limited", channel_id=channel.pk, organization_id=actor.organization.pk, reason=reason)
    audit.record(actor=actor, action="messaging.channel_limited", target=channel, after={"reason": reason}, at=at)
    if not is_told:
        key, details = at.isoformat(), {"what": reason[:300]}
        note(actor=actor, of=channel, kind=NoticeKind.NUMBER, code="ANSWERS_ONLY", key=key, details=details, at=at)
    events.publish(ChannelChanged(actor.organization.pk, channel.pk))
    return True


@transaction.atomic
def suspect_numbers(*, actor: Actor, message_ids: Sequence[int], at: datetime) -> int:
    """Numbers that WhatsApp could not reach twice, and never did, wait for a person to check them."""
    actor.require(Capability.CHANNELS_MANAGE)
    messages = Message.objects.for_organization(actor.organization)
    addresses = list(messages.filter(pk__in=message_ids).values_list("recipient", flat=True))
    failed = (
        messages.filter(recipient__in=addresses, error_code=UNDELIVERABLE, status=MessageStatus.FAILED)
        .values("recipient")
        .annotate(times=Count("pk"))
        .filter(times__gte=SUSPECT_AFTER)
        .values_list("recipient", flat=True)
    )
    reached = messages.filter(recipient__in=addresses, delivered_at__isnull=False).values_list("recipient", flat=True)
    suspects = set(failed) - set(reached)
    points = ContactPoint.objects.for_organization(actor.organization).live()
    for point in points.filter(
        value__in=[f"+{address}" for address in suspects],
        status__in=[PointStatus.UNVERIFIED, PointStatus.VALID],
    ):
        before = {"status": point.status}
        point.status = PointStatus.REVIEW
        point.notes = "WhatsApp could not deliver to it"
        point.save(update_fields=["status", "notes", "updated_at"])
        after = {"status": point.status}
        audit.record(actor=actor, action="crm.number_suspected", target=point, before=before, after=after, at=at)
    return len(suspects)
