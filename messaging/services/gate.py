"""The questions that every single message is asked before it may go, when it is queued and again when it is sent."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from core.actors import Actor
from messaging import payloads, window
from messaging.errors import (
    AnsweredMeanwhile,
    AnswersOnly,
    ChannelUnable,
    OptedOut,
    RecipientUnknown,
    TemplateUnusable,
    TextInvalid,
    WindowClosed,
)
from messaging.models import Conversation, Message, MessageTemplate
from messaging.models.channels import TemplateStatus
from messaging.models.conversations import Direction, MessageType
from messaging.refusals import (
    SENTENCES,
    Refusal,
    best_point,
    is_able,
    is_listed,
    may_answer,
    opted_out,
    points_of,
    refusal_of_points,
)


def require_sendable(*, conversation: Conversation, category: str, needs_window: bool, at: datetime) -> str:
    """The address to write to. The one place that says no to a single message, when it is queued and again when sent.

    `category` is a template's, or "" for a free reply. Raises ChannelUnable, AnswersOnly, OptedOut, RecipientUnknown, WindowClosed.
    """
    channel, contact = conversation.channel, conversation.contact
    if not may_answer(channel):
        reason = channel.status_reason or "it is not connected"
        raise ChannelUnable(
            f"{channel.name} cannot send now: {reason}. Ask an admin to check the channel.", channel=channel.pk
        )
    if not needs_window and not is_able(channel):
        raise AnswersOnly(
            f"{channel.name} may only answer now: {channel.status_reason} Ask an admin to check the channel.",
            channel=channel.pk,
        )
    if needs_window and not window.is_open(conversation.window_expires_at, at):
        closed = conversation.window_expires_at
        since = f"closed at {closed:%Y-%m-%d %H:%M} UTC" if closed else "never opened: this person has not written yet"
        raise WindowClosed(
            f"The 24-hour window {since}. Send an approved template instead.",
            closed_at=closed.isoformat() if closed else None,
        )
    points = points_of(contact)
    stopped = opted_out(
        organization=conversation.organization,
        contact_ids=[contact.pk],
        points={contact.pk: points},
        category=category,
    )
    if stopped:
        raise OptedOut(SENTENCES[Refusal.OPTED_OUT], contact=contact.pk)
    if conversation.address and is_listed(conversation.organization, conversation.address):
        raise RecipientUnknown(SENTENCES[Refusal.DO_NOT_CONTACT], contact=contact.pk, reason="do_not_contact")
    # Who wrote to us is answered where they wrote from, whatever the state of the numbers we have on file.
    if conversation.address and needs_window:
        return conversation.address
    refusal = refusal_of_points(points, category=category)
    if refusal is not None and not (conversation.address and refusal is not Refusal.US_MARKETING):
        raise RecipientUnknown(SENTENCES[refusal], contact=contact.pk, reason=refusal.value)
    best = best_point(points)
    return conversation.address or (best.value.removeprefix("+") if best else "")


def require_unanswered(actor: Actor, conversation: Conversation, seen_message_id: int) -> None:
    """Raises AnsweredMeanwhile. The conversation is locked: of two who answer at once the second is told what the first has said."""
    theirs = (
        Message.objects.for_organization(actor.organization)
        .live()
        .filter(conversation=conversation, direction=Direction.OUTBOUND, pk__gt=seen_message_id)
        .filter(Q(author__isnull=False) | Q(payload__origin="phone"))
        .exclude(author__isnull=False, author=actor.membership)
        .exclude(type__in=[MessageType.REACTION, MessageType.NOTE, MessageType.SYSTEM])
        .select_related("author__user")
        .order_by("pk")
        .first()
    )
    if theirs is not None:
        who = theirs.author.user.name if theirs.author else "A colleague"
        raise AnsweredMeanwhile(
            f"{who} has answered since you began to write. Read it, and send yours if it still holds.",
            by=who,
            answer=theirs.pk,
        )


def plain_text(body: str) -> str:
    """The words without what PostgreSQL cannot keep and without space around. Raises TextInvalid: 1 to 4,096 characters."""
    text = body.replace("\x00", "").strip()
    if not 1 <= len(text) <= payloads.LONGEST_TEXT:
        raise TextInvalid(f"Write between 1 and {payloads.LONGEST_TEXT} characters.", field="body", length=len(text))
    return text


def message_of_request(actor: Actor, client_request_id: str) -> Message | None:
    """What an earlier press with the same client_request_id has made, in whichever conversation."""
    rows = Message.objects.for_organization(actor.organization).filter(client_request_id=client_request_id)
    found: Message | None = rows.first()
    return found


def require_usable(template: MessageTemplate, conversation: Conversation) -> None:
    """Raises TemplateUnusable: not approved, or of another account."""
    usable = MessageTemplate.objects.usable_on(conversation.channel).filter(pk=template.pk).exists()
    if usable:
        return
    status = TemplateStatus(template.status).label.lower()
    raise TemplateUnusable(
        f"The template {template.name} ({template.language}) cannot be sent from this number: it is {status} or "
        "belongs to another account. Choose another template.",
        template=template.pk,
        status=template.status,
    )
