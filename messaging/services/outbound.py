"""Writing to people: every single message passes `_queue`, which asks whether it may go out at all.

The row is the queue: a queued message is sent by messaging/services/delivery.py, now or when a sweeper finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from core import audit
from core.actors import Actor
from core.jobs import enqueue
from core.roles import Capability
from messaging import live, media, payloads, shapes, templates, window
from messaging.errors import (
    ChannelUnable,
    ConversationClosed,
    MediaInvalid,
    NotYetSent,
    OptedOut,
    QuoteElsewhere,
    RecipientUnknown,
    RequestIdReused,
    TemplateUnusable,
    TextInvalid,
    WindowClosed,
)
from messaging.models import Conversation, Message, MessageTemplate
from messaging.models.channels import ParameterFormat, TemplateStatus
from messaging.models.conversations import ConversationStatus, Direction, MessageStatus, MessageType
from messaging.refusals import (
    SENTENCES,
    Refusal,
    best_point,
    is_able,
    is_listed,
    opted_out,
    points_of,
    refusal_of_points,
)
from messaging.services.conversations import visible_conversation

# Request ids that begin so belong to messages of campaigns (campaigns/engine/rows.py).
OF_CAMPAIGNS = "campaign:"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a member chose. The name is only shown; where the file lies is decided by us."""

    content: bytes
    name: str


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is to be said, before anybody has asked whether it may be."""

    type: MessageType
    body: str
    payload: Mapping[str, Any]
    template: MessageTemplate | None = None
    media_file: str = ""
    media_type: str = ""
    media_name: str = ""

    @property
    def needs_window(self) -> bool:
        return self.template is None

    @property
    def category(self) -> str:
        return self.template.category if self.template else ""


def send_text(
    *,
    actor: Actor,
    conversation: Conversation,
    body: str,
    client_request_id: str,
    quoted: Message | None = None,
    at: datetime,
) -> Message:
    """Queue a text of 1 to 4,096 characters. The same client_request_id makes one message, however often it comes.

    Raises TextInvalid, WindowClosed (409 `window_closed`: only a template may be sent), ChannelUnable, OptedOut,
    RecipientUnknown, ConversationClosed, QuoteElsewhere, RequestIdReused.
    """
    text = body.replace("\x00", "").strip()
    if not 1 <= len(text) <= payloads.LONGEST_TEXT:
        raise TextInvalid(f"Write between 1 and {payloads.LONGEST_TEXT} characters.", field="body", length=len(text))
    return _queue(actor, conversation, _Draft(MessageType.TEXT, text, {}), client_request_id, quoted, at)


def send_template(
    *,
    actor: Actor,
    conversation: Conversation,
    template: MessageTemplate,
    parameters: Mapping[str, str],
    client_request_id: str,
    at: datetime,
) -> Message:
    """Queue an approved template; allowed outside the window. `parameters` are the keys of templates.variables.

    Raises TemplateUnusable, VariableMissing, and what send_text raises save for the window.
    """
    rendered = templates.render(
        template.components, parameters, is_named=template.parameter_format == ParameterFormat.NAMED
    )
    draft = _Draft(MessageType.TEMPLATE, rendered.text, {"components": rendered.components}, template=template)
    return _queue(actor, conversation, draft, client_request_id, None, at)


def send_media(
    *,
    actor: Actor,
    conversation: Conversation,
    upload: Upload,
    client_request_id: str,
    caption: str = "",
    quoted: Message | None = None,
    at: datetime,
) -> Message:
    """Queue a file, kept in our own storage. What it is, is read from its bytes, not from its name.

    Raises MediaInvalid (type or size that WhatsApp does not take), and what send_text raises.
    """
    actor.require(Capability.CONVERSATIONS_REPLY)
    if len(caption) > payloads.LONGEST_CAPTION:
        raise MediaInvalid(f"The caption may have {payloads.LONGEST_CAPTION} characters.", field="caption")
    kind, mime_type = media.recognise(upload.content, upload.name)
    media.require_size(kind, len(upload.content))
    existing = _already_queued(actor, client_request_id)
    path = existing.media_file if existing else media.keep(actor.organization.pk, upload.content, mime_type)
    draft = _Draft(
        MessageType(kind),
        caption.replace("\x00", "").strip(),
        {},
        media_file=path,
        media_type=mime_type,
        media_name=media.plain_name(upload.name),
    )
    return _queue(actor, conversation, draft, client_request_id, quoted, at)


def send_location(
    *,
    actor: Actor,
    conversation: Conversation,
    location: Mapping[str, Any],
    client_request_id: str,
    quoted: Message | None = None,
    at: datetime,
) -> Message:
    """Queue a place: latitude, longitude, and if given name and address. Raises ShapeInvalid, and what send_text does."""
    place = shapes.location(location)
    body = " · ".join(place[name] for name in ("name", "address") if name in place)
    draft = _Draft(MessageType.LOCATION, body, {"location": place})
    return _queue(actor, conversation, draft, client_request_id, quoted, at)


def send_contacts(
    *,
    actor: Actor,
    conversation: Conversation,
    contacts: Sequence[Any],
    client_request_id: str,
    quoted: Message | None = None,
    at: datetime,
) -> Message:
    """Queue contact cards, in the words of the Cloud API. Raises ShapeInvalid, and what send_text does."""
    cards = shapes.contacts(contacts)
    body = ", ".join(card["name"]["formatted_name"] for card in cards)
    draft = _Draft(MessageType.CONTACTS, body, {"contacts": cards})
    return _queue(actor, conversation, draft, client_request_id, quoted, at)


def send_interactive(
    *,
    actor: Actor,
    conversation: Conversation,
    interactive: Mapping[str, Any],
    client_request_id: str,
    quoted: Message | None = None,
    at: datetime,
) -> Message:
    """Queue something to press (messaging.shapes.interactive). Raises ShapeInvalid, and what send_text does."""
    made = shapes.interactive(interactive)
    draft = _Draft(MessageType.INTERACTIVE, made["body"]["text"], {"interactive": made})
    return _queue(actor, conversation, draft, client_request_id, quoted, at)


def send_reaction(
    *, actor: Actor, conversation: Conversation, message: Message, emoji: str, client_request_id: str, at: datetime
) -> Message:
    """React to a message of the conversation; another emoji changes the reaction, an empty one takes it back.

    Raises TextInvalid, NotYetSent, and what send_text raises.
    """
    emoji = emoji.strip()
    if len(emoji) > 16 or (emoji and (emoji.isalnum() or emoji.isascii())):
        raise TextInvalid("A reaction is one emoji.", field="emoji")
    if not message.provider_id:
        raise NotYetSent("This message has not reached WhatsApp yet; react a little later.", about=message.pk)
    draft = _Draft(MessageType.REACTION, emoji, {})
    return _queue(actor, conversation, draft, client_request_id, message, at)


def send_copy(
    *, actor: Actor, conversation: Conversation, original: Message, client_request_id: str, at: datetime
) -> Message:
    """Queue the same message once more, as a new one that asks every question anew. What send_text raises."""
    draft = _Draft(
        MessageType(original.type),
        original.body,
        {**original.payload, "copy_of": original.pk},
        template=original.template,
        media_file=original.media_file,
        media_type=original.media_type,
        media_name=original.media_name,
    )
    return _queue(actor, conversation, draft, client_request_id, original.quoted, at)


def require_sendable(*, conversation: Conversation, category: str, needs_window: bool, at: datetime) -> str:
    """The address to write to. The one place that says no to a single message, when it is queued and again when sent.

    `category` is a template's, or "" for a free reply. Raises ChannelUnable, OptedOut, RecipientUnknown, WindowClosed.
    """
    channel, contact = conversation.channel, conversation.contact
    if not is_able(channel):
        reason = channel.status_reason or "it is not connected"
        raise ChannelUnable(
            f"{channel.name} cannot send now: {reason}. Ask an admin to check the channel.", channel=channel.pk
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


@transaction.atomic
def _queue(
    actor: Actor,
    conversation: Conversation,
    draft: _Draft,
    client_request_id: str,
    quoted: Message | None,
    at: datetime,
) -> Message:
    actor.require(Capability.CONVERSATIONS_REPLY)
    if not 1 <= len(client_request_id) <= 64 or client_request_id.startswith(OF_CAMPAIGNS):
        raise TextInvalid(
            f"Send a client_request_id of 1 to 64 characters that does not begin with {OF_CAMPAIGNS}",
            field="client_request_id",
        )
    conversation = visible_conversation(actor=actor, conversation=conversation)
    existing = _already_queued(actor, client_request_id)
    if existing is not None:
        return _same(existing, conversation, draft)
    if conversation.status in (ConversationStatus.CLOSED, ConversationStatus.ARCHIVED):
        raise ConversationClosed("This conversation is closed; open it again to write.")
    if quoted is not None and quoted.conversation_id != conversation.pk:
        raise QuoteElsewhere("The quoted message is not of this conversation.", field="quoted")
    if draft.template is not None:
        _require_usable(draft.template, conversation)
    address = require_sendable(
        conversation=conversation, category=draft.category, needs_window=draft.needs_window, at=at
    )
    try:
        with transaction.atomic():
            message = Message.objects.create(
                organization=actor.organization,
                conversation=conversation,
                channel=conversation.channel,
                direction=Direction.OUTBOUND,
                type=draft.type,
                author=actor.membership,
                body=draft.body,
                payload=dict(draft.payload),
                quoted=quoted,
                template=draft.template,
                recipient=address,
                client_request_id=client_request_id,
                status=MessageStatus.QUEUED,
                media_file=draft.media_file,
                media_type=draft.media_type,
                media_name=draft.media_name,
                queued_at=at,
                at=at,
            )
    except IntegrityError:  # the same press in another conversation: only its id can collide
        raise RequestIdReused("This client_request_id was already used for another message.") from None
    Conversation.objects.filter(pk=conversation.pk).update(last_message_at=at)
    audit.record(
        actor=actor,
        action="messaging.message_queued",
        target=message,
        after={"conversation": conversation.pk, "type": draft.type.value},
        at=at,
    )
    enqueue("messaging.deliver", organization_id=actor.organization.pk, message_id=message.pk)
    live.announce(organization_id=actor.organization.pk, conversation_id=conversation.pk)
    return message


def _already_queued(actor: Actor, client_request_id: str) -> Message | None:
    found: Message | None = (
        Message.objects.for_organization(actor.organization).filter(client_request_id=client_request_id).first()
    )
    return found


def _same(existing: Message, conversation: Conversation, draft: _Draft) -> Message:
    said = (existing.conversation_id, existing.type, existing.body, existing.payload)
    if said != (conversation.pk, draft.type, draft.body, dict(draft.payload)):
        raise RequestIdReused("This client_request_id was already used for another message.", used_by=existing.pk)
    return existing


def _require_usable(template: MessageTemplate, conversation: Conversation) -> None:
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
