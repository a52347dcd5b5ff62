"""Channels, conversations, messages, and everything WhatsApp tells us."""

from messaging.models.channels import Channel, MessageTemplate
from messaging.models.conversations import Conversation, Message, MessageRead, Participant
from messaging.models.desk import CannedReply, OfficeHours
from messaging.models.intake import OptOut, ParkedStatus, WebhookEvent
from messaging.models.notices import Appeal, Notice

__all__ = [
    "Appeal",
    "CannedReply",
    "Channel",
    "Conversation",
    "Message",
    "MessageRead",
    "MessageTemplate",
    "Notice",
    "OfficeHours",
    "OptOut",
    "ParkedStatus",
    "Participant",
    "WebhookEvent",
]
