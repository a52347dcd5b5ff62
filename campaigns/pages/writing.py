"""Writing a campaign: first the template, then to whom, when and how fast, with the message beside it as it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from campaigns import services
from campaigns.models import Campaign, CampaignStatus
from campaigns.models.campaigns import EDITABLE
from campaigns.pages.asking import actor_of, campaign_of
from campaigns.pages.campaign import bubble_with, direction_of
from campaigns.pages.form import CampaignForm, SecondForm
from campaigns.pages.variable_fields import mapping_of
from campaigns.services import CampaignChanges
from core.actors import Actor
from core.doors import page
from core.errors import Conflict, DomainError, NotFound
from core.middleware import status_of
from core.roles import Capability
from crm.pages.asking import number_in
from messaging import templates
from messaging.models import MessageTemplate
from messaging.models.channels import TemplateStatus

MOST_TEMPLATES = 60


@require_GET
@page(Capability.CAMPAIGNS_WRITE)
def choose(request: HttpRequest) -> HttpResponse:
    """The first question: what is said. `?second=3` chooses the second message of campaign 3."""
    actor, text = actor_of(request), request.GET.get("q", "").strip()[:100]
    rows, second = _approved(actor), number_in(request.GET.get("second", ""))
    found = campaign_of(request, second) if second is not None else None
    if found is not None:
        first = found.template
        rows = rows.filter(channel__waba_id=first.channel.waba_id, category=first.category).exclude(pk=first.pk)
    if text:
        rows = rows.filter(name__icontains=text.replace(" ", "_")) | rows.filter(components__icontains=text)
    shown = [
        (each, templates.bubble(each.components, templates.examples(each.components)), direction_of(each))
        for each in rows.order_by("name", "language", "pk")[:MOST_TEMPLATES]
    ]
    context = {"here": "campaigns", "rows": shown, "search": text, "second_for": found}
    return render(request, "campaigns/choose.html", context)


@require_http_methods(["GET", "POST"])
@page(Capability.CAMPAIGNS_WRITE)
def new(request: HttpRequest, template_id: int) -> HttpResponse:
    """A draft with this template."""
    return _form(request, _template(actor_of(request), template_id), None)


@require_http_methods(["GET", "POST"])
@page(Capability.CAMPAIGNS_WRITE)
def change(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Change one that has not started; `?template=7` gives it another template."""
    actor, found = actor_of(request), campaign_of(request, campaign_id)
    if found.status not in EDITABLE:
        raise Conflict(_("The campaign has started, so it can only be paused or cancelled."))
    chosen = number_in(request.GET.get("template", ""))
    template = found.template if chosen is None else _template(actor, chosen)
    return _form(request, template, found)


@require_http_methods(["GET", "POST"])
@page(Capability.CAMPAIGNS_WRITE)
def second(request: HttpRequest, campaign_id: int, template_id: int) -> HttpResponse:
    """Test a second message beside the first, or (`remove`) do not."""
    actor, found = actor_of(request), campaign_of(request, campaign_id)
    template = _template(actor, template_id)
    form = SecondForm(template, found, request.POST if request.method == "POST" else None)
    status, is_removing = 200, "remove" in request.POST
    if is_removing or (request.method == "POST" and form.is_valid()):
        changes = CampaignChanges(second_template=None) if is_removing else form.changes()
        try:
            services.update_campaign(actor=actor, campaign=found, at=timezone.now(), **changes)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
            status = status_of(refusal)
        else:
            messages.success(request, _("Kept as a draft. Nothing is sent until somebody else has approved it."))
            return redirect("campaign", actor.organization.slug, found.pk)
    elif request.method == "POST":
        status = 422
    given: Mapping[str, Any] = request.POST.dict() if request.method == "POST" else form.initial
    context = {
        "here": "campaigns",
        "campaign": found,
        "template": template,
        "form": form,
        "bubble": bubble_with(template, mapping_of(template, given)),
        "direction": direction_of(template),
        "first": bubble_with(found.template, found.variables),
        "first_direction": direction_of(found.template),
        "is_kept": found.second_template_id == template.pk,
    }
    return render(request, "campaigns/second.html", context, status=status)


@require_POST
@page(Capability.CAMPAIGNS_WRITE)
def preview(request: HttpRequest, template_id: int) -> HttpResponse:
    """The bubble, with what the form says so far."""
    actor = actor_of(request)
    template = _template(actor, template_id)
    context = {
        "bubble": bubble_with(template, mapping_of(template, request.POST.dict())),
        "direction": direction_of(template),
    }
    return render(request, "messaging/_bubble.html", context)


def _form(request: HttpRequest, template: MessageTemplate, campaign: Campaign | None) -> HttpResponse:
    actor, at = actor_of(request), timezone.now()
    form = CampaignForm(actor, template, campaign, request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            if campaign is None:
                saved = services.create_campaign(actor=actor, at=at, **form.changes())
            else:
                saved = services.update_campaign(actor=actor, campaign=campaign, at=at, **form.changes())
        except DomainError as refusal:
            field: Any = refusal.details.get("field")
            form.add_error(field if field in form.fields else None, refusal.message)
            status = status_of(refusal)
        else:
            messages.success(request, _("Kept as a draft. Nothing is sent until somebody else has approved it."))
            return redirect("campaign", actor.organization.slug, saved.pk)
    elif request.method == "POST":
        status = 422
    given: Mapping[str, Any] = request.POST.dict() if request.method == "POST" else form.initial
    context = {
        "here": "campaigns",
        "campaign": campaign,
        "template": template,
        "form": form,
        "bubble": bubble_with(template, mapping_of(template, given)),
        "direction": direction_of(template),
        "voids": campaign is not None and campaign.status != CampaignStatus.DRAFT,
    }
    return render(request, "campaigns/form.html", context, status=status)


def _approved(actor: Actor) -> Any:
    return MessageTemplate.objects.visible_to(actor).filter(status=TemplateStatus.APPROVED).select_related("channel")


def _template(actor: Actor, template_id: int) -> MessageTemplate:
    found: MessageTemplate | None = _approved(actor).filter(pk=template_id).first()
    if found is None:
        raise NotFound(_("There is no such template that WhatsApp has approved."))
    return found
