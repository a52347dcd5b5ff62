"""Addresses of Today and the inbox, under /o/<organisation>/."""

from django.urls import path

from messaging import streams
from messaging.pages import answering, assistant, desk, inbox, numbers, opt_outs, templates

urlpatterns = [
    path("today/", inbox.today, name="today"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/stream/", streams.stream, name="inbox-stream"),
    path("inbox/start/", inbox.start, name="start-conversation"),
    path("inbox/many/", answering.many, name="many-conversations"),
    path("inbox/doubtful/", desk.doubtful, name="doubtful"),
    path("inbox/<int:conversation_id>/", inbox.conversation, name="conversation"),
    path("inbox/<int:conversation_id>/messages/", answering.thread_messages, name="messages"),
    path("inbox/<int:conversation_id>/template-messages/", answering.template_messages, name="template-messages"),
    path("inbox/<int:conversation_id>/reading/", answering.reading, name="reading"),
    path("inbox/<int:conversation_id>/assignment/", answering.assignment, name="assignment"),
    path("inbox/<int:conversation_id>/closure/", answering.closure, name="closure"),
    path("inbox/<int:conversation_id>/reopening/", answering.reopening, name="reopening"),
    path("inbox/<int:conversation_id>/notes/", answering.notes, name="notes"),
    path("inbox/<int:conversation_id>/snooze/", answering.snooze, name="snooze"),
    path("inbox/<int:conversation_id>/presence/", answering.being_here, name="presence"),
    path("inbox/<int:conversation_id>/replies/", answering.replies_for, name="replies-for"),
    path("inbox/<int:conversation_id>/messages/<int:message_id>/reaction/", answering.reaction, name="reaction"),
    path("inbox/<int:conversation_id>/messages/<int:message_id>/settlement/", answering.settlement, name="settlement"),
    path("inbox/<int:conversation_id>/messages/<int:message_id>/copy/", answering.copy, name="copy"),
    path("canned-replies/", desk.canned_replies, name="canned-replies"),
    path("canned-replies/<int:reply_id>/deletion/", desk.canned_reply_deletion, name="canned-reply-deletion"),
    path("office-hours/", desk.office_hours, name="office-hours"),
    path("media/<int:message_id>/", inbox.media_of_message, name="media"),
    path("media/file/<str:token>/", inbox.media_file, name="media-file"),
    path("assistant/", assistant.assistant, name="assistant"),
    path("assistant/phones/<int:number_id>/forgetting/", assistant.forgetting, name="assistant-forgetting"),
    path("opt-outs/", opt_outs.opt_outs, name="opt-outs"),
    path("owners/<int:contact_id>/opt-out/", opt_outs.opt_out, name="opt-out"),
    path("inbox/<int:conversation_id>/number-request/", numbers.number_request, name="number-request"),
    path("whatsapp/numbers/", numbers.numbers, name="whatsapp-numbers"),
    path("whatsapp/numbers/<int:channel_id>/", numbers.number, name="whatsapp-number"),
    path("whatsapp/numbers/<int:channel_id>/check/", numbers.number_check, name="whatsapp-number-check"),
    path("whatsapp/numbers/<int:channel_id>/appeal/", numbers.number_appeal, name="whatsapp-number-appeal"),
    path("whatsapp/templates/", templates.template_list, name="whatsapp-templates"),
    path("whatsapp/templates/new/", templates.template_new, name="whatsapp-template-new"),
    path("whatsapp/templates/preview/", templates.template_preview, name="whatsapp-template-preview"),
    path("whatsapp/templates/sync/", templates.template_sync, name="whatsapp-template-sync"),
    path("whatsapp/templates/<int:template_id>/", templates.template_page, name="whatsapp-template"),
    path("whatsapp/templates/<int:template_id>/change/", templates.template_change, name="whatsapp-template-change"),
    path(
        "whatsapp/templates/<int:template_id>/deletion/", templates.template_deletion, name="whatsapp-template-deletion"
    ),
    path(
        "whatsapp/templates/<int:template_id>/unpausing/",
        templates.template_unpausing,
        name="whatsapp-template-unpausing",
    ),
]
