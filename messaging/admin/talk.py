"""Talk in the back office: numbers are connected and checked here, talk is read here and written in the inbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget

from core.admin import TenantAdmin, call_service, site
from core.errors import DomainError
from core.roles import Capability
from crm.services import numbers_taken
from messaging import services, templates
from messaging.models import (
    CannedReply,
    Channel,
    Conversation,
    Message,
    MessageTemplate,
    OfficeHours,
    OptOut,
)

READ, MANAGE = Capability.CONVERSATIONS_READ, Capability.CHANNELS_MANAGE
# Not named as the fields of the model: an empty answer must never overwrite what is kept.
SECRET_PART = _("Secrets")
SECRETS = {"new_access_token": "access_token", "new_app_secret": "app_secret", "new_verify_token": "verify_token"}


def _secret(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    )


class ChannelForm(forms.ModelForm):
    """A number. Secrets are asked for, never shown: an empty one keeps what is there."""

    new_access_token = _secret(_("Access token"))
    new_app_secret = _secret(_("App secret"))
    new_verify_token = _secret(_("Verify token"))
    actor: ClassVar[Any] = None

    class Meta:
        model = Channel
        fields: ClassVar = ["name", "phone_number_id", "waba_id", "owner", "messages_per_second", "is_coexistence"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, kept_as in SECRETS.items():
            kept = getattr(self.instance, kept_as) if self.instance.pk else ""
            self.fields[name].help_text = (
                gettext("set, ends in %(end)s; leave empty to keep it") % {"end": kept[-4:]}
                if kept
                else gettext("not set")
            )
        if self.instance.pk and "phone_number_id" in self.fields:  # to somebody who may only read it is text
            self.fields["phone_number_id"].disabled = self.fields["waba_id"].disabled = True

    def clean(self) -> dict[str, Any]:
        """A new number is tried at WhatsApp before it is kept; why it was refused stands on the form."""
        given: dict[str, Any] = super().clean() or {}
        if self.instance.pk or self.errors:
            return given
        wanted = {name: given.get(name) or "" for name in ("name", "phone_number_id", "waba_id")}
        wanted |= {kept_as: given.get(name) or "" for name, kept_as in SECRETS.items()}
        try:
            self.instance = services.connect_channel(
                actor=self.actor, owner=given.get("owner"), at=timezone.now(), **wanted
            )
        except DomainError as error:
            field = error.details.get("field")
            raise forms.ValidationError({field: error.message} if field in self.fields else error.message) from None
        return given


@admin.register(Channel, site=site)
class ChannelAdmin(TenantAdmin):
    read_capability = READ
    write_capability = MANAGE
    form = ChannelForm
    list_display: ClassVar = [
        "name", "display_number", "session_status", "quality", "messaging_limit", "owner", "status_reason",
    ]  # fmt: skip
    list_filter: ClassVar = ["session_status", "quality"]
    list_select_related: ClassVar = ["owner__user"]
    search_fields: ClassVar = ["name", "display_number", "phone_number_id"]
    export_columns: ClassVar = [
        "name", ("Number", "display_number"), "session_status", "status_reason", "quality", "messaging_limit",
        "messages_per_second", ("Owner", "owner.user.name"), "checked_at",
    ]  # fmt: skip
    actions: ClassVar = ["look", "sync", "disconnect"]
    readonly_fields: ClassVar = [
        "display_number", "session_status", "status_reason", "quality", "messaging_limit", "blocked_at", "answers_only_since", "checked_at",
        "number_status", "verified_name", "portfolio_id", "app_id", "token_expires_at",
    ]  # fmt: skip
    fieldsets: ClassVar = [
        (None, {"fields": ["name", "phone_number_id", "waba_id", "owner", "messages_per_second", "is_coexistence"]}),
        (SECRET_PART, {"fields": list(SECRETS)}),
        (_("As WhatsApp sees it"), {"fields": readonly_fields}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Where secrets are written; to somebody who may only read, an empty line would say that there are none."""
        writes = self.has_change_permission(request, obj)
        return [part for part in self.fieldsets if writes or part[0] is not SECRET_PART]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type("ChannelFormOfActor", (form,), {"actor": request.actor})  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.save(update_fields=["messages_per_second", "is_coexistence", "updated_at"])  # the rest is connected
            return
        super().save_model(request, obj, form, change)
        given = {kept_as: form.cleaned_data.get(name) or "" for name, kept_as in SECRETS.items()}
        if any(given.values()):
            services.change_tokens(
                actor=request.actor,  # type: ignore[attr-defined]
                channel=obj,
                at=timezone.now(),
                **given,
            )
            self.message_user(request, "The new secrets are kept. Check the number to see whether they work.")

    @admin.action(description=_("Check at WhatsApp"))
    def look(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        for channel in channels:
            trouble = call_service(self, request, services.check_channel, channel=channel, at=timezone.now())
            if trouble:
                self.message_user(request, f"{channel.name}: {trouble}", messages.WARNING)
            elif trouble == "":
                self.message_user(request, f"{channel.name} works.", messages.SUCCESS)

    @admin.action(description=_("Sync templates"))
    def sync(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        for channel in channels:
            counts = call_service(self, request, services.sync_templates, channel=channel, at=timezone.now())
            if counts is not None:
                shown = ", ".join(f"{count} {name}" for name, count in counts.items())
                self.message_user(request, f"Templates of {channel.name}: {shown}.")

    @admin.action(description=_("Stop writing from it"))
    def disconnect(self, request: HttpRequest, channels: QuerySet[Channel]) -> None:
        for channel in channels:
            call_service(self, request, services.disconnect_channel, channel=channel, at=timezone.now())


@admin.register(MessageTemplate, site=site)
class MessageTemplateAdmin(TenantAdmin):
    read_capability = READ
    list_display: ClassVar = ["name", "language", "category", "status", "quality", "channel", "synced_at"]
    list_filter: ClassVar = ["status", "category", "language"]
    list_select_related: ClassVar = ["channel"]
    search_fields: ClassVar = ["name"]
    export_columns: ClassVar = [
        "name", "language", "category", "status", "quality", ("Number", "channel.name"), "rejected_reason",
        "paused_until", "synced_at",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["preview"]

    @admin.display(description=_("As people read it"))
    def preview(self, template: MessageTemplate) -> str:
        return templates.preview(template.components, {})


@admin.register(Conversation, site=site)
class ConversationAdmin(TenantAdmin):
    read_capability = READ
    list_display: ClassVar = [
        "contact", "channel", "assigned_to", "status", "unread_count", "last_message_at", "window_expires_at",
    ]  # fmt: skip
    list_filter: ClassVar = ["status", "channel", "last_sentiment", "last_intent"]
    list_select_related: ClassVar = ["contact", "channel", "assigned_to__user"]
    search_fields: ClassVar = ["contact__display_name", "=contact__points__value"]
    export_columns: ClassVar = [
        ("Contact", "contact.display_name"), ("Channel", "channel.name"), ("Assigned to", "assigned_to.user.name"),
        "status", "topic", ("Unread", "unread_count"), "last_message_at", "window_expires_at",
    ]  # fmt: skip
    actions: ClassVar = ["close"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).order_by("-last_message_at", "-pk")

    @admin.action(description=_("Close"))
    def close(self, request: HttpRequest, conversations: QuerySet[Conversation]) -> None:
        _each(self, request, services.close_conversation, "conversation", conversations)


@admin.register(Message, site=site)
class MessageAdmin(TenantAdmin):
    read_capability = READ
    list_display: ClassVar = ["id", "direction", "type", "short", "status", "conversation", "author", "at"]
    list_filter: ClassVar = ["direction", "status", "type", "channel", "sentiment", "intent"]
    list_select_related: ClassVar = ["conversation", "author__user"]
    search_fields: ClassVar = ["body", "provider_id"]
    export_columns: ClassVar = [
        "at", ("Contact", "conversation.contact.display_name"), ("Channel", "channel.name"), "direction", "type",
        "body", ("By", "author.user.name"), "sentiment", "intent", "status", "delivered_at", "read_at", ("Error", "error_title"),
        ("Price", "price_category"), ("Billable", "is_billable"),
    ]  # fmt: skip

    @admin.display(description=_("Text"))
    def short(self, message: Message) -> str:
        return message.body[:80]


@admin.register(CannedReply, site=site)
class CannedReplyAdmin(TenantAdmin):
    """Read here, written on the agents' page."""

    read_capability = READ
    list_display: ClassVar = ["shortcut", "body", "owner", "updated_at"]
    list_filter: ClassVar = [("owner", admin.EmptyFieldListFilter)]
    list_select_related: ClassVar = ["owner__user"]
    search_fields: ClassVar = ["shortcut", "body"]
    export_columns: ClassVar = ["shortcut", "body", ("Owner", "owner.user.name"), "updated_at"]


@admin.register(OfficeHours, site=site)
class OfficeHoursAdmin(TenantAdmin):
    """Read here, written on the agents' page."""

    read_capability = READ
    list_display: ClassVar = ["channel", "time_zone", "says_away", "updated_at"]
    list_filter: ClassVar = ["says_away"]
    list_select_related: ClassVar = ["channel"]
    search_fields: ClassVar = ["channel__name", "away_text"]
    export_columns: ClassVar = [
        ("Number", "channel.name"), "time_zone", "says_away", "away_text", "away_text_arabic", "updated_at",
    ]  # fmt: skip


@admin.register(OptOut, site=site)
class OptOutAdmin(TenantAdmin):
    """Read-only: only the person starts again."""

    read_capability = READ
    list_display: ClassVar = ["contact", "point", "scope", "source", "said", "at"]
    list_filter: ClassVar = ["scope", "source"]
    list_select_related: ClassVar = ["contact", "point"]
    search_fields: ClassVar = ["contact__display_name", "=point__value", "said"]
    export_capability = Capability.NUMBERS_READ
    export_taken = numbers_taken
    export_columns: ClassVar = [
        ("Contact", "contact.display_name"), ("Number", "point.value"), "scope", "source", "said", "at",
    ]  # fmt: skip


def _each(page: TenantAdmin, request: HttpRequest, service: Callable[..., Any], noun: str, rows: QuerySet[Any]) -> None:
    for row in rows:
        call_service(page, request, service, at=timezone.now(), **{noun: row})
