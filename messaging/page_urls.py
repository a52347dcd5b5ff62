"""Addresses of Today and the inbox, under /o/<organisation>/."""

from django.urls import path

from messaging import pages, streams

urlpatterns = [
    path("today/", pages.today, name="today"),
    path("inbox/", pages.inbox, name="inbox"),
    path("inbox/stream/", streams.stream, name="inbox-stream"),
    path("inbox/start/", pages.start, name="start-conversation"),
    path("inbox/<int:conversation_id>/", pages.conversation, name="conversation"),
    path("inbox/<int:conversation_id>/messages/", pages.thread_messages, name="messages"),
    path("inbox/<int:conversation_id>/template-messages/", pages.template_messages, name="template-messages"),
    path("inbox/<int:conversation_id>/reading/", pages.reading, name="reading"),
    path("inbox/<int:conversation_id>/assignment/", pages.assignment, name="assignment"),
    path("inbox/<int:conversation_id>/closure/", pages.closure, name="closure"),
    path("inbox/<int:conversation_id>/reopening/", pages.reopening, name="reopening"),
    path("media/<int:message_id>/", pages.media_of_message, name="media"),
    path("media/file/<str:token>/", pages.media_file, name="media-file"),
]
