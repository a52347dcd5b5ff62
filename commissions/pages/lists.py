"""The lists of parts and of payments: every figure of commissions opens one of them, narrowed to what it sums."""

from __future__ import annotations

from typing import Any

import django_filters
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from commissions import selectors, services
from commissions.filtering import PartFilter, PaymentFilter
from commissions.models import Commission, CommissionPayment, CommissionSplit, PayoutBatch
from commissions.pages.asking import actor_of
from core import exports
from core.actors import Actor
from core.doors import page
from core.models.exports import ExportStatus
from core.roles import Capability, Reach
from crm.models import Agent, Project

LONGEST = 2000
# What each is called where it is declared, and which rows it has.
LISTS: dict[str, tuple[str, Any]] = {
    "parts": (services.PARTS.name, selectors.parts),
    "payments": (CommissionPayment._meta.label_lower, selectors.payments),
    "payouts": (PayoutBatch._meta.label_lower, selectors.payouts),
    "approvals": (Commission._meta.label_lower, selectors.awaiting),
}


@require_GET
@page(Capability.COMMISSIONS_READ)
def parts(request: HttpRequest) -> HttpResponse:
    """Parts of commissions, newest first."""
    actor = actor_of(request)
    listing = selectors.part_page(actor=actor, asked=request.GET, after=request.GET.get("after", ""))
    choices = PartFilter(request.GET, CommissionSplit.objects.none())
    return render(request, "commissions/parts.html", {**list_context(actor, request, choices, listing), "tab": "parts"})


@require_GET
@page(Capability.COMMISSIONS_READ)
def payments(request: HttpRequest) -> HttpResponse:
    """Payments, newest first, each with its voucher."""
    actor = actor_of(request)
    listing = selectors.payment_page(actor=actor, asked=request.GET, after=request.GET.get("after", ""))
    choices = PaymentFilter(request.GET, CommissionPayment.objects.none())
    return render(
        request, "commissions/payments.html", {**list_context(actor, request, choices, listing), "tab": "payments"}
    )


@require_POST
@page(Capability.CRM_EXPORT)
def list_file(request: HttpRequest, what: str) -> HttpResponseBase:
    """A list as it is filtered, for Excel or as text; a long one is written by a worker."""
    actor, asked = actor_of(request), QueryDict(request.POST.get("asked", "")[:LONGEST])
    name, chosen = LISTS[what]
    rows: Any = chosen(actor=actor, asked=asked)
    made = exports.take_list(
        actor=actor,
        name=name,
        rows=rows.order_by("-pk"),
        format=request.POST.get("format", ""),
        filters=asked.dict(),
        at=timezone.now(),
    )
    if made.status == ExportStatus.DONE:
        return exports.download(made)
    messages.info(request, _("The file is being written; this page says when it is there."))
    return redirect("exports", actor.organization.slug)


def list_context(
    actor: Actor, request: HttpRequest, choices: django_filters.FilterSet, listing: selectors.Listing
) -> dict[str, Any]:
    """What the template of a list asks for: the page, the filters with what was given, and their choices."""
    given = {name: request.GET.get(name, "") for name in choices.filters}
    sees_others = actor.reach is not Reach.OWN
    return {
        "here": "commissions",
        "listing": listing,
        "form": choices.form,
        "given": given,
        "narrowed": sum(1 for name, value in given.items() if value and name != "q"),
        "agents": Agent.objects.visible_to(actor).order_by("name").values_list("pk", "name") if sees_others else [],
        "projects": Project.objects.visible_to(actor).order_by("name").values_list("pk", "name")
        if "project" in choices.filters
        else [],
    }
