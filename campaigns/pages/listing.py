"""The list of campaigns, each with how far it is."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET

from campaigns import selectors
from campaigns.models import Campaign, CampaignStatus
from campaigns.pages.asking import TONES, actor_of
from core.actors import Actor
from core.doors import page
from core.roles import Capability
from crm.keyset import NEWEST, page_of
from crm.models import Project
from crm.pages import listed

PAGE = 30
MOST_CHOICES = 500
FILTERS = ("q", "status", "project")


def listed_campaigns(actor: Actor, asked: str) -> QuerySet[Campaign]:
    """What `campaigns/?<asked>` shows to this actor, newest first."""
    return selectors.narrowed_campaigns(actor, QueryDict(asked[: listed.LONGEST]).dict())


listed.register("campaigns", listed_campaigns)


@require_GET
@page(Capability.CAMPAIGNS_READ)
def campaigns(request: HttpRequest) -> HttpResponse:
    """Newest first."""
    actor = actor_of(request)
    found = listed_campaigns(actor, request.GET.urlencode())
    rows = found.select_related("project", "template", "created_by__user")
    shown, after = page_of(rows, NEWEST, request.GET.get("after", "")[:64], PAGE)
    projects = Project.objects.visible_to(actor).order_by("number").values_list("pk", "number", "name")
    asked = {name: request.GET.get(name, "") for name in FILTERS}
    context = {
        "here": "campaigns",
        "rows": selectors.campaign_rows(actor=actor, campaigns=shown),
        "tones": TONES,
        "next_cursor": after,
        "asked": asked,
        "is_filtered": any(asked.values()),
        "statuses": CampaignStatus.choices,
        "projects": [(str(pk), f"{number} {name}") for pk, number, name in projects[:MOST_CHOICES]],
    }
    return render(request, "campaigns/campaigns.html", context)
