"""What waits for a yes, many at a time; four eyes are explained where they refuse."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from commissions import selectors, services
from commissions.filtering import CommissionFilter
from commissions.models import Commission
from commissions.pages.asking import actor_of, number_in
from commissions.pages.lists import list_context
from core.doors import page
from core.errors import DomainError
from core.roles import Capability

MOST = 200  # boxes of one page


@require_http_methods(["GET", "POST"])
@page(Capability.COMMISSIONS_APPROVE)
def approvals(request: HttpRequest) -> HttpResponse:
    """Pending commissions, the oldest first. Posted, what is ticked is approved or, with a reason, rejected: each by
    itself, so that one refusal does not stop the others."""
    actor = actor_of(request)
    if request.method == "POST":
        _decide(request)
        return redirect("commission-approvals", actor.organization.slug)
    listing = selectors.approval_page(actor=actor, asked=request.GET, after=request.GET.get("after", ""))
    choices = CommissionFilter(request.GET, Commission.objects.none())
    rows = [(row, selectors.refusal(actor, row, row.pays_me)) for row in listing.rows]
    context = {**list_context(actor, request, choices, listing), "tab": "approvals", "rows": rows}
    return render(request, "commissions/approvals.html", context)


def _decide(request: HttpRequest) -> None:
    actor, at = actor_of(request), timezone.now()
    rejects, reason = request.POST.get("act") == "reject", request.POST.get("reason", "")
    keys = [key for key in map(number_in, request.POST.getlist("row")[:MOST]) if key is not None]
    ticked = Commission.objects.visible_to(actor).filter(pk__in=keys).order_by("pk")
    done = 0
    for commission in ticked:
        try:
            if rejects:
                services.cancel_commission(actor=actor, commission=commission, reason=reason, at=at)
            else:
                services.approve_commission(actor=actor, commission=commission, at=at)
            done += 1
        except DomainError as refusal:
            messages.error(request, _("No. %(number)s") % {"number": commission.pk} + f": {_(refusal.message)}")
    if not keys:
        messages.info(request, _("Tick the commissions first."))
    elif rejects and done:
        messages.success(request, ngettext("%(count)d rejected.", "%(count)d rejected.", done) % {"count": done})
    elif done:
        messages.success(request, ngettext("%(count)d approved.", "%(count)d approved.", done) % {"count": done})
