"""Every change to conversations, messages, channels and consent."""

from messaging.services.channels import (
    appeal_block,
    change_tokens,
    check_channel,
    close_appeal,
    connect_channel,
    disconnect_channel,
)
from messaging.services.consent import record_opt_out
from messaging.services.conversations import (
    assign_conversation,
    close_conversation,
    mark_read,
    recount_unread,
    reopen_conversation,
    snooze_conversation,
    start_conversation,
)
from messaging.services.desk import delete_canned_reply, save_canned_reply, save_office_hours
from messaging.services.notes import write_note
from messaging.services.outbound import (
    Upload,
    send_contacts,
    send_interactive,
    send_location,
    send_media,
    send_reaction,
    send_template,
    send_text,
)
from messaging.services.processing import replay_webhooks
from messaging.services.receipts import show_typing
from messaging.services.resending import send_again, settle_unknown
from messaging.services.template_sync import sync_templates
from messaging.services.template_writing import (
    create_template,
    delete_template,
    edit_template,
    editable_from,
    unpause_template,
    upload_example,
)
from messaging.services.withdrawing import withdraw_messages

__all__ = [
    "Upload",
    "appeal_block",
    "assign_conversation",
    "change_tokens",
    "check_channel",
    "close_appeal",
    "close_conversation",
    "connect_channel",
    "create_template",
    "delete_canned_reply",
    "delete_template",
    "disconnect_channel",
    "edit_template",
    "editable_from",
    "mark_read",
    "record_opt_out",
    "recount_unread",
    "reopen_conversation",
    "replay_webhooks",
    "save_canned_reply",
    "save_office_hours",
    "send_again",
    "send_contacts",
    "send_interactive",
    "send_location",
    "send_media",
    "send_reaction",
    "send_template",
    "send_text",
    "settle_unknown",
    "show_typing",
    "snooze_conversation",
    "start_conversation",
    "sync_templates",
    "unpause_template",
    "upload_example",
    "withdraw_messages",
    "write_note",
]
