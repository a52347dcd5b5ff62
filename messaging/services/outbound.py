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
from messaging import live, media, payloads, shapes, templates
from messaging.errors import (
    ConversationClosed,
    MediaInvalid,
    NotYetSent,
    QuoteElsewhere,
    RequestIdReused,
    TextInvalid,
)
from messaging.models import Conversation, Message, MessageTemplate
from messaging.models.channels import ParameterFormat
from messaging.models.conversations import ConversationStatus, Direction, MessageStatus, MessageType
from messaging.services.conversations import visible_conversation
from messaging.services.gate import (
    message_of_request,
    plain_text,
    require_sendable,
    require_unanswered,
    require_usable,
)

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
    seen_message_id: int | None = None,
    at: datetime,
) -> Message:
    """Queue a text of 1 to 4,096 characters. The same client_request_id makes one message, however often it comes.

    `seen_message_id` is the newest message that the writer had before him: AnsweredMeanwhile says that a colleague has
    answered since. Without it nobody asks. Raises TextInvalid, WindowClosed (409 `window_closed`: only a template may be sent), ChannelUnable, OptedOut,
    RecipientUnknown, ConversationClosed, QuoteElsewhere, RequestIdReused.
    """
    text = plain_text(body)
    return _queue(
        actor, conversation, _Draft(MessageType.TEXT, text, {}), client_request_id, quoted, at, seen_message_id
    )


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
    seen_message_id: int | None = None,
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
    existing = message_of_request(actor, client_request_id)
    path = existing.media_file if existing else media.keep(actor.organization.pk, upload.content, mime_type)
    draft = _Draft(
        MessageType(kind),
        caption.replace("\x00", "").strip(),
        {},
        media_file=path,
        media_type=mime_type,
        media_name=media.plain_name(upload.name),
    )
    return _queue(actor, conversation, draft, client_request_id, quoted, at, seen_message_id)


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


@transaction.atomic
def _queue(
    actor: Actor,
    conversation: Conversation,
    draft: _Draft,
    client_request_id: str,
    quoted: Message | None,
    at: datetime,
    seen_message_id: int | None = None,
) -> Message:
    actor.require(Capability.CONVERSATIONS_REPLY)
    if not 1 <= len(client_request_id) <= 64 or client_request_id.startswith(OF_CAMPAIGNS):
        raise TextInvalid(
            f"Send a client_request_id of 1 to 64 characters that does not begin with {OF_CAMPAIGNS}",
            field="client_request_id",
        )
    conversation = visible_conversation(actor=actor, conversation=conversation)
    existing = message_of_request(actor, client_request_id)
    if existing is not None:
        return _same(existing, conversation, draft)
    if seen_message_id is not None:
        require_unanswered(actor, conversation, seen_message_id)
    if conversation.status in (ConversationStatus.CLOSED, ConversationStatus.ARCHIVED):
        raise ConversationClosed("This conversation is closed; open it again to write.")
    if quoted is not None and quoted.conversation_id != conversation.pk:
        raise QuoteElsewhere("The quoted message is not of this conversation.", field="quoted")
    if draft.template is not None:
        require_usable(draft.template, conversation)
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
    changes: dict[str, Any] = {"last_message_at": at}
    if actor.membership is not None and draft.type != MessageType.REACTION:
        changes["waiting_since"] = None  # somebody answered; what Majlis says by itself is no answer
    Conversation.objects.filter(pk=conversation.pk).update(**changes)
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


def _same(existing: Message, conversation: Conversation, draft: _Draft) -> Message:
    said = (existing.conversation_id, existing.type, existing.body, existing.payload)
    if said != (conversation.pk, draft.type, draft.body, dict(draft.payload)):
        raise RequestIdReused("This client_request_id was already used for another message.", used_by=existing.pk)
    return existing
