"""Sending what is queued: claim, one call, save the outcome. Nothing is sent twice by guess.

A message is claimed by one conditional UPDATE, committed before the first byte. What cannot be known afterwards is
`unknown`: nobody sends it again by itself, and its status webhook settles it by the callback data that it carries.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from core import events
from core.actors import Actor
from core.errors import DomainError, Unavailable
from core.jobs import enqueue
from core.roles import Capability
from messaging import live, media, pacing, payloads
from messaging.cloud_api import ask, credentials_of
from messaging.error_codes import Treatment, explain
from messaging.errors import OptedOut, WhatsAppRefused, WindowClosed
from messaging.events import MessagesProgressed
from messaging.gateway import Accepted, InDoubt, NotSent, Outcome, Refused
from messaging.models import Channel, Message
from messaging.models.channels import TemplateStatus
from messaging.models.conversations import STATUS_RANK, Direction, MessageStatus, MessageType
from messaging.models.intake import OptOutScope, OptOutSource
from messaging.sealing import words_to_send
from messaging.services.channel_state import block_channel, limit_to_answers, suspect_numbers
from messaging.services.consent import record_stop
from messaging.services.gate import require_sendable
from messaging.services.outbound import OF_CAMPAIGNS
from messaging.services.progress import match_parked
from messaging.statuses import callback_data

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)  # four times as long as a call may take
MEDIA_LEASE = timedelta(minutes=5)
LOST_AFTER = timedelta(seconds=20)
# A text that could not be sent for so long is no longer what its writer meant.
GIVE_UP_AFTER = timedelta(hours=6)
LONGEST_DELAY = 600.0
MOST_MEDIA_TRIES = 2
SWEPT_AT_ONCE = 500
PATIENCE = 2.0
STRUCTURED = (MessageType.LOCATION, MessageType.CONTACTS, MessageType.INTERACTIVE)


@dataclass(frozen=True, slots=True)
class Again:
    """Not sent now: nudge again after so many seconds."""

    seconds: float


def deliver_message(*, actor: Actor, message_id: int, at: datetime) -> Again | None:
    """Send one queued message of a conversation. Safe to call any number of times: one call sends.

    Messages of one conversation go out in the order they were written. Answers Again when it has to wait.
    """
    actor.require(Capability.CHANNELS_MANAGE)
    message = _next(actor, message_id, at)
    if message is None:
        return None
    refusal = _refusal(message, at)
    if isinstance(refusal, Again):
        return refusal
    if refusal is not None:
        _fail(actor, message, refusal, at)
        return None
    pace = pacing.Pace(message.channel_id, message.channel.messages_per_second)
    turn = pacing.take_turn(pace, message.recipient)
    if not turn.is_granted:
        return _wait(message, turn.wait, at)
    if not _claim(message, at):
        return None
    outcome = _send(message)
    again = _save(actor, message, outcome, at)
    if again is None:
        _nudge_next(actor, message)
    return again


def sweep_messages(*, actor: Actor, at: datetime) -> dict[str, int]:
    """Find lost nudges and dead workers' claims, and settle parked statuses. Counts what was found."""
    actor.require(Capability.CHANNELS_MANAGE)
    sending = _singles(actor).filter(status=MessageStatus.SENDING, lease_until__lt=at)
    doubtful = list(sending.values_list("pk", flat=True)[:SWEPT_AT_ONCE])
    for message_id in doubtful:
        _doubt(actor, message_id, "the worker that sent it did not come back", at)
    waiting = (
        _singles(actor)
        .filter(status=MessageStatus.QUEUED, channel__in=Channel.objects.able_to_send())
        .filter(Q(not_before__isnull=True, queued_at__lt=at - LOST_AFTER) | Q(not_before__lte=at))
    )
    lost = list(waiting.order_by("pk").values_list("pk", flat=True)[:SWEPT_AT_ONCE])
    for message_id in lost:
        enqueue("messaging.deliver", organization_id=actor.organization.pk, message_id=message_id)
    settled = sum(
        match_parked(actor=actor, channel=channel, at=at)
        for channel in Channel.objects.for_organization(actor.organization).live()
    )
    return {"doubtful": len(doubtful), "nudged": len(lost), "settled": settled}


def _singles(actor: Actor) -> Any:
    """Messages of conversations; those of campaigns are claimed, sent and settled by campaigns."""
    return (
        Message.objects.for_organization(actor.organization)
        .live()
        .filter(direction=Direction.OUTBOUND)
        .exclude(client_request_id__startswith=OF_CAMPAIGNS)
    )


