"""The list of campaigns with their live funnels, and one campaign with everything about it on a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from campaigns import selectors, services
from campaigns.admin.forms import ConfirmForm, ReasonForm, TemplateForm, fieldsets_for, form_for
from campaigns.admin.would_be import would_be
from campaigns.models import Campaign, CampaignStatus
from campaigns.models.campaigns import EDITABLE
from campaigns.rendering import letter_of
from core.admin import TenantAdmin, acting, site
from core.errors import DomainError
from core.roles import Capability
from messaging.models import MessageTemplate
from messaging.models.channels import TemplateStatus

COLOURS = {
    "draft": "default", "in_review": "warning", "approved": "info", "scheduled": "info", "running": "success",
    "paused": "danger", "completed": "success", "cancelled": "default", "failed": "danger",
}  # fmt: skip


@admin.register(Campaign, site=site)
class CampaignAdmin(TenantAdmin):
    read_capability = Capability.CAMPAIGNS_READ
    write_capability = Capability.CAMPAIGNS_WRITE
    list_display: ClassVar = [
        "name",
        "state",
        "project",
        "people",
        "went_out",
        "delivered",
        "read",
        "replied",
        "trouble",
    ]
    list_filter: ClassVar = ["status", "target", "project"]
    list_select_related: ClassVar = ["project", "organization"]
    search_fields: ClassVar = ["name", "project__name"]
    export_columns: ClassVar = [
        "name", ("Project", "project.name"), "target", ("Template", "template.name"), "status",
        ("Why", "status_reason"), "starts_at", "ends_at", "started_at", "finished_at",
        ("Written by", "created_by.user.name"),
    ]  # fmt: skip
    change_form_outer_before_template = "campaigns/admin_campaign.html"
    actions_detail: ClassVar = ["submit", "approve", "give_back", "start", "unschedule", "pause", "resume", "cancel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("template__channel", "project", "organization")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The funnels of the page's campaigns: one query, however many rows."""
        page = super().get_changelist_instance(request)
        found = selectors.funnels(actor=acting(request), campaign_ids=[campaign.pk for campaign in page.result_list])
        for campaign in page.result_list:
            campaign.funnel = found[campaign.pk]
        return page

    @display(description=_("Status"), label=COLOURS, ordering="status")
    def state(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.status, CampaignStatus(campaign.status).label

    @display(description=_("People"))
    def people(self, campaign: Any) -> str:
        return _link(campaign, campaign.funnel.people)

    @display(description=_("Sent"))
    def went_out(self, campaign: Any) -> str:
        return _link(campaign, campaign.funnel.accepted, "accepted,sent,delivered,read")

    @display(description=_("Delivered"))
    def delivered(self, campaign: Any) -> str:
        return _link(campaign, campaign.funnel.delivered, "delivered,read")

    @display(description=_("Read"))
    def read(self, campaign: Any) -> str:
        return _link(campaign, campaign.funnel.read, "read")

    @display(description=_("Replied"))
    def replied(self, campaign: Any) -> str:
        return _link(campaign, campaign.funnel.responded, responded=True)

    @display(description=_("Failed or in doubt"))
    def trouble(self, campaign: Any) -> str:
        return _link(campaign, campaign.funnel.failed + campaign.funnel.unknown, "failed,unknown")

    # ── writing ──────────────────────────────────────────────────────────────

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.status in EDITABLE)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First the template is chosen: the questions depend on it."""
        if not self.has_add_permission(request):
            acting(request).require(Capability.CAMPAIGNS_WRITE)
        if _chosen_template(request) is None:
            return self._choose_template(request)
        return super().add_view(request, form_url, extra_context)

    def _choose_template(self, request: HttpRequest) -> HttpResponse:
        approved = MessageTemplate.objects.visible_to(acting(request)).filter(status=TemplateStatus.APPROVED)
        form = TemplateForm()
        form.fields["template"].queryset = approved.select_related("channel").order_by("name")  # type: ignore[attr-defined]
        sentence = (
            "Only templates that WhatsApp has approved can be sent."
            if approved.exists()
            else ("There is no approved template yet: sync the templates of a number first.")
        )
        return self._page(
            request,
            title=_("New campaign: which template?"),
            sentence=sentence,
            form=form,
            button=_("Go on"),
            method="get",
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        template = obj.template if obj else _chosen_template(request)
        if template is None or not (obj is None or self.has_change_permission(request, obj)):
            return super().get_form(request, obj, change, **kwargs)
        kwargs["fields"] = None
        self.form = form_for(acting(request), template)
        try:
            return super().get_form(request, obj, change, **{**kwargs, "fields": self.form.Meta.fields})
        finally:
            del self.form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        template = obj.template if obj else _chosen_template(request)
        if template is None or not (obj is None or self.has_change_permission(request, obj)):
            names = ["name", "project", "target", "audience", "template", "variables", "starts_at", "ends_at"]
            return [(None, {"fields": [*names, "messages_per_second", "created_by", "started_by"]})]
        return fieldsets_for(template)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form has let the service do it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The form has let the service do it."""

    def get_urls(self) -> list[Any]:
        """The people behind a number of the pre-flight."""
        view = self.admin_site.admin_view(partial(would_be, self))
        return [path("<int:object_id>/would-be/", view, name="campaigns_campaign_would_be"), *super().get_urls()]

    # ── one campaign ─────────────────────────────────────────────────────────

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id)
        more = dict(extra_context or {})
        if campaign is not None and request.method == "GET":
            more |= self._shown(request, campaign)
        return super().change_view(request, object_id, form_url, more)

    def _shown(self, request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
        at, actor = timezone.now(), acting(request)
        if campaign.status in EDITABLE:
            return {"preflight": services.preflight(actor=actor, campaign=campaign, at=at), "campaign": campaign}
        found = selectors.progress(actor=actor, campaign=campaign, at=at)
        causes = selectors.causes(actor=actor, campaign=campaign)
        steps = [
            ("People", found.funnel.people, recipients_address(campaign)),
            ("Skipped", found.funnel.skipped, recipients_address(campaign, "skipped")),
            ("Waiting", found.funnel.waiting, recipients_address(campaign, "pending,claimed,submitting")),
            ("Sent", found.funnel.accepted, recipients_address(campaign, "accepted,sent,delivered,read")),
            ("Delivered", found.funnel.delivered, recipients_address(campaign, "delivered,read")),
            ("Read", found.funnel.read, recipients_address(campaign, "read")),
            ("Replied", found.funnel.responded, recipients_address(campaign, responded=True)),
            ("In doubt", found.funnel.unknown, recipients_address(campaign, "unknown")),
            ("Failed", found.funnel.failed, recipients_address(campaign, "failed")),
        ]
        rows = [
            (cause, recipients_address(campaign, cause.status, cause.skip_reason, cause.error_code)) for cause in causes
        ]
        text = letter_of(campaign.template).text({key: f"{{{{{key}}}}}" for key in campaign.variables})
        return {"progress": found, "steps": steps, "causes": rows, "campaign": campaign, "text": text}

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """Only what its status and the member's role allow."""
        campaign = self.get_queryset(request).filter(pk=object_id).first()
        offers = services.offered(actor=acting(request), campaign=campaign) if campaign else []
        offered = {offer.name for offer in offers}
        found = super().get_actions_detail(request, object_id)
        hidden = set(services.DECISIONS) - offered
        return [one for one in found if one.method.original_function_name not in hidden]

    @action(description=_("Submit for review"), url_path="submit", permissions=["view"])
    def submit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        said = "Somebody else than you looks at it and approves it."
        return self._decide(request, object_id, "Submit for review", said, services.submit_for_review)

    @action(description=_("Approve"), url_path="approve", permissions=["view"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        said = "It may then be started exactly as it is now; any change voids this approval."
        return self._decide(request, object_id, "Approve", said, services.approve_campaign)

    @action(description=_("Send back"), url_path="give-back", permissions=["view"])
    def give_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        said = "It becomes a draft again. Say what should change."
        return self._decide(request, object_id, "Send back", said, services.return_campaign, asks=True)

    @action(description=_("Start"), url_path="start", permissions=["view"])
    def start(self, request: HttpRequest, object_id: str) -> HttpResponse:
        said = "The audience is frozen and sending begins (or is scheduled, when its start lies ahead)."
        return self._decide(request, object_id, "Start", said, services.start_campaign)

    @action(description=_("Take off the schedule"), url_path="unschedule", permissions=["view"])
    def unschedule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(
            request, object_id, "Take off the schedule", "It stays approved.", services.unschedule_campaign
        )

    @action(description=_("Pause"), url_path="pause", permissions=["view"])
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        said = "Sending stops within a second. Everybody who has not been written to waits."
        return self._decide(request, object_id, "Pause", said, services.pause_campaign, asks=True)

    @action(description=_("Resume"), url_path="resume", permissions=["view"])
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Resume", "It goes on where it stopped.", services.resume_campaign)

    @action(description=_("Cancel"), url_path="cancel", permissions=["view"])
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        said = "It ends for good: whoever has not been written to yet is skipped."
        return self._decide(request, object_id, "Cancel campaign", said, services.cancel_campaign, asks=True)

    def _decide(
        self,
        request: HttpRequest,
        object_id: str,
        title: str,
        sentence: str,
        service: Callable[..., Any],
        asks: bool = False,
    ) -> HttpResponse:
        """GET asks, POST calls the service; its refusal stands on the page."""
        campaign = self.get_object(request, object_id)
        if campaign is None:
            raise Http404
        kind = ReasonForm if asks else ConfirmForm
        form = kind(request.POST if request.method == "POST" else None)
        back = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
        if request.method == "POST" and form.is_valid():
            try:
                service(actor=acting(request), campaign=campaign, at=timezone.now(), **form.cleaned_data)
            except DomainError as error:
                form.add_error(None, error.message)
            else:
                self.message_user(request, f"{title}: done.", messages.SUCCESS)
                return HttpResponseRedirect(back)
        heading = f"{title}: {campaign.name}"
        return self._page(request, title=heading, sentence=sentence, form=form, button=title, method="post", back=back)

    def _page(
        self, request: HttpRequest, *, title: str | Promise, form: forms.Form, back: str = "", **more: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "form": form,
            "back": back or reverse("admin:campaigns_campaign_changelist"),
            "opts": self.opts,
            **more,
        }
        return render(request, "campaigns/admin_ask.html", context, status=422 if form.errors else 200)


def _chosen_template(request: HttpRequest) -> MessageTemplate | None:
    chosen = request.GET.get("template", "")
    if not chosen.isdigit():
        return None
    found: MessageTemplate | None = (
        MessageTemplate.objects.visible_to(acting(request)).select_related("channel").filter(pk=chosen).first()
    )
    return found


def recipients_address(
    campaign: Campaign,
    statuses: str = "",
    skip_reason: str = "",
    error_code: int | None = None,
    *,
    responded: bool = False,
) -> str:
    """The list of exactly these recipients."""
    asked = [f"campaign__id__exact={campaign.pk}"]
    if statuses:
        asked.append(f"status__in={statuses}")
    if skip_reason:
        asked.append(f"skip_reason__exact={skip_reason}")
    if error_code is not None:
        asked.append(f"error_code__exact={error_code}")
    if responded:
        asked.append("responded_at__isnull=False")
    return f"{reverse('admin:campaigns_campaignmessage_changelist')}?{'&'.join(asked)}"


def _link(campaign: Campaign, count: int, statuses: str = "", *, responded: bool = False) -> str:
    if not count:
        return "–"
    address = recipients_address(campaign, statuses, responded=responded)
    return format_html('<a href="{}">{}</a>', address, f"{count:,}")
