"""Segments in the back office: a builder of rows, counted and explained while one builds."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from campaigns import selectors, services
from campaigns.models import Segment
from core.actors import Actor
from core.admin import TenantAdmin, acting, call_service, site
from core.errors import DomainError
from core.roles import Capability

WORDS = (
    gettext_noop("Add a condition"), gettext_noop("Add a group"), gettext_noop("Remove"), gettext_noop("All of these"),
    gettext_noop("Any of these"), gettext_noop("Not these"), gettext_noop("Field"), gettext_noop("Operator"),
    gettext_noop("Value"), gettext_noop("Conditions"), gettext_noop("separated by commas"),
    gettext_noop("The conditions of a group"),
)  # fmt: skip


class SegmentForm(forms.ModelForm):
    """Saved by the service while it is checked. Without JavaScript the definition is written as JSON."""

    actor: ClassVar[Actor]

    name = forms.CharField(max_length=150, widget=UnfoldAdminTextInputWidget)
    definition = forms.JSONField(
        initial={"match": "all", "rows": []}, widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "data-segment": ""})
    )

    class Meta:
        model = Segment
        fields: ClassVar = ["name", "definition"]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        at = timezone.now()
        try:
            if self.instance.pk:
                kept = Segment.objects.get(pk=self.instance.pk)
                self.instance = services.update_segment(actor=self.actor, segment=kept, at=at, **given)
            else:
                self.instance = services.create_segment(actor=self.actor, at=at, **given)
        except DomainError as error:
            field = "name" if error.details.get("field") == "name" else "definition"
            raise forms.ValidationError({field: error.message}) from None
        return given

    def _post_clean(self) -> None:
        """The service has checked and saved it."""


@admin.register(Segment, site=site)
class SegmentAdmin(TenantAdmin):
    read_capability = Capability.CAMPAIGNS_READ
    write_capability = Capability.CAMPAIGNS_WRITE
    form = SegmentForm
    list_display: ClassVar = ["name", "meaning", "created_by", "updated_at"]
    list_filter: ClassVar = ["created_by"]
    list_select_related: ClassVar = ["created_by__user", "organization"]
    search_fields: ClassVar = ["name"]
    actions: ClassVar = ["remove"]
    export_columns: ClassVar = [
        "name", ("Conditions", lambda segment: json.dumps(segment.definition, ensure_ascii=False)),
        ("Written by", "created_by.user.name"), "updated_at",
    ]  # fmt: skip
    change_form_before_template = "campaigns/admin_segment.html"

    class Media:
        js = ("js/segment.js",)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The sentences of a page of segments: three queries at most, however many rows."""
        page = super().get_changelist_instance(request)
        said = selectors.segments_in_words(actor=acting(request), segments=list(page.result_list))
        for segment in page.result_list:
            segment.sentence = said[segment.pk]
        return page

    @display(description=_("Whom it finds"))
    def meaning(self, segment: Any) -> str:
        return str(segment.sentence)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["name", "definition"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.actor = acting(request)
        return form

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        actor = acting(request)
        offered = [
            {
                "name": field.name, "label": field.label, "kind": field.kind,
                "operators": [[one.name, one.label, one.has_value] for one in field.operators],
                "choices": [[choice.value, choice.label] for choice in field.choices],
            }
            for field in selectors.segment_fields(actor=actor)
        ]  # fmt: skip
        more = {
            "segment_fields": offered,
            "segment_words": {word: gettext(word) for word in WORDS},
            "segment_trial": f"/api/v1/{actor.organization.slug}/segments/trial/",
        }
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **more})

    @admin.action(description=_("Remove"), permissions=["change"])
    def remove(self, request: HttpRequest, chosen: QuerySet[Segment]) -> None:
        for segment in chosen:
            given = {"segment": segment, "at": timezone.now()}
            call_service(self, request, services.delete_segment, **given)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form has let the service do it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The form has let the service do it."""
