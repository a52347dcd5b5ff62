"""Channels, conversations, messages, and everything WhatsApp tells us."""

from messaging.models.channels import Channel, MessageTemplate
from messaging.models.conversations import Conversation, Message, MessageRead, Participant
from messaging.models.intake import OptOut, ParkedStatus, WebhookEvent

__all__ = [
    "Channel",
    "Conversation",
    "Message",
    "MessageRead",
    "MessageTemplate",
    "OptOut",
    "ParkedStatus",
    "Participant",
    "WebhookEvent",
]
