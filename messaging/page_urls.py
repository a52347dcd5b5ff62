"""Addresses of Today and the inbox, under /o/<organisation>/."""

from django.urls import path

from messaging import streams
from messaging.pages import assistant, inbox, numbers, opt_outs, templates

urlpatterns = [
    path("today/", inbox.today, name="today"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/stream/", streams.stream, name="inbox-stream"),
    path("inbox/start/", inbox.start, name="start-conversation"),
    path("inbox/<int:conversation_id>/", inbox.conversation, name="conversation"),
    path("inbox/<int:conversation_id>/messages/", inbox.thread_messages, name="messages"),
    path("inbox/<int:conversation_id>/template-messages/", inbox.template_messages, name="template-messages"),
    path("inbox/<int:conversation_id>/reading/", inbox.reading, name="reading"),
    path("inbox/<int:conversation_id>/assignment/", inbox.assignment, name="assignment"),
    path("inbox/<int:conversation_id>/closure/", inbox.closure, name="closure"),
    path("inbox/<int:conversation_id>/reopening/", inbox.reopening, name="reopening"),
    path("media/<int:message_id>/", inbox.media_of_message, name="media"),
    path("media/file/<str:token>/", inbox.media_file, name="media-file"),
    path("assistant/", assistant.assistant, name="assistant"),
    path("assistant/phones/<int:number_id>/forgetting/", assistant.forgetting, name="assistant-forgetting"),
    path("opt-outs/", opt_outs.opt_outs, name="opt-outs"),
    path("owners/<int:contact_id>/opt-out/", opt_outs.opt_out, name="opt-out"),
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
