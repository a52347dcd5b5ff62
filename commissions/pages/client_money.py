"""What of a commission the client pays when, what came, what bounced, and what is held back meanwhile."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from commissions import services
from commissions.errors import CommissionUnknown, HoldBackInvalid, InstalmentsInvalid, ReceiptInvalid
from commissions.models import Commission, Instalment, Method, Receipt
from commissions.pages.asking import actor_of, day_in, number_in
from commissions.pages.commission import decide, found_commission
from core.actors import Actor
from core.doors import page
from core.errors import DomainError
from core.money import BASIS_POINTS, to_decimal
from core.roles import Capability

SPARE = 4  # empty rows of the form; more come when these are filled and sent
LONGEST = 100


@require_http_methods(["GET", "POST"])
@page(Capability.COMMISSIONS_WRITE)
def instalments(request: HttpRequest, commission_id: int) -> HttpResponse:
    """When the client pays what: said once, and agreed anew with a reason. A refusal keeps what was typed."""
    actor = actor_of(request)
    commission = found_commission(actor, commission_id)
    standing = list(
        Instalment.objects.visible_to(actor).filter(commission=commission, amount_minor__gt=0).order_by("position")
    )
    rows = [(to_decimal(one.amount_minor, one.currency), one.expected_on.isoformat()) for one in standing]
    refusal = ""
    if request.method == "POST":
        rows = _typed(request)
        if "more" not in request.POST:
            try:
                _plan(actor, commission, rows, is_new=not standing, reason=request.POST.get("reason", ""))
                messages.success(request, _("The instalments stand."))
                return redirect("commission", actor.organization.slug, commission.pk)
            except DomainError as error:
                refusal = _(error.message)
    context = {
        "here": "commissions", "tab": "parts", "commission": commission, "standing": standing, "refusal": refusal,
        "rows": [*rows, *[("", "")] * SPARE], "reason": request.POST.get("reason", ""),
    }  # fmt: skip
    return render(request, "commissions/instalments.html", context, status=422 if refusal else 200)


@require_POST
@page(Capability.COMMISSIONS_PAY)
def receipt(request: HttpRequest, commission_id: int) -> HttpResponse:
    """Money of the client that came for one instalment."""

    def receive(actor: Actor, commission: Commission) -> None:
        found = (
            Instalment.objects.visible_to(actor).filter(commission=commission, pk=_key(request, "instalment")).first()
        )
        if found is None:
            raise CommissionUnknown("There is no such instalment here.")
        method = request.POST.get("method", "")
        if method not in Method:
            raise ReceiptInvalid("Say how the money came: by bank, cheque or in cash.", field="method")
        services.record_receipt(
            actor=actor,
            instalment=found,
            amount=request.POST.get("amount", ""),
            method=Method(method),
            received_on=_day(request, "received_on", ReceiptInvalid),
            reference=request.POST.get("reference", ""),
            at=timezone.now(),
        )

    return decide(request, commission_id, receive, _("The receipt is noted."))


@require_POST
@page(Capability.COMMISSIONS_PAY)
def bounced(request: HttpRequest, commission_id: int) -> HttpResponse:
    """A receipt that was none: the instalment is due again."""

    def take_back(actor: Actor, commission: Commission) -> None:
        receipts = Receipt.objects.visible_to(actor).filter(instalment__commission=commission)
        found = receipts.filter(pk=_key(request, "receipt")).first()
        if found is None:
            raise CommissionUnknown("There is no such receipt here.")
        services.reverse_receipt(actor=actor, receipt=found, reason=request.POST.get("reason", ""), at=timezone.now())

    return decide(request, commission_id, take_back, _("The receipt is taken back; the instalment is due again."))


@require_POST
@page(Capability.COMMISSIONS_WRITE)
def hold_back(request: HttpRequest, commission_id: int) -> HttpResponse:
    """Keep a share of each part."""

    def hold(actor: Actor, commission: Commission) -> None:
        until = request.POST.get("until_on", "")
        services.hold_back(
            actor=actor,
            commission=commission,
            basis_points=_basis_points(request.POST.get("percent", "")),
            until_on=_day(request, "until_on", HoldBackInvalid) if until else None,
            reason=request.POST.get("reason", ""),
            at=timezone.now(),
        )

    return decide(request, commission_id, hold, _("It is held back."))


@require_POST
@page(Capability.COMMISSIONS_APPROVE)
def release(request: HttpRequest, commission_id: int) -> HttpResponse:
    """Let go what was held back."""
    reason = request.POST.get("reason", "")
    return decide(
        request,
        commission_id,
        lambda actor, found: services.release_hold_back(
            actor=actor, commission=found, reason=reason, at=timezone.now()
        ),
        _("It is let go."),
    )


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """The rows in which something stands, as they were typed."""
    amounts, days = request.POST.getlist("amount")[:LONGEST], request.POST.getlist("day")[:LONGEST]
    rows = [(amount.strip(), day.strip()) for amount, day in zip(amounts, days, strict=False)]
    return [row for row in rows if any(row)]


def _plan(actor: Actor, commission: Commission, rows: list[tuple[str, str]], *, is_new: bool, reason: str) -> None:
    wanted: list[tuple[str, date]] = []
    for number, (amount, text) in enumerate(rows, start=1):
        day = day_in(text)
        if day is None:
            raise InstalmentsInvalid(
                _("Row %(number)s: say on which day it is expected.") % {"number": number}, field="instalments"
            )
        wanted.append((amount, day))
    at = timezone.now()
    if is_new:
        services.schedule_instalments(actor=actor, commission=commission, instalments=wanted, at=at)
    else:
        services.reschedule_instalments(actor=actor, commission=commission, instalments=wanted, reason=reason, at=at)


def _basis_points(percent: str) -> int:
    """Of what was typed, such as 12.5. Raises HoldBackInvalid."""
    try:
        points = Decimal(percent.strip()) * (BASIS_POINTS // 100)
        if points == int(points):
            return int(points)
    except (InvalidOperation, OverflowError, ValueError):
        pass
    raise HoldBackInvalid("A hold-back is above 0 and at most 100 %.", field="percent")


def _key(request: HttpRequest, name: str) -> int | None:
    return number_in(request.POST.get(name, ""))


def _day(request: HttpRequest, name: str, refusal: Any) -> date:
    day = day_in(request.POST.get(name, ""))
    if day is None:
        raise refusal("Say the day.", field=name)
    return day
