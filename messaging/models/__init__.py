"""Channels, conversations, messages, the assistant, and everything WhatsApp tells us."""

from messaging.models.assistant import AssistantCopy, AssistantLine, AssistantTurn, AssistantWatcher, MemberNumber
from messaging.models.channels import Channel, MessageTemplate
from messaging.models.conversations import Conversation, Message, MessageRead, Participant
from messaging.models.desk import CannedReply, OfficeHours
from messaging.models.intake import OptOut, ParkedStatus, WebhookEvent
from messaging.models.notices import Appeal, Notice

__all__ = [
    "Appeal",
    "AssistantCopy",
    "AssistantLine",
    "AssistantTurn",
    "AssistantWatcher",
    "CannedReply",
    "Channel",
    "Conversation",
    "MemberNumber",
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
