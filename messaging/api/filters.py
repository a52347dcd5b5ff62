"""Filters; each means the same as in the inbox."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import QuerySet

from messaging import selectors
from messaging.models import Channel, Conversation, Message, MessageTemplate, Notice, OptOut, WebhookEvent
from messaging.models.conversations import ConversationStatus


class ChannelFilter(filters.FilterSet):
    class Meta:
        model = Channel
        fields = ["session_status", "quality", "phone_number_id"]


class TemplateFilter(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")

    class Meta:
        model = MessageTemplate
        fields = ["name", "language", "category", "status", "channel"]


class NoticeFilter(filters.FilterSet):
    class Meta:
        model = Notice
        fields = ["kind", "severity", "channel", "template", "waba_id"]


class ConversationFilter(filters.FilterSet):
    status = filters.ChoiceFilter(choices=ConversationStatus.choices)
    assigned = filters.CharFilter(method="by_assignee", help_text="`me`, `none`, or the id of a member")
    unread = filters.BooleanFilter(method="by_unread")
    search = filters.CharFilter(method="by_text", help_text="name, number, or what was said")

    class Meta:
        model = Conversation
        fields = ["status", "assigned", "unread", "channel", "contact", "search", "last_sentiment", "last_intent"]

    def by_assignee(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        actor = self.request._request.actor
        return selectors.filtered(rows, actor, "all", value, False, "")

    def by_unread(self, rows: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:
        return rows.filter(unread_count__gt=0) if value else rows.filter(unread_count=0)

    def by_text(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return selectors.searched(rows, self.request._request.actor, value)


class MessageFilter(filters.FilterSet):
    search = filters.CharFilter(field_name="body", lookup_expr="icontains", help_text="inside the text")
    since = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")

    class Meta:
        model = Message
        fields = [
            "conversation", "channel", "direction", "type", "status", "client_request_id", "language", "sentiment",
            "intent", "search", "since",
        ]  # fmt: skip


class OptOutFilter(filters.FilterSet):
    class Meta:
        model = OptOut
        fields = ["contact", "scope", "source"]


class WebhookEventFilter(filters.FilterSet):
    received_after = filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="gte")
    received_before = filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="lt")
    error = filters.CharFilter(lookup_expr="icontains", help_text="a word of the error")

    class Meta:
        model = WebhookEvent
        fields = ["state", "kind"]
