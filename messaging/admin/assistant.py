"""The assistant in the back office: on which numbers it answers, who is told, whose phones are heard, what was asked."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from core.admin import TenantAdmin, call_service, site
from core.errors import DomainError
from core.models import Membership
from core.roles import Capability
from messaging.models import AssistantCopy, AssistantLine, AssistantTurn, MemberNumber
from messaging.services import assistant as services


class LineForm(forms.ModelForm):
    """A number, and who is told of what it gives out."""

    watchers = forms.ModelMultipleChoiceField(
        Membership.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("They are told of every owner's number given out and every campaign started, numbers masked."),
    )
    actor: ClassVar[Any] = None

    class Meta:
        model = AssistantLine
        fields: ClassVar = ["channel", "copy_template"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = Membership.objects.active().filter(organization=self.actor.organization)
        self.fields["watchers"].queryset = members.select_related("user").order_by("user__name")  # type: ignore[attr-defined]
        if self.instance.pk:
            self.fields["channel"].disabled = True
            self.fields["watchers"].initial = list(self.instance.watchers.values_list("membership", flat=True))

    def clean(self) -> dict[str, Any]:
        """What the services refuse stands on the form."""
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        template, at = given.get("copy_template"), timezone.now()
        try:
            if not self.instance.pk:
                self.instance = services.open_line(
                    actor=self.actor, channel=given["channel"], copy_template=template, at=at
                )
            services.watch_line(
                actor=self.actor, line=self.instance, members=list(given["watchers"]), copy_template=template, at=at
            )
        except DomainError as error:
            raise forms.ValidationError(error.message) from None
        return given


@admin.register(AssistantLine, site=site)
class AssistantLineAdmin(TenantAdmin):
    read_capability = Capability.CHANNELS_MANAGE
    write_capability = Capability.CHANNELS_MANAGE
    form = LineForm
    fields: ClassVar = ["channel", "copy_template", "watchers"]
    list_display: ClassVar = ["channel", "copy_template", "created_at"]
    list_select_related: ClassVar = ["channel", "copy_template"]
    search_fields: ClassVar = ["channel__name", "channel__display_number"]
    export_columns: ClassVar = [
        ("Number", "channel.name"), ("Template of copies", "copy_template.name"), ("Since", "created_at"),
    ]  # fmt: skip
    actions: ClassVar = ["close"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type("LineFormOfActor", (form,), {"actor": request.actor})  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form has done it already, by the services."""

    @admin.action(description=_("Close: nobody is answered there any more"))
    def close(self, request: HttpRequest, lines: QuerySet[AssistantLine]) -> None:
        for line in lines:
            call_service(self, request, services.close_line, line=line, at=timezone.now())


@admin.register(MemberNumber, site=site)
class MemberNumberAdmin(TenantAdmin):
    """Phones that members connected themselves."""

    read_capability = Capability.AGENTS_MANAGE
    list_display: ClassVar = ["membership", "number", "user_id", "verified_at"]
    list_filter: ClassVar = ["verified_at"]
    list_select_related: ClassVar = ["membership__user"]
    search_fields: ClassVar = ["membership__user__name", "number"]
    fields: ClassVar = ["membership", "number", "user_id", "verified_at"]
    export_columns: ClassVar = [("Member", "membership.user.name"), "number", "user_id", "verified_at"]
    actions: ClassVar = ["forget"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(verified_at__isnull=False)

    def export_rows(self, actor: Any) -> QuerySet[Any]:
        return super().export_rows(actor).filter(verified_at__isnull=False)

    @admin.action(description=_("Take off: this phone is answered no more"))
    def forget(self, request: HttpRequest, numbers: QuerySet[MemberNumber]) -> None:
        for number in numbers:
            call_service(self, request, services.forget_number, number=number, at=timezone.now())


@admin.register(AssistantTurn, site=site)
class AssistantTurnAdmin(TenantAdmin):
    """Everything that was asked, and what became of it."""

    read_capability = Capability.AUDIT_READ
    list_display: ClassVar = ["at", "membership", "asked", "request", "outcome", "summary"]
    list_filter: ClassVar = ["outcome", "request", "at"]
    list_select_related: ClassVar = ["membership__user", "message"]
    search_fields: ClassVar = ["membership__user__name", "summary", "message__body"]
    fields: ClassVar = ["at", "membership", "asked", "request", "language", "outcome", "summary", "handled_at"]
    readonly_fields: ClassVar = ["asked"]
    export_columns: ClassVar = [
        "at", ("Member", "membership.user.name"), ("Asked", "message.body"), "request", "outcome", ("Given", "summary"),
        "handled_at",
    ]  # fmt: skip

    @admin.display(description=_("Asked"))
    def asked(self, turn: AssistantTurn) -> str:
        return turn.message.body[:200]


@admin.register(AssistantCopy, site=site)
class AssistantCopyAdmin(TenantAdmin):
    """Who was told of what, and why somebody was not."""

    read_capability = Capability.AUDIT_READ
    list_display: ClassVar = ["created_at", "membership", "given", "told", "reason"]
    list_filter: ClassVar = [("message", admin.EmptyFieldListFilter), "created_at"]
    list_select_related: ClassVar = ["membership__user", "turn", "message"]
    search_fields: ClassVar = ["membership__user__name", "turn__summary", "reason"]
    fields: ClassVar = ["created_at", "membership", "given", "told", "reason"]
    readonly_fields: ClassVar = ["created_at", "given", "told"]
    export_columns: ClassVar = [
        "created_at", ("Member", "membership.user.name"), ("Given", "turn.summary"), ("Message", "message.status"),
        "reason",
    ]  # fmt: skip

    @admin.display(description=_("Given"))
    def given(self, copy: AssistantCopy) -> str:
        return copy.turn.summary

    @admin.display(description=_("Told"))
    def told(self, copy: AssistantCopy) -> str:
        return copy.message.status if copy.message else "not told"
