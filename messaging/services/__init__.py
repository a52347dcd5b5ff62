"""Every change to conversations, messages, channels and consent."""

from messaging.services.conversations import (
    assign_conversation,
    close_conversation,
    mark_read,
    reopen_conversation,
    start_conversation,
)
from messaging.services.outbound import Upload, send_media, send_reaction, send_template, send_text

__all__ = [
    "Upload",
    "assign_conversation",
    "close_conversation",
    "mark_read",
    "reopen_conversation",
    "send_media",
    "send_reaction",
    "send_template",
    "send_text",
    "start_conversation",
]
