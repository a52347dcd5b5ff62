"""Closing the books until a day, and opening them again."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSingleDateWidget, UnfoldAdminTextInputWidget

from core.admin import TenantAdmin, acting, site
from core.asking import ConfirmForm, ReasonForm, ask, posted
from core.roles import Capability
from ledger import services
from ledger.models import PeriodClosing, ReopeningRequest


class ClosingForm(forms.Form):
    through_on = forms.DateField(label=_("Close all days through"), widget=UnfoldAdminSingleDateWidget)
    note = forms.CharField(max_length=300, required=False, widget=UnfoldAdminTextInputWidget)


@admin.register(PeriodClosing, site=site)
class PeriodClosingAdmin(TenantAdmin):
    read_capability = Capability.LEDGER_READ
    list_display: ClassVar = ["through_on", "state", "closed_by", "at", "note"]
    list_filter: ClassVar = ["through_on"]
    list_select_related: ClassVar = ["closed_by__user"]
    search_fields: ClassVar = ["note"]
    export_columns: ClassVar = [
        "through_on", ("State", lambda closing: state_of(closing)), ("Closed by", "closed_by.user.name"), "at", "note",
    ]  # fmt: skip
    export_prefetched: ClassVar = ("requests__reopenings",)
    fields: ClassVar = ["through_on", "note", "closed_by", "at", "state", "story"]
    readonly_fields: ClassVar = ["state", "story"]
    actions_list: ClassVar = ["close_books"]
    actions_detail: ClassVar = ["ask_to_open", "agree"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        asked = ReopeningRequest.objects.select_related("asked_by__user").prefetch_related(
            "reopenings__approved_by__user"
        )
        return super().get_queryset(request).prefetch_related(Prefetch("requests", asked))

    @display(description=_("State"), label={"closed": "info", "asked to be opened": "warning", "open again": "success"})
    def state(self, closing: PeriodClosing) -> str:
        return state_of(closing)

    @display(description=_("Opening again"))
    def story(self, closing: PeriodClosing) -> str:
        """Who asked and who agreed, one line each."""
        told = []
        for asked in closing.requests.all():
            told.append(f"{asked.at:%Y-%m-%d %H:%M} asked by {asked.asked_by.user.name}: {asked.reason}")
            told += [f"{one.at:%Y-%m-%d %H:%M} agreed by {one.approved_by.user.name}" for one in asked.reopenings.all()]
        return "\n".join(told) or "nobody asked"

    @action(description=_("Close the books"), url_path="close-books", permissions=["close"])
    def close_books(self, request: HttpRequest) -> HttpResponse:
        return ask(
            self,
            request,
            title=_("Close the books"),
            sentence=_(
                "Nothing can be posted any more with a date until then. Opening them again takes a second person."
            ),
            button=_("Close"),
            form=ClosingForm(posted(request)),
            call=lambda given: services.close_period(actor=acting(request), at=timezone.now(), **given),
            done=_("The books are closed."),
            back=reverse("admin:ledger_periodclosing_changelist"),
        )

    @action(description=_("Ask to open again"), url_path="ask-to-open", permissions=["close"])
    def ask_to_open(self, request: HttpRequest, object_id: str) -> HttpResponse:
        closing = self._found(request, object_id)
        return ask(
            self,
            request,
            title=_("Open the books again, closed through %(day)s") % {"day": closing.through_on},
            sentence=_("They stay closed until somebody else agrees."),
            button=_("Ask"),
            form=ReasonForm(posted(request)),
            call=lambda given: services.ask_to_reopen(
                actor=acting(request), closing=closing, reason=given["reason"], at=timezone.now()
            ),
            done=_("A second person must agree now."),
            back=reverse("admin:ledger_periodclosing_change", args=[closing.pk]),
        )

    @action(description=_("Agree to open again"), url_path="agree", permissions=["close"])
    def agree(self, request: HttpRequest, object_id: str) -> HttpResponse:
        closing = self._found(request, object_id)
        asked = next((one for one in closing.requests.all() if not one.reopenings.all()), None)
        if asked is None:
            raise Http404
        return ask(
            self,
            request,
            title=_("Open the books again, closed through %(day)s") % {"day": closing.through_on},
            sentence=_("%(name)s asked for it because: %(reason)s")
            % {"name": asked.asked_by.user.name, "reason": asked.reason},
            button=_("Open them"),
            form=ConfirmForm(posted(request)),
            call=lambda _: services.approve_reopening(actor=acting(request), request=asked, at=timezone.now()),
            done=_("The period is open again."),
            back=reverse("admin:ledger_periodclosing_change", args=[closing.pk]),
        )

    def has_close_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return acting(request).can(Capability.LEDGER_CLOSE)

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Only what may follow now."""
        offered = super().get_actions_detail(request, object_id)
        closing = self.get_queryset(request).filter(pk=object_id).first()
        wanted = {"closed": "ask_to_open", "asked to be opened": "agree"}.get(state_of(closing)) if closing else None
        return [one for one in offered if one.method.original_function_name == wanted]

    def _found(self, request: HttpRequest, object_id: str) -> PeriodClosing:
        closing: PeriodClosing | None = self.get_object(request, object_id)
        if closing is None:
            raise Http404
        return closing


def state_of(closing: PeriodClosing) -> str:
    requests = list(closing.requests.all())
    if any(asked.reopenings.all() for asked in requests):
        return "open again"
    return "asked to be opened" if requests else "closed"
