"""Conversations and their messages."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey, TenantModel, organization_of_parent
from core.models.base import LIVE
from core.roles import Reach
from crm.models import Contact
from messaging.models.channels import Channel
from messaging.models.meanings import Intent, Sentiment

if TYPE_CHECKING:
    from core.actors import Actor


class ConversationStatus(models.TextChoices):
    OPEN = "open", "Open"
    PENDING = "pending", "Pending"
    CLOSED = "closed", "Closed"
    ARCHIVED = "archived", "Archived"


class ConversationQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Agents: conversations assigned to them or their reports, and those of their own number."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        mine = actor.membership_ids
        return visible.filter(Q(assigned_to__in=mine) | Q(channel__owner__in=mine))

    def open(self) -> Self:
        return self.filter(status__in=["open", "pending"])

    def unanswered(self, since: datetime) -> Self:
        """Open talk in which nobody of ours has answered for as long."""
        return self.open().filter(waiting_since__lte=since)

    def awake(self, at: datetime) -> Self:
        """What nobody has put off until later."""
        return self.filter(Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=at))

    def closing(self, after: datetime, until: datetime) -> Self:
        """Open talk whose window closes in that time, so that only templates can follow."""
        return self.open().filter(window_expires_at__gt=after, window_expires_at__lte=until)


class Conversation(SoftDeleteModel):
    """All talk with one contact through one channel. At most one is open at a time."""

    hidden_with: ClassVar[tuple[str, ...]] = ("messages",)
    read_by_owner: ClassVar[bool] = True  # majlis_search_messages

    organization = organization_of_parent()
    channel = TenantForeignKey(Channel, related_name="conversations")
    contact = TenantForeignKey(Contact, db_index=False, related_name="conversations")
    assigned_to = TenantForeignKey(
        "core.Membership", null=True, blank=True, db_index=False, related_name="conversations"
    )
    status = models.CharField(max_length=8, choices=ConversationStatus, default=ConversationStatus.OPEN)
    topic = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=150, blank=True, help_text="where they last wrote from: digits, or a BSUID")
    last_message_at = models.DateTimeField(null=True, blank=True)
    last_inbound_at = models.DateTimeField(null=True, blank=True)
    window_expires_at = models.DateTimeField(null=True, blank=True, help_text="24 h after the last inbound message")
    free_entry_until = models.DateTimeField(
        null=True, blank=True, help_text="came by an advertisement: messages cost nothing until then"
    )
    waiting_since = models.DateTimeField(null=True, blank=True, help_text="their first word that nobody has answered")
    snoozed_until = models.DateTimeField(
        null=True, blank=True, help_text="out of sight until then, or until they write"
    )
    unread_count = models.PositiveIntegerField(default=0, help_text="inbound since someone here last read")
    last_sentiment = models.CharField(max_length=8, choices=Sentiment, blank=True, help_text="of what they last wrote")
    last_intent = models.CharField(max_length=16, choices=Intent, blank=True, help_text="of what they last wrote")

    objects = ConversationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "channel", "contact"],
                condition=LIVE & Q(status__in=["open", "pending"]),
                name="messaging_conversation_one_open_per_contact",
            ),
        ]
        indexes = [
            # the inbox: newest talk first, for all or for one member
            models.Index(fields=["organization", "-last_message_at"], name="messaging_inbox"),
            models.Index(fields=["organization", "assigned_to", "-last_message_at"], name="messaging_inbox_of_member"),
            # who waits for an answer, the longest first
            models.Index(
                fields=["organization", "waiting_since"],
                condition=Q(waiting_since__isnull=False),
                name="messaging_waiting",
            ),
            # does this contact already talk to us
            models.Index(fields=["organization", "contact"], name="messaging_conv_of_contact"),
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"


class Participant(TenantModel):
    """A user, a contact or the system in a conversation: exactly one of them."""

    organization = organization_of_parent()
    conversation = TenantForeignKey(Conversation, db_index=False, related_name="participants")
    membership = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+")
    contact = TenantForeignKey(Contact, null=True, blank=True, related_name="+")
    is_system = models.BooleanField(default=False)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    last_read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="messaging_participant_is_exactly_one",
                condition=Q(membership__isnull=False, contact__isnull=True, is_system=False)
                | Q(membership__isnull=True, contact__isnull=False, is_system=False)
                | Q(membership__isnull=True, contact__isnull=True, is_system=True),
            ),
            models.UniqueConstraint(
                fields=["organization", "conversation", "membership", "contact"],
                nulls_distinct=False,
                name="messaging_participant_once",
            ),
        ]

    def __str__(self) -> str:
        return f"participant {self.pk}"


class Direction(models.TextChoices):
    INBOUND = "inbound", "Inbound"
    OUTBOUND = "outbound", "Outbound"


class MessageType(models.TextChoices):
    TEXT = "text", "Text"
    IMAGE = "image", "Image"
    VIDEO = "video", "Video"
    AUDIO = "audio", "Audio"
    DOCUMENT = "document", "Document"
    STICKER = "sticker", "Sticker"
    LOCATION = "location", "Location"
    CONTACTS = "contacts", "Contact card"
    REACTION = "reaction", "Reaction"
    INTERACTIVE = "interactive", "Interactive"
    TEMPLATE = "template", "Template"
    CALL = "call", "Call"
    SYSTEM = "system", "System"
    NOTE = "note", "Note"
    UNSUPPORTED = "unsupported", "Unsupported"


class MessageStatus(models.TextChoices):
    RECEIVED = "received", "Received"
    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    ACCEPTED = "accepted", "Accepted"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    READ = "read", "Read"
    PLAYED = "played", "Played"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"


# A status only ever moves up. `failed` stands below `delivered`: another of the person's devices may still get it.
STATUS_RANK: dict[str, int] = {
    MessageStatus.RECEIVED: 0,
    MessageStatus.QUEUED: 0,
    MessageStatus.SENDING: 1,
    MessageStatus.UNKNOWN: 2,
    MessageStatus.ACCEPTED: 3,
    MessageStatus.SENT: 4,
    MessageStatus.FAILED: 5,
    MessageStatus.DELIVERED: 6,
    MessageStatus.READ: 7,
    MessageStatus.PLAYED: 8,
}


class MessageQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Messages of the conversations that this person may see."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(conversation__in=Conversation.objects.visible_to(actor))


class Message(SoftDeleteModel):
    """One message in a conversation, in or out. A double press or a redelivered webhook never makes two."""

    read_by_owner: ClassVar[bool] = True  # majlis_search_messages

    organization = organization_of_parent()
    conversation = TenantForeignKey(Conversation, db_index=False, related_name="messages")
    channel = TenantForeignKey(Channel, db_index=False, related_name="messages")
    direction = models.CharField(max_length=8, choices=Direction)
    type = models.CharField(max_length=11, choices=MessageType, default=MessageType.TEXT)
    author = TenantForeignKey("core.Membership", null=True, blank=True, db_index=False, related_name="messages")
    body = models.TextField(blank=True)
    payload = models.JSONField(default=dict, blank=True, help_text="what the type carries besides the text")
    quoted = TenantForeignKey("self", null=True, blank=True, db_index=False, related_name="quoted_by")
    quoted_provider_id = models.CharField(max_length=200, blank=True)
    template = TenantForeignKey("messaging.MessageTemplate", null=True, blank=True, db_index=False, related_name="+")
    recipient = models.CharField(max_length=150, blank=True, help_text="E.164 without +, or a BSUID")

    provider_id = models.CharField(max_length=200, blank=True, help_text="wamid")
    client_request_id = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=10, choices=MessageStatus)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    played_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    error_code = models.IntegerField(null=True, blank=True)
    error_title = models.CharField(max_length=200, blank=True)
    error_details = models.CharField(max_length=500, blank=True)
    price_category = models.CharField(max_length=40, blank=True)
    is_billable = models.BooleanField(null=True, blank=True)
    language = models.CharField(max_length=5, blank=True)
    sentiment = models.CharField(max_length=8, choices=Sentiment, blank=True)
    intent = models.CharField(max_length=16, choices=Intent, blank=True)
    understood_at = models.DateTimeField(null=True, blank=True)
    understood_by = models.CharField(max_length=8, blank=True, help_text="offline, or a hosted model")

    media_id = models.CharField(max_length=100, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    media_name = models.CharField(max_length=200, blank=True)
    media_file = models.CharField(max_length=200, blank=True, help_text="path in our own storage, once fetched")

    at = models.DateTimeField(help_text="when it was said, by the clock of whoever said it")

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "channel", "provider_id"],
                condition=~Q(provider_id=""),
                name="messaging_message_provider_id_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "client_request_id"],
                condition=~Q(client_request_id=""),
                name="messaging_message_request_once",
            ),
            # What colleagues write to each other has no address, and no state from which anything is sent.
            models.CheckConstraint(
                name="messaging_message_note_stays_in_the_house",
                condition=~Q(type="note")
                | Q(direction="outbound", status="received", recipient="", provider_id="", quoted_provider_id=""),
            ),
        ]
        indexes = [
            # the thread, newest first by the clock of whoever said it: past talk may come in later
            models.Index(fields=["organization", "conversation", "-at", "-id"], name="messaging_thread"),
            # what waits to be sent, and what a dead worker left behind
            models.Index(
                fields=["organization", "status", "id"],
                condition=Q(status__in=["queued", "sending"]),
                name="messaging_outbox",
            ),
            # replies that came before what they quote
            models.Index(
                fields=["organization", "quoted_provider_id"],
                condition=~Q(quoted_provider_id=""),
                name="messaging_quoting",
            ),
            # reactions to a page of messages
            models.Index(fields=["organization", "quoted"], condition=Q(type="reaction"), name="messaging_reactions"),
            # with whom talk was begun lately: what counts against the messaging limit
            models.Index(
                fields=["organization", "at"],
                condition=Q(template__isnull=False),
                include=["channel", "recipient", "delivered_at"],
                name="messaging_begun",
            ),
            # files that are still to be fetched
            models.Index(
                fields=["organization", "id"], condition=~Q(media_id="") & Q(media_file=""), name="messaging_to_fetch"
            ),
            # what nobody has understood yet
            models.Index(
                fields=["organization", "id"],
                condition=Q(direction="inbound", understood_at__isnull=True) & ~Q(body=""),
                name="messaging_to_understand",
            ),
            # search inside messages: what people wrote, and what was written to them one by one. What a campaign says to
            # thousands is found in the campaign, and costs more here than all other keys of the row.
            GinIndex(
                fields=["body"],
                opclasses=["gin_trgm_ops"],
                condition=~Q(client_request_id__startswith="campaign:"),
                name="messaging_said",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} message {self.pk}"


class MessageRead(TenantModel):
    """One participant has read one message."""

    message = TenantForeignKey(Message, related_name="reads")
    participant = TenantForeignKey(Participant, related_name="reads")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "message", "participant"], name="messaging_read_once"),
        ]

    def __str__(self) -> str:
        return f"read {self.pk}"