def _next(actor: Actor, message_id: int, at: datetime) -> Message | None:
    """The message if it is its turn: due, and nothing written before it in the same conversation still waits."""
    rows = _singles(actor)
    earlier = rows.filter(
        conversation=OuterRef("conversation"),
        pk__lt=OuterRef("pk"),
        status__in=[MessageStatus.QUEUED, MessageStatus.SENDING],
    )
    found: Message | None = (
        rows.filter(pk=message_id, status=MessageStatus.QUEUED)
        .filter(Q(not_before__isnull=True) | Q(not_before__lte=at))
        .exclude(Exists(earlier))
        .select_related(
            "conversation__channel", "conversation__contact", "channel", "template", "quoted", "organization"
        )
        .select_related("conversation__organization", "conversation__contact__organization")
        .first()
    )
    return found


def _refusal(message: Message, at: datetime) -> Refused | Again | None:
    """What the same checks say now: somebody may have said stop, or the window closed, while it was queued."""
    if message.queued_at is not None and at - message.queued_at > GIVE_UP_AFTER:
        return Refused(0, None, "Given up", "It could not be sent for six hours; write again if it still holds.")
    category = message.template.category if message.template else ""
    if message.template is not None and message.template.status != TemplateStatus.APPROVED:
        return Refused(0, 132015, "Template not approved", f"The template is {message.template.status.lower()} now.")
    try:
        require_sendable(
            conversation=message.conversation, category=category, needs_window=message.template is None, at=at
        )
    except WindowClosed as error:
        return Refused(0, 131047, "Window closed", error.message)
    except OptedOut as error:
        return Refused(0, 131050, "Opted out", error.message)
    except DomainError as error:
        if error.code == "channel_unable":
            return Again(LONGEST_DELAY)  # it stays queued; the sweeper finds it once the number can send again
        return Refused(0, None, "Not sent", error.message)
    return None


def _claim(message: Message, at: datetime) -> bool:
    lease = MEDIA_LEASE if message.media_file else LEASE
    with transaction.atomic(durable=True):
        taken = Message.objects.filter(pk=message.pk, status=MessageStatus.QUEUED).update(
            status=MessageStatus.SENDING, attempts=F("attempts") + 1, lease_until=at + lease, updated_at=at
        )
    message.attempts += 1
    return bool(taken)


def _send(message: Message) -> Outcome:
    """The one call. A file is handed over first: until then not a byte of the message has left us."""
    credentials = credentials_of(message.channel)
    try:
        if message.media_file and not message.media_id:
            content = media.read(message.media_file)
            message.media_id = ask(
                lambda client: client.upload_media(credentials, content, message.media_type, message.media_name),
                timeout=120,
            )
            Message.objects.filter(pk=message.pk).update(media_id=message.media_id)
    except Unavailable as error:
        return NotSent(error.code)
    except WhatsAppRefused as error:
        return Refused(
            int(error.details.get("status") or 0), error.details.get("whatsapp_code"), "Upload refused", error.message
        )
    except DomainError as error:
        return Refused(0, None, "No file", error.message)
    body = payload_of(message)
    return ask(lambda client: client.send_message(credentials, body))


def payload_of(message: Message) -> Mapping[str, Any]:
    """The body of the request for one row."""
    callback = callback_data(message.pk, message.attempts)
    quoted = (message.quoted.provider_id if message.quoted else "") or message.quoted_provider_id
    if message.type == MessageType.TEMPLATE and message.template is not None:
        return payloads.template(
            message.recipient,
            message.template.name,
            message.template.language,
            message.payload.get("components", []),
            callback=callback,
        )
    if message.type == MessageType.REACTION:
        return payloads.reaction(message.recipient, quoted, message.body, callback=callback)
    if message.type in STRUCTURED:
        content = message.payload[message.type]
        return payloads.structured(message.recipient, message.type, content, quoted or None, callback=callback)
    if message.media_id:
        return payloads.media(
            message.recipient,
            message.type,
            message.media_id,
            message.body,
            message.media_name,
            quoted or None,
            callback=callback,
        )
    words = words_to_send(message.body, message.payload)
    return payloads.text(message.recipient, words, quoted or None, callback=callback)


def _save(actor: Actor, message: Message, outcome: Outcome, at: datetime) -> Again | None:
    match outcome:
        case Accepted():
            _accept(actor, message, outcome, at)
            return None
        case NotSent():
            return _wait(message, _backoff(message.attempts), at)
        case InDoubt():
            _doubt(actor, message.pk, outcome.reason, at)
            return None
        case Refused():
            return _heed_refusal(actor, message, outcome, at)


@transaction.atomic
def _accept(actor: Actor, message: Message, accepted: Accepted, at: datetime) -> None:
    """Save the wamid. A status may have been quicker: it never goes back, and what was parked is matched now."""
    below = [status for status, rank in STATUS_RANK.items() if rank < STATUS_RANK[MessageStatus.ACCEPTED]]
    rows = Message.objects.filter(pk=message.pk)
    rows.filter(provider_id="").update(provider_id=accepted.provider_id)
    rows.update(accepted_at=at, lease_until=None, updated_at=at)
    rows.filter(status__in=below).update(status=MessageStatus.ACCEPTED)
    match_parked(actor=actor, channel=message.channel, at=at, provider_ids=[accepted.provider_id])
    _tell(actor, message)


