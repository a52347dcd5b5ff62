"""Payouts through the bank: collected by one, approved by another, and answered line by line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commissions import selectors, services
from commissions.errors import PayoutUnknown
from commissions.filtering import PayoutFilter
from commissions.models import PayoutBatch, PayoutLine
from commissions.pages.asking import actor_of, day_in, number_in
from commissions.pages.lists import list_context
from core.doors import page
from core.errors import DomainError
from core.money import DECIMALS
from core.roles import Capability


@require_http_methods(["GET", "POST"])
@page(Capability.LEDGER_READ)
def payouts(request: HttpRequest) -> HttpResponse:
    """Payouts, newest first. Posted, what is due in one currency is collected into a new one."""
    actor = actor_of(request)
    if request.method == "POST":
        actor.require(Capability.COMMISSIONS_PAY)
        made = _collect(request)
        place = (
            ("commission-payout", actor.organization.slug, made)
            if made
            else ("commission-payouts", actor.organization.slug)
        )
        return redirect(*place)
    listing = selectors.payout_page(actor=actor, asked=request.GET, after=request.GET.get("after", ""))
    choices = PayoutFilter(request.GET, PayoutBatch.objects.none())
    context = {
        **list_context(actor, request, choices, listing),
        "tab": "payouts",
        "currencies": DECIMALS,
        "today": timezone.localdate(),
    }
    return render(request, "commissions/payouts.html", context)


@require_GET
@page(Capability.LEDGER_READ)
def payout(request: HttpRequest, payout_id: int) -> HttpResponse:
    """Who is paid what, out of which commissions, and what the bank did."""
    found = selectors.payout(actor=actor_of(request), batch_id=payout_id)
    context = {
        "here": "commissions", "tab": "payouts", "found": found, "batch": found.batch, "today": timezone.localdate(),
    }  # fmt: skip
    return render(request, "commissions/payout.html", context)


@require_POST
@page(Capability.COMMISSIONS_APPROVE)
def approval(request: HttpRequest, payout_id: int) -> HttpResponse:
    return _decide(
        request,
        payout_id,
        lambda batch: services.approve_payout(actor=actor_of(request), batch=batch, at=timezone.now()),
        _("Approved: now the bank may get it."),
    )


@require_POST
@page(Capability.COMMISSIONS_APPROVE)
def cancellation(request: HttpRequest, payout_id: int) -> HttpResponse:
    reason = request.POST.get("reason", "")
    return _decide(
        request,
        payout_id,
        lambda batch: services.cancel_payout(actor=actor_of(request), batch=batch, reason=reason, at=timezone.now()),
        _("The payout is cancelled."),
    )


@require_POST
@page(Capability.BANK_DETAILS_READ)
def bank_file(request: HttpRequest, payout_id: int) -> HttpResponse:
    """The file for the bank; the trail says who took it."""
    batch = _found(request, payout_id)
    try:
        kind = services.bank_format(request.POST.get("format", ""))
        made = services.payout_file(actor=actor_of(request), batch=batch, format=kind, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, _(refusal.message))
        return _back(request, payout_id)
    named = f'attachment; filename="{batch.reference}.{kind.value}"'
    return HttpResponse(made, content_type=kind.media_type, headers={"Content-Disposition": named})


@require_POST
@page(Capability.COMMISSIONS_PAY)
def answers(request: HttpRequest, payout_id: int) -> HttpResponse:
    """What the bank did with the lines that are ticked: each by itself, so that one refusal does not stop the others."""
    actor, batch, at = actor_of(request), _found(request, payout_id), timezone.now()
    came_back, reason = request.POST.get("act") == "returned", request.POST.get("reason", "")
    paid_on = day_in(request.POST.get("paid_on", ""))
    keys = [key for key in map(number_in, request.POST.getlist("line")) if key is not None]
    if not keys or (paid_on is None and not came_back):
        messages.info(request, _("Tick the lines that the bank answered, and say the day."))
        return _back(request, payout_id)
    done = 0
    for line in PayoutLine.objects.visible_to(actor).filter(batch=batch, pk__in=keys).order_by("position"):
        try:
            if came_back:
                services.return_line(actor=actor, line=line, reason=reason, at=at)
            elif paid_on is not None:
                services.confirm_line(actor=actor, line=line, paid_on=paid_on, at=at)
            done += 1
        except DomainError as refusal:
            messages.error(request, f"{line.reference}: {_(refusal.message)}")
    if done and came_back:
        said = ngettext("%(count)d came back: it is due again.", "%(count)d came back: they are due again.", done)
        messages.success(request, said % {"count": done})
    elif done:
        messages.success(
            request, ngettext("%(count)d noted as paid.", "%(count)d noted as paid.", done) % {"count": done}
        )
    return _back(request, payout_id)


def _collect(request: HttpRequest) -> int | None:
    """The new payout, or None when it was refused; either way it is said."""
    pay_on = day_in(request.POST.get("pay_on", ""))
    if pay_on is None:
        messages.error(request, _("Say on which day the bank is to pay."))
        return None
    try:
        made = services.create_payout(
            actor=actor_of(request), currency=request.POST.get("currency", ""), pay_on=pay_on, at=timezone.now()
        )
    except DomainError as refusal:
        messages.error(request, _(refusal.message))
        return None
    for left in made.left_out:
        said = _("Left out: commission %(number)s, %(why)s.")
        messages.warning(request, said % {"number": left.split.commission_id, "why": _(left.why)})
    return made.batch.pk


def _decide(request: HttpRequest, payout_id: int, act: Callable[[PayoutBatch], Any], done: str) -> HttpResponse:
    batch = _found(request, payout_id)
    try:
        act(batch)
        messages.success(request, done)
    except DomainError as refusal:
        messages.error(request, _(refusal.message))
    return _back(request, payout_id)


def _found(request: HttpRequest, payout_id: int) -> PayoutBatch:
    """Raises PayoutUnknown."""
    found: PayoutBatch | None = PayoutBatch.objects.visible_to(actor_of(request)).filter(pk=payout_id).first()
    if found is None:
        raise PayoutUnknown("There is no such payout here.", payout=payout_id)
    return found


def _back(request: HttpRequest, payout_id: int) -> HttpResponse:
    return redirect("commission-payout", actor_of(request).organization.slug, payout_id)
