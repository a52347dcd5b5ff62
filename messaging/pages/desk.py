"""Canned replies, office hours, and messages in doubt: what stands beside the inbox."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.doors import page
from core.errors import DomainError, NotFound
from core.middleware import status_of
from core.roles import Capability
from messaging import selectors, services
from messaging.models import CannedReply, Channel, OfficeHours
from messaging.pages.shown import acting, number

DAYS = [
    gettext_noop("Monday"),
    gettext_noop("Tuesday"),
    gettext_noop("Wednesday"),
    gettext_noop("Thursday"),
    gettext_noop("Friday"),
    gettext_noop("Saturday"),
    gettext_noop("Sunday"),
]


@require_http_methods(["GET", "POST"])
@page(Capability.CONVERSATIONS_REPLY)
def canned_replies(request: HttpRequest) -> HttpResponse:
    """The replies that this member has at hand, with a search. POST keeps a new one, or changes one."""
    actor = acting(request)
    if request.method != "POST":
        return _replies(request)
    pk = number(request.POST.get("reply", ""))
    try:
        services.save_canned_reply(
            actor=actor,
            reply=_reply(request, pk) if pk else None,
            shortcut=request.POST.get("shortcut", ""),
            body=request.POST.get("body", "").replace("\r\n", "\n"),
            is_shared=request.POST.get("is_shared") == "on",
            at=timezone.now(),
        )
    except DomainError as error:
        return _replies(request, problem=error, given=request.POST, status=status_of(error))
    messages.success(request, _("Kept. Type / in a conversation to use it."))
    return redirect("canned-replies", actor.organization.slug)


@require_POST
@page(Capability.CONVERSATIONS_REPLY)
def canned_reply_deletion(request: HttpRequest, reply_id: int) -> HttpResponse:
    """Take one away."""
    services.delete_canned_reply(actor=acting(request), reply=_reply(request, reply_id), at=timezone.now())
    messages.success(request, _("Deleted."))
    return redirect("canned-replies", acting(request).organization.slug)


@require_GET
@page(Capability.CONVERSATIONS_READ)
def doubtful(request: HttpRequest) -> HttpResponse:
    """Messages of which nobody knows whether they arrived, for whoever asks the person."""
    rows = [(each, uuid.uuid4()) for each in selectors.doubtful(actor=acting(request))]
    return render(request, "messaging/doubtful.html", {"here": "inbox", "rows": rows})


@require_http_methods(["GET", "POST"])
@page(Capability.STOCK_WRITE)
def office_hours(request: HttpRequest) -> HttpResponse:
    """When somebody is there, for single numbers and for all others, and what is said meanwhile."""
    actor = acting(request)
    channels = list(Channel.objects.visible_to(actor).live().order_by("name", "pk"))
    if request.method != "POST":
        return _hours(request, channels)
    pk = number(request.POST.get("channel", ""))
    channel = next((each for each in channels if each.pk == pk), None)
    try:
        if pk and channel is None:
            raise NotFound(_("There is no such number here."))
        services.save_office_hours(
            actor=actor,
            channel=channel,
            week=_week(request),
            time_zone=request.POST.get("time_zone", "").strip(),
            says_away=request.POST.get("says_away") == "on",
            away_text=request.POST.get("away_text", ""),
            away_text_arabic=request.POST.get("away_text_arabic", ""),
            at=timezone.now(),
        )
    except DomainError as error:
        return _hours(request, channels, problem=error, problem_of=pk, status=status_of(error))
    messages.success(request, _("Kept."))
    return redirect("office-hours", actor.organization.slug)


def _replies(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    search = request.GET.get("q", "")
    rows = selectors.canned_replies(actor=acting(request), search=search)
    context = {"here": "inbox", "rows": rows, "search": search, **more}
    return render(request, "messaging/canned_replies.html", context, status=status)


def _reply(request: HttpRequest, pk: int) -> CannedReply:
    found: CannedReply | None = CannedReply.objects.visible_to(acting(request)).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such reply here."))
    return found


def _hours(request: HttpRequest, channels: list[Channel], *, status: int = 200, **more: Any) -> HttpResponse:
    kept = {row.channel_id: row for row in OfficeHours.objects.for_organization(acting(request).organization)}
    forms = []
    for channel in [None, *channels]:
        row = kept.get(channel.pk if channel else None)
        forms.append({"channel": channel, "kept": row, "days": _days(row)})
    context = {"here": "inbox", "forms": forms, **more}
    return render(request, "messaging/office_hours.html", context, status=status)


def _days(kept: OfficeHours | None) -> list[dict[str, Any]]:
    """A line for each day; what stands in it is "09:00-13:00, 16:00-20:00"."""
    week = kept.week if kept and kept.week else [[]] * 7
    return [
        {"number": index, "name": name, "spans": ", ".join(f"{start}-{end}" for start, end in week[index])}
        for index, name in enumerate(DAYS)
    ]


def _week(request: HttpRequest) -> list[Any]:
    """The lines back into a week; all of them empty stands for the organisation's own hours."""
    lines = [request.POST.get(f"day{index}", "").replace("–", "-") for index in range(7)]
    if not any(line.strip() for line in lines):
        return []
    return [[[part.strip() for part in span.split("-")] for span in line.split(",") if span.strip()] for line in lines]
