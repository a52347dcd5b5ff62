"""Webhooks that we send: whom we tell of what, the secret shown once, a test, and the log with replays."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from core import hooks
from core.admin.base import Coloured, TenantAdmin, acting, call_service, site
from core.admin.filters import TimeRange
from core.asking import ConfirmForm, ask, posted
from core.errors import DomainError
from core.models import HookDelivery, HookEndpoint
from core.outside import AddressRefused
from core.roles import Capability

MANAGE = Capability.ORGANIZATION_MANAGE
KINDS = {
    "agent.archived": _("An agent left"),
    "channel.changed": _("A WhatsApp number changed"),
    "contact.opted_out": _("A contact said stop"),
    "contacts.merged": _("Contacts were merged"),
    "contacts.unmerged": _("A merge of contacts was undone"),
    "deal.closed": _("A deal was closed"),
    "deal.reopened": _("A deal was opened again"),
    "message.received": _("A message came in"),
    "template.changed": _("A template changed"),
    "unit.owners_changed": _("The owners of a unit changed"),
    "units.merged": _("Units were merged"),
}
ARRIVED, WAITING, GIVEN_UP = "arrived", "waiting", "given_up"
STANDINGS = {ARRIVED: _("Arrived"), WAITING: _("Waiting"), GIVEN_UP: _("Given up")}
STANDING_COLOURS = {ARRIVED: "success", WAITING: "warning", GIVEN_UP: "danger"}


class EndpointForm(forms.ModelForm):
    """What an endpoint is told. The service does it, and why it refuses stands on the form."""

    kinds = forms.MultipleChoiceField(
        label=_("Told of"), choices=[*KINDS.items()], widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    actor: ClassVar[Any] = None
    secret = ""

    class Meta:
        model = HookEndpoint
        fields: ClassVar = ["name", "url", "kinds", "is_active"]
        help_texts: ClassVar = {"url": _("https only, and not into a private network")}

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        wanted, at = {name: given[name] for name in self.fields if name in given}, timezone.now()
        try:
            if self.instance.pk:
                hooks.change_endpoint(actor=self.actor, endpoint=self.instance, at=at, **wanted)
                self.instance.refresh_from_db()
            else:
                self.instance, self.secret = hooks.add_endpoint(actor=self.actor, at=at, **wanted)
        except AddressRefused as error:
            raise forms.ValidationError({"url": error.message}) from None
        except DomainError as error:
            raise forms.ValidationError(error.message) from None
        return given


@admin.register(HookEndpoint, site=site)
class HookEndpointAdmin(TenantAdmin):
    """Removing one keeps its log."""

    read_capability = write_capability = MANAGE
    form = EndpointForm
    list_display: ClassVar = ["name", "url", "told_of", "is_active", "failures", "stopped_reason"]
    list_filter: ClassVar = ["is_active"]
    search_fields: ClassVar = ["name", "url"]
    export_columns: ClassVar = [
        "name", "url", ("Told of", lambda endpoint: ", ".join(endpoint.kinds)), "is_active", "failures",
        "stopped_reason", "created_at",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["failures", "stopped_reason", "log"]
    actions: ClassVar = ["pause", "resume"]
    actions_detail: ClassVar = ["send_test", "remove"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["name", "url", "kinds", *(["is_active", *self.readonly_fields] if obj else [])]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type("EndpointFormOfActor", (form,), {"actor": acting(request)})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form's service has done it, with its line in the trail."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """The one time that anybody sees the secret: no message and no cookie carries it, and no browser keeps it."""
        back = reverse("admin:core_hookendpoint_change", args=[obj.pk])
        context = {
            **site.each_context(request),
            "title": obj.name,
            "secret": obj.secret,
            "back": back,
            "opts": self.opts,
        }
        return render(request, "core/admin_secret.html", context)

    @admin.display(description=_("Told of"))
    def told_of(self, endpoint: HookEndpoint) -> str:
        return ", ".join(endpoint.kinds)

    @admin.display(description=_("Log"))
    def log(self, endpoint: HookEndpoint) -> str:
        address = reverse("admin:core_hookdelivery_changelist")
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}?endpoint__id__exact={}">{}</a>',
            address, endpoint.pk, _("What it was told, and what it answered"),
        )  # fmt: skip

    @admin.action(description=_("Pause"))
    def pause(self, request: HttpRequest, endpoints: QuerySet[HookEndpoint]) -> None:
        self._switch(request, endpoints, is_active=False)

    @admin.action(description=_("Take up again (what waited goes out)"))
    def resume(self, request: HttpRequest, endpoints: QuerySet[HookEndpoint]) -> None:
        self._switch(request, endpoints, is_active=True)

    def _switch(self, request: HttpRequest, endpoints: QuerySet[HookEndpoint], *, is_active: bool) -> None:
        for endpoint in endpoints:
            call_service(
                self, request, hooks.change_endpoint, endpoint=endpoint, is_active=is_active, at=timezone.now()
            )

    @action(description=_("Send a test"), url_path="send-test", permissions=["change"])
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self._found(request, object_id)
        told = call_service(self, request, hooks.send_test, endpoint=endpoint, at=timezone.now())
        if told is None:
            return HttpResponseRedirect(reverse("admin:core_hookendpoint_change", args=[endpoint.pk]))
        self.message_user(request, _("The test is on its way; load this page again to see the answer."))
        return HttpResponseRedirect(reverse("admin:core_hookdelivery_change", args=[told.pk]))

    @action(description=_("Remove"), url_path="remove", permissions=["change"])
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self._found(request, object_id)
        return ask(
            self,
            request,
            title=endpoint.name,
            sentence=_("It is told nothing more, and what waits for it does not go out. The log stays for 30 days."),
            button=_("Remove"),
            form=ConfirmForm(posted(request)),
            call=lambda _: hooks.remove_endpoint(actor=acting(request), endpoint=endpoint, at=timezone.now()),
            done=_("Removed."),
            back=reverse("admin:core_hookendpoint_changelist"),
        )

    def _found(self, request: HttpRequest, object_id: str) -> HookEndpoint:
        endpoint: HookEndpoint | None = self.get_object(request, object_id)
        if endpoint is None:
            raise Http404
        return endpoint


class StandingFilter(admin.SimpleListFilter):
    title = _("What became of it")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*STANDINGS.items()]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        asked = {
            ARRIVED: Q(delivered_at__isnull=False),
            WAITING: Q(delivered_at=None, given_up_at=None),
            GIVEN_UP: Q(given_up_at__isnull=False),
        }
        return rows.filter(asked.get(self.value() or "", Q()))


@admin.register(HookDelivery, site=site)
class HookDeliveryAdmin(TenantAdmin):
    """Replaying a range: filter by endpoint and time, choose all that the filters leave, and send again."""

    read_capability = MANAGE
    list_display: ClassVar = [
        "id", "kind", "endpoint", "standing", "answer_status", "attempts", "created_at", "due_at", "error",
    ]  # fmt: skip
    list_filter: ClassVar = [StandingFilter, "endpoint", "kind", ("created_at", TimeRange)]
    list_select_related: ClassVar = ["endpoint"]
    search_fields: ClassVar = ["=event_id"]
    export_columns: ClassVar = [
        ("Number", "pk"), "kind", ("Endpoint", "endpoint.name"), "event_id", "attempts", "answer_status", "error",
        "created_at", "delivered_at", "given_up_at",
    ]  # fmt: skip
    fields: ClassVar = [
        "endpoint", "kind", "standing", "answer_status", "error", "attempts", "created_at", "due_at", "delivered_at",
        "given_up_at", "event_id", "text",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["standing", "text", "created_at"]
    actions: ClassVar = ["send_again"]

    @display(description=_("What became of it"), label=STANDING_COLOURS)
    def standing(self, delivery: HookDelivery) -> Coloured:
        found = ARRIVED if delivery.delivered_at else GIVEN_UP if delivery.given_up_at else WAITING
        return Coloured((found, STANDINGS[found]))

    @admin.display(description=_("As sent"))
    def text(self, delivery: HookDelivery) -> str:
        shown = json.dumps(json.loads(delivery.body), ensure_ascii=False, indent=2)
        return format_html('<pre dir="ltr" style="white-space: pre-wrap; overflow-wrap: anywhere">{}</pre>', shown)

    @admin.action(description=_("Send again"))
    def send_again(self, request: HttpRequest, deliveries: QuerySet[HookDelivery]) -> None:
        ids = list(deliveries.values_list("pk", flat=True)[: hooks.MOST_AT_ONCE + 1])
        count = call_service(self, request, hooks.replay_chosen, deliveries=ids, at=timezone.now())
        if count is not None:
            self.message_user(request, _("Sent again: %(count)s.") % {"count": count}, messages.SUCCESS)
