"""The log of webhooks: what came in, what became of it, and having it processed again."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from core.admin import TenantAdmin, call_service, site
from core.admin.filters import TimeRange
from core.roles import Capability
from messaging import services
from messaging.models import WebhookEvent
from messaging.selectors.webhooks import outcome_of

SHOWN_BYTES = 20_000


@admin.register(WebhookEvent, site=site)
class WebhookEventAdmin(TenantAdmin):
    """Replaying a range: filter by time, choose all that the filters leave, and process again."""

    read_capability = Capability.CHANNELS_MANAGE
    list_display: ClassVar = ["id", "kind", "state", "attempts", "received_at", "processed_at", "trouble"]
    list_filter: ClassVar = [
        "state", "kind", ("received_at", TimeRange), ("error", admin.EmptyFieldListFilter),
    ]  # fmt: skip
    search_fields: ClassVar = ["error"]
    search_help_text = _("A word of the error")
    export_columns: ClassVar = [
        ("Number", "pk"), "kind", "state", "attempts", "signature_verified", "received_at", "processed_at", "error",
    ]  # fmt: skip
    fields: ClassVar = [
        "kind", "state", "attempts", "outcome", "error", "received_at", "processed_at", "lease_until",
        "signature_verified", "text",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["outcome", "text"]
    actions: ClassVar = ["replay"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body")

    @admin.display(description=_("Error"))
    def trouble(self, event: WebhookEvent) -> str:
        """The last line of the trace: what went wrong, without where."""
        return event.error.strip().rpartition("\n")[2][:120]

    @admin.display(description=_("What became of it"))
    def outcome(self, event: WebhookEvent) -> str:
        outcome = outcome_of(event)
        messages = format_html_join(
            "",
            '<li><a href="{}" class="text-primary-600 dark:text-primary-500">{} message {}</a>: {}, {}</li>',
            (
                (
                    reverse("admin:messaging_message_change", args=[message.pk]),
                    message.get_direction_display(),
                    message.pk,
                    message.get_type_display(),
                    message.get_status_display(),
                )
                for message in outcome.messages
            ),
        )
        notes = format_html_join("", "<li>{}</li>", ((note,) for note in outcome.notes))
        return format_html("<ul>{}{}</ul>", messages, notes)

    @admin.display(description=_("As received"))
    def text(self, event: WebhookEvent) -> str:
        body = bytes(event.body)
        try:
            shown = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError):
            shown = body.decode(errors="replace")
        return format_html(
            '<pre dir="ltr" style="white-space: pre-wrap; overflow-wrap: anywhere">{}</pre>', shown[:SHOWN_BYTES]
        )

    @admin.action(description=_("Process again"))
    def replay(self, request: HttpRequest, events: QuerySet[WebhookEvent]) -> None:
        ids = list(events.values_list("pk", flat=True))
        count = call_service(self, request, services.replay_webhooks, events=ids, at=timezone.now())
        if count is not None:
            self.message_user(request, f"{count} webhooks will be processed again.")
