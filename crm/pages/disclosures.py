"""Who was shown whose numbers, for those who answer for it."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from core import exports
from core.doors import page
from core.errors import DomainError
from core.models import Membership
from core.models.exports import ExportStatus
from core.roles import Capability
from crm import selectors, services
from crm.models import DisclosureAlert, Project
from crm.models.disclosures import Door
from crm.pages.asking import actor_of, number_in
from crm.selectors.disclosures import Wanted, disclosure_report, disclosure_rows, disclosures_of

LATELY = timedelta(days=6)
LONGEST = timedelta(days=366)


@require_GET
@page(Capability.AUDIT_READ)
def disclosures(request: HttpRequest) -> HttpResponse:
    """The report of a period, with filters; every figure narrows it."""
    actor, wanted = actor_of(request), _wanted(request)
    context = {
        "here": "disclosures",
        "wanted": wanted,
        "report": disclosure_report(actor=actor, wanted=wanted),
        "listing": disclosure_rows(actor=actor, wanted=wanted, before=number_in(request.GET.get("before", ""))),
        "members": Membership.objects.filter(organization=actor.organization).select_related("user"),
        "projects": [row.project for row in selectors.project_list(actor=actor)],
        "doors": Door.choices,
        "asked": urlencode(_asked(wanted)),
    }
    return render(request, "crm/disclosures.html", context)


@require_POST
@page(Capability.AUDIT_READ)
def disclosures_file(request: HttpRequest) -> HttpResponseBase:
    """The same rows as a file: who, whose and why, never the numbers."""
    actor, wanted = actor_of(request), _wanted(request)
    made = exports.take_list(
        actor=actor,
        name="crm.ownerdisclosure",
        rows=disclosures_of(actor, wanted).order_by("-pk"),
        format=request.POST.get("format", ""),
        filters={name: str(value) for name, value in _asked(wanted).items()},
        at=timezone.now(),
    )
    if made.status == ExportStatus.DONE:
        return exports.download(made)
    messages.info(request, _("The file is being written; this page says when it is there."))
    return redirect("exports", actor.organization.slug)


@require_POST
@page(Capability.AUDIT_READ)
def disclosure_alert(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Somebody has looked into it."""
    actor = actor_of(request)
    alert = get_object_or_404(DisclosureAlert.objects.visible_to(actor), pk=alert_id)
    try:
        services.see_alert(actor=actor, alert=alert, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Noted that you looked into it."))
    return redirect("disclosures", actor.organization.slug)


def _wanted(request: HttpRequest) -> Wanted:
    """The last seven days unless the address says otherwise; what makes no sense is left out."""
    today = timezone.localdate()
    until = _day(request.GET.get("until", "")) or today
    since = _day(request.GET.get("since", "")) or until - LATELY
    door = request.GET.get("door", "")
    project = number_in(request.GET.get("project", ""))
    return Wanted(
        since=max(min(since, until), until - LONGEST),
        until=until,
        membership=number_in(request.GET.get("member", "")),
        project=project
        if project and Project.objects.visible_to(actor_of(request)).filter(pk=project).exists()
        else None,
        door=door if door in Door.values else "",
    )


def _day(text: str) -> date | None:
    try:
        found = parse_date(text)
    except ValueError:
        return None
    return found if found and 2000 <= found.year <= 2100 else None


def _asked(wanted: Wanted) -> dict[str, object]:
    given = {
        "since": wanted.since,
        "until": wanted.until,
        "member": wanted.membership,
        "project": wanted.project,
        "door": wanted.door,
    }
    return {name: value for name, value in given.items() if value}
