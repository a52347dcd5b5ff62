"""The people behind one number of a pre-flight: nothing is frozen yet, so they are worked out anew."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from campaigns import services
from campaigns.models import SkipReason
from core.admin import acting

A_PAGE = 100


def would_be(admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """Who would be skipped for `reason`, or (without one) who would get it."""
    campaign, reason = admin.get_object(request, object_id), request.GET.get("reason", "")
    if campaign is None or reason not in SkipReason.values:
        raise Http404
    rows = services.preflight_people(actor=acting(request), campaign=campaign, reason=reason, at=timezone.now())
    context = {
        **admin.admin_site.each_context(request),
        "title": campaign.name,
        "reason": reason,
        "rows": Paginator(rows, A_PAGE).get_page(request.GET.get("page")),
        "back": reverse("admin:campaigns_campaign_change", args=[campaign.pk]),
        "opts": admin.opts,
    }
    return render(request, "campaigns/admin_would_be.html", context)