@transaction.atomic
def _doubt(actor: Actor, message_id: int, reason: str, at: datetime) -> None:
    """We do not know: shown as such, never sent again by itself."""
    taken = Message.objects.filter(pk=message_id, status=MessageStatus.SENDING).update(
        status=MessageStatus.UNKNOWN, error_details=reason[:500], lease_until=None, updated_at=at
    )
    if taken:
        message = Message.objects.get(pk=message_id)
        _tell(actor, message)
        _nudge_next(actor, message)


def _heed_refusal(actor: Actor, message: Message, refused: Refused, at: datetime) -> Again | None:
    treatment = explain(refused.code, refused.status).treatment
    if treatment is Treatment.RETRY_LATER:
        delay = _backoff(message.attempts)
        pacing.rest(pacing.Pace(message.channel_id, message.channel.messages_per_second), seconds=min(delay, 5))
        return _wait(message, delay, at)
    if treatment is Treatment.DEFER_PAIR:
        return _wait(message, 4.0 ** min(message.attempts, 4), at)
    if treatment is Treatment.REFETCH_MEDIA and message.media_file and message.attempts < MOST_MEDIA_TRIES:
        Message.objects.filter(pk=message.pk).update(media_id="")
        return _wait(message, _backoff(message.attempts), at)
    if treatment is Treatment.STOP_BILLABLE and message.template is not None:
        # Answers cost nothing and go on; this one would keep what is written after it waiting.
        meaning = explain(refused.code, refused.status).meaning
        limit_to_answers(actor=actor, channel=message.channel, reason=meaning, at=at)
        _fail(actor, message, refused, at)
        return None
    if treatment in (Treatment.STOP_CHANNEL, Treatment.STOP_BILLABLE):
        block_channel(actor=actor, channel=message.channel, reason=explain(refused.code, refused.status).meaning, at=at)
        return _wait(message, LONGEST_DELAY, at)
    _fail(actor, message, refused, at)
    return None


@transaction.atomic
def _fail(actor: Actor, message: Message, refused: Refused, at: datetime) -> None:
    """Refused for good: the reason is kept, and what it says of the person or the template is heeded."""
    Message.objects.filter(pk=message.pk, status__in=[MessageStatus.QUEUED, MessageStatus.SENDING]).update(
        status=MessageStatus.FAILED,
        failed_at=at,
        lease_until=None,
        error_code=refused.code,
        error_title=refused.title[:200],
        error_details=refused.details[:500],
        updated_at=at,
    )
    treatment = explain(refused.code, refused.status).treatment
    was_asked = refused.status != 0  # it was WhatsApp who said so, not we ourselves
    if treatment is Treatment.OPT_OUT and was_asked:
        record_stop(
            actor=actor,
            contact=message.conversation.contact,
            address=message.recipient,
            scope=OptOutScope.MARKETING,
            source=OptOutSource.BUTTON,
            said="stopped marketing in WhatsApp",
            at=at,
        )
    elif treatment is Treatment.SUSPECT_NUMBER:
        suspect_numbers(actor=actor, message_ids=[message.pk], at=at)
    elif treatment is Treatment.PAUSE_CAMPAIGN and was_asked:
        enqueue("messaging.sync_templates", organization_id=actor.organization.pk, channel_id=message.channel_id)
    _tell(actor, message)
    _nudge_next(actor, message)


def _wait(message: Message, seconds: float, at: datetime) -> Again:
    """Back to the queue, due after so many seconds and a little chance, so that not all come at once."""
    seconds = min(seconds, LONGEST_DELAY) * (1 + 0.2 * random.random())  # noqa: S311 - spreading, not secrecy
    Message.objects.filter(pk=message.pk, status__in=[MessageStatus.QUEUED, MessageStatus.SENDING]).update(
        status=MessageStatus.QUEUED, not_before=at + timedelta(seconds=seconds), lease_until=None, updated_at=at
    )
    return Again(seconds)


def _backoff(attempts: int) -> float:
    """2, 4, 8, ... seconds."""
    return float(2 ** min(attempts, 9))


def _tell(actor: Actor, message: Message) -> None:
    live.announce(organization_id=actor.organization.pk, conversation_id=message.conversation_id)
    events.publish(MessagesProgressed(actor.organization.pk, (message.pk,)))


def _nudge_next(actor: Actor, message: Message) -> None:
    """What was written after it in the same conversation may go now."""
    waiting = _singles(actor).filter(
        conversation=message.conversation_id, status=MessageStatus.QUEUED, pk__gt=message.pk
    )
    following = waiting.order_by("pk").values_list("pk", flat=True).first()
    if following is not None:
        enqueue("messaging.deliver", organization_id=actor.organization.pk, message_id=following)
