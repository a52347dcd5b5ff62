"""One commission: why it is what it is, who decided what, and what may be done about it now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from commissions import selectors, services, wording
from commissions.errors import CommissionUnknown, DisputeClosed
from commissions.filtering import OWED
from commissions.models import Commission, Dispute
from commissions.models.payments import RECEIVED_BY
from commissions.pages.asking import actor_of
from core.actors import Actor
from core.doors import page
from core.errors import DomainError
from core.roles import Capability


@require_GET
@page(Capability.COMMISSIONS_READ)
def commission(request: HttpRequest, commission_id: int) -> HttpResponse:
    """Deal, plan version, base, rate, parts, payments, and the thread of decisions and disputes."""
    actor = actor_of(request)
    found = selectors.explained(actor=actor, commission_id=commission_id)
    version = found.commission.plan_version
    context = {
        "here": "commissions",
        "tab": "parts",
        "found": found,
        "commission": found.commission,
        "terms": {"rate": wording.rate(version), "shares": wording.shares(version), "vat": wording.vat(version)},
        "is_owed": found.commission.status in OWED,
        "sees_all": selectors.sees_all(actor),
        "today": timezone.localdate(),
        "methods": RECEIVED_BY,
    }
    return render(request, "commissions/commission.html", context)


@require_POST
@page(Capability.COMMISSIONS_READ)
def dispute(request: HttpRequest, commission_id: int) -> HttpResponse:
    """Say that it is not right, and why."""
    reason = request.POST.get("reason", "")
    return decide(
        request,
        commission_id,
        lambda actor, found: services.dispute_commission(
            actor=actor, commission=found, reason=reason, at=timezone.now()
        ),
        _("Disputed: nothing of it is paid until somebody has answered."),
    )


@require_POST
@page(Capability.COMMISSIONS_READ)
def message(request: HttpRequest, commission_id: int) -> HttpResponse:
    """Say something about the dispute that is open."""
    text = request.POST.get("reason", "")
    return decide(
        request,
        commission_id,
        lambda actor, found: services.add_dispute_message(
            actor=actor, dispute=_open_dispute(actor, found), text=text, at=timezone.now()
        ),
        _("Said."),
    )


@require_POST
@page(Capability.COMMISSIONS_APPROVE)
def resolution(request: HttpRequest, commission_id: int) -> HttpResponse:
    """Answer what is in dispute."""

    def resolve(actor: Actor, found: Commission) -> None:
        given, standing = request.POST.get("reason", ""), _open_dispute(actor, found)
        services.resolve_dispute(actor=actor, dispute=standing, resolution=given, at=timezone.now())

    return decide(request, commission_id, resolve, _("Answered: the commission is where it stood before."))


@require_POST
@page(Capability.COMMISSIONS_APPROVE)
def approval(request: HttpRequest, commission_id: int) -> HttpResponse:
    return decide(
        request,
        commission_id,
        lambda actor, found: services.approve_commission(actor=actor, commission=found, at=timezone.now()),
        _("Approved: from now on it is owed."),
    )


@require_POST
@page(Capability.COMMISSIONS_APPROVE)
def cancellation(request: HttpRequest, commission_id: int) -> HttpResponse:
    """Turn it down, or undo it; what was paid of it is clawed back if that is ticked."""
    reason, claw_back = request.POST.get("reason", ""), request.POST.get("claw_back") == "yes"
    return decide(
        request,
        commission_id,
        lambda actor, found: services.cancel_commission(
            actor=actor, commission=found, reason=reason, at=timezone.now(), claw_back=claw_back
        ),
        _("Cancelled: nothing of it will be paid."),
    )


def _open_dispute(actor: Actor, found: Commission) -> Dispute:
    """Raises DisputeClosed."""
    disputes = Dispute.objects.visible_to(actor).filter(commission=found, resolutions__isnull=True)
    standing: Dispute | None = disputes.order_by("-pk").first()
    if standing is None:
        raise DisputeClosed("This dispute is already closed.", commission=found.pk)
    return standing


def found_commission(actor: Actor, commission_id: int) -> Commission:
    """Raises CommissionUnknown."""
    found: Commission | None = Commission.objects.visible_to(actor).filter(pk=commission_id).first()
    if found is None:
        raise CommissionUnknown("There is no such commission here.", commission=commission_id)
    return found


def decide(
    request: HttpRequest, commission_id: int, act: Callable[[Actor, Commission], Any], done: str
) -> HttpResponse:
    """Call one service and say what came of it, on the page of the commission. Raises CommissionUnknown."""
    actor = actor_of(request)
    found = found_commission(actor, commission_id)
    try:
        act(actor, found)
        messages.success(request, done)
    except DomainError as refusal:
        messages.error(request, _(refusal.message))
    return redirect("commission", actor.organization.slug, commission_id)
