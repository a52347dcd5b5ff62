"""Deciding about a campaign: the page says what the decision will do, a press does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from campaigns import selectors, services
from campaigns.models import Campaign, CampaignStatus
from campaigns.pages.asking import TONES, actor_of, campaign_of
from core.doors import page
from core.errors import DomainError, NotFound
from core.middleware import status_of
from core.roles import Capability

LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Decision:
    """One verb in the words of a button, with what it will do. `asks`: it wants a reason."""

    label: Any
    will: Any
    done: Any
    service: Callable[..., Any]
    asks: bool = False
    tone: str = ""


DECISIONS: dict[str, Decision] = {
    "submit": Decision(
        gettext_lazy("Submit for review"),
        gettext_lazy("Somebody else than you looks at it and approves it. Nothing is sent."),
        gettext_lazy("Handed in. It waits for somebody else to approve it."),
        services.submit_for_review,
    ),
    "approve": Decision(
        gettext_lazy("Approve"),
        gettext_lazy(
            "It may then be started exactly as it is now; any change voids this approval. Nothing is sent yet."
        ),
        gettext_lazy("Approved. Somebody has to start it."),
        services.approve_campaign,
    ),
    "give_back": Decision(
        gettext_lazy("Send back"),
        gettext_lazy("It becomes a draft again. Say what should change: its author reads it."),
        gettext_lazy("Sent back to its author."),
        services.return_campaign,
        asks=True,
    ),
    "start": Decision(
        gettext_lazy("Start"),
        gettext_lazy("The audience is frozen, and sending begins. Nobody gets it twice."),
        gettext_lazy("Started."),
        services.start_campaign,
    ),
    "unschedule": Decision(
        gettext_lazy("Take off the schedule"),
        gettext_lazy("It does not start by itself; it stays approved."),
        gettext_lazy("Taken off the schedule."),
        services.unschedule_campaign,
    ),
    "pause": Decision(
        gettext_lazy("Pause"),
        gettext_lazy("Sending stops within a second. What is on its way is finished; everybody else waits."),
        gettext_lazy("Paused."),
        services.pause_campaign,
        asks=True,
    ),
    "resume": Decision(
        gettext_lazy("Resume"),
        gettext_lazy("It goes on where it stopped: nobody gets it twice."),
        gettext_lazy("It goes on."),
        services.resume_campaign,
    ),
    "cancel": Decision(
        gettext_lazy("Cancel"),
        gettext_lazy("It ends for good, and cannot be started again. Whoever has not been written to yet is skipped."),
        gettext_lazy("Cancelled."),
        services.cancel_campaign,
        asks=True,
        tone="danger",
    ),
}


@require_http_methods(["GET", "POST"])
@page(Capability.CAMPAIGNS_READ)
def decide(request: HttpRequest, campaign_id: int, decision: str) -> HttpResponse:
    """GET says what it will do, POST does it; a refusal stands on the page."""
    actor, campaign = actor_of(request), campaign_of(request, campaign_id)
    if decision not in DECISIONS:
        raise NotFound(_("There is no such decision."))
    actor.require(services.DECISIONS[decision][0])
    wanted, reason, refusal = DECISIONS[decision], request.POST.get("reason", "").strip()[:LONGEST_REASON], None
    if request.method == "POST" and wanted.asks and not reason:
        refusal = _("Say why: it is kept, and whoever works with this campaign reads it.")
    elif request.method == "POST":
        more = {"reason": reason} if wanted.asks else {}
        try:
            wanted.service(actor=actor, campaign=campaign, at=timezone.now(), **more)
        except DomainError as error:
            return _asked(request, campaign, decision, reason, error.message, status_of(error))
        messages.success(request, str(wanted.done))
        return redirect("campaign", actor.organization.slug, campaign.pk)
    return _asked(request, campaign, decision, reason, refusal, 422 if refusal else 200)


def _asked(
    request: HttpRequest, campaign: Campaign, decision: str, reason: str, refusal: str | None, status: int
) -> HttpResponse:
    actor = actor_of(request)
    offers = {offer.name: offer.refusal for offer in services.offered(actor=actor, campaign=campaign)}
    if refusal is None and decision not in offers:
        said = _(str(CampaignStatus(campaign.status).label)).lower()
        refusal = _("That is not possible now: the campaign is %(status)s.") % {"status": said}
    context = {
        "here": "campaigns",
        "campaign": campaign,
        "tones": TONES,
        "wanted": DECISIONS[decision],
        "decision": decision,
        "reason": reason,
        "refusal": refusal or offers.get(decision, ""),
        "may": decision in offers and not offers[decision],
        "waiting": selectors.funnel(actor=actor, campaign=campaign).waiting,
        "is_later": campaign.starts_at is not None and campaign.starts_at > timezone.now(),
    }
    return render(request, "campaigns/decision.html", context, status=status)
