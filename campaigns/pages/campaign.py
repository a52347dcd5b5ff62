"""One campaign: what it is while it is written, and the truth about it once it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from campaigns import selectors, services
from campaigns.models import Campaign, CampaignPause, SkipReason, Status
from campaigns.models.campaigns import STARTED
from campaigns.pages.asking import TONES, actor_of, campaign_of
from campaigns.pages.deciding import DECISIONS
from campaigns.rendering import asked_by
from campaigns.selectors import Cause, Funnel
from campaigns.variables import SOURCES
from core.doors import page
from core.roles import Capability
from crm.pages.asking import number_in
from messaging import templates
from messaging.models import MessageTemplate
from messaging.templates import Bubble

PEOPLE = 100
RIGHT_TO_LEFT = ("ar", "ur", "fa", "he")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the truth screen; its address opens exactly the rows it counts."""

    name: str
    words: str
    count: int
    share: str
    address: str


@require_GET
@page(Capability.CAMPAIGNS_READ)
def campaign(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The whole page."""
    return render(request, "campaigns/campaign.html", _context(request, campaign_of(request, campaign_id)))


@require_GET
@page(Capability.CAMPAIGNS_READ)
def now(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The part of the page that changes, as it is now."""
    return render(request, "campaigns/_campaign.html", _context(request, campaign_of(request, campaign_id)))


@require_GET
@page(Capability.CAMPAIGNS_READ)
def preflight(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """What would happen if it started now. Nothing is sent, and nothing written."""
    found = campaign_of(request, campaign_id)
    flight = services.preflight(actor=actor_of(request), campaign=found, at=timezone.now())
    context = {
        "here": "campaigns",
        "campaign": found,
        "tones": TONES,
        "flight": flight,
        "skipped": [(reason, SkipReason(reason).label, count) for reason, count in flight.skipped.items()],
        "direction": direction_of(found.template),
    }
    return render(request, "campaigns/preflight.html", context)


@require_GET
@page(Capability.CAMPAIGNS_READ)
def would_be(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """The people behind one number of the pre-flight, and (`contact`) what one of them would read."""
    actor, found, at = actor_of(request), campaign_of(request, campaign_id), timezone.now()
    reason, after = request.GET.get("reason", ""), number_in(request.GET.get("after", "")) or 0
    reason = reason if reason in SkipReason.values else ""
    contact = number_in(request.GET.get("contact", ""))
    rows = services.preflight_people(actor=actor, campaign=found, reason=reason, at=at)
    later = [row for row in rows if row.contact_id > after]
    read = None
    if contact is not None:
        read = services.preview_for(actor=actor, campaign=found, contact_id=contact, at=at)
    context = {
        "here": "campaigns",
        "campaign": found,
        "rows": later[:PEOPLE],
        "count": len(rows),
        "next_cursor": later[PEOPLE - 1].contact_id if len(later) > PEOPLE else "",
        "reason": SkipReason(reason).label if reason else "",
        "read": read,
        "direction": direction_of(found.template),
    }
    return render(request, "campaigns/would_be.html", context)


def _context(request: HttpRequest, found: Campaign) -> dict[str, Any]:
    actor, at = actor_of(request), timezone.now()
    offers = services.offered(actor=actor, campaign=found)
    context: dict[str, Any] = {
        "here": "campaigns",
        "campaign": found,
        "tones": TONES,
        "offers": [(offer, DECISIONS[offer.name]) for offer in offers if offer.name in DECISIONS],
        "may_change": any(offer.name == "change" for offer in offers),
        "bubble": bubble_with(found.template, found.variables),
        "direction": direction_of(found.template),
        "second": bubble_with(found.second_template, found.second_variables) if found.second_template else None,
        "second_direction": direction_of(found.second_template) if found.second_template else "",
        "progress": selectors.progress(actor=actor, campaign=found, at=at),
        "numbers": selectors.allowances(actor=actor, campaign=found, at=at),
        "is_started": found.status in STARTED and found.started_at is not None,
    }
    if context["is_started"]:
        context |= _truth(request, found, context["progress"].funnel, at)
    return context


def _truth(request: HttpRequest, found: Campaign, funnel: Funnel, at: datetime) -> dict[str, Any]:
    actor = actor_of(request)
    here = reverse("campaign-recipients", args=[actor.organization.slug, found.pk])
    pauses = CampaignPause.objects.for_organization(actor.organization).filter(campaign=found)
    return {
        "figures": _figures(funnel, here),
        "everybody": here,
        "bar": funnel.parts,
        "comparison": selectors.comparison(actor=actor, campaign=found, at=at),
        "causes": [
            (cause, f"{here}?{urlencode(_asked(cause))}") for cause in selectors.causes(actor=actor, campaign=found)
        ],
        "pauses": list(pauses.select_related("paused_by__user", "resumed_by__user").order_by("-pk")[:20]),
        "window_hours": selectors.REPLY_WINDOW_HOURS,
    }


def _figures(funnel: Funnel, here: str) -> list[Figure]:
    """The steps in their order; each as a share of those it can be of."""
    wanted = funnel.people - funnel.skipped
    steps = [
        ("out", funnel.accepted, wanted),
        ("delivered", funnel.delivered, funnel.accepted),
        ("read", funnel.read, funnel.accepted),
        ("replied", funnel.responded, funnel.accepted),
        ("waiting", funnel.waiting, wanted),
        ("failed", funnel.failed, wanted),
        ("unknown", funnel.unknown, wanted),
        ("skipped", funnel.skipped, funnel.people),
    ]
    found = []
    for name, count, of in steps:
        words = _("Replied") if name == "replied" else _(selectors.STEPS[name][0])
        asked = {"replied": "yes"} if name == "replied" else {"step": name}
        found.append(Figure(name, words, count, _share(count, of), f"{here}?{urlencode(asked)}"))
    return found


def _share(count: int, of: int) -> str:
    """In percent; a few of many are not none of them."""
    if not of:
        return "–"
    return "< 1 %" if 0 < 200 * count <= of else f"{round(100 * count / of)} %"


def _asked(cause: Cause) -> dict[str, str]:
    if cause.skip_reason:
        return {"step": "skipped", "reason": cause.skip_reason}
    step = "unknown" if cause.status == Status.UNKNOWN else "failed"
    return {"step": step} if cause.error_code is None else {"step": step, "code": str(cause.error_code)}


def bubble_with(template: MessageTemplate, mapping: Mapping[str, Mapping[str, str]]) -> Bubble:
    """What it says, with the name of each source where that person's own words will stand."""
    said = {variable.key: _said(mapping.get(variable.key, {})) for variable in asked_by(template)}
    return templates.bubble(template.components, {key: text for key, text in said.items() if text})


def _said(wanted: Mapping[str, str]) -> str:
    source = SOURCES.get(wanted.get("source", ""))
    return wanted.get("text", "") or (f"{{{{{_(source.label)}}}}}" if source else "")


def direction_of(template: MessageTemplate) -> str:
    """Which way its language is written."""
    return "rtl" if template.language.partition("_")[0] in RIGHT_TO_LEFT else "ltr"
