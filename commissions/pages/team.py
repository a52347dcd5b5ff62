"""A team's commissions: sums by agent, charts whose bars open their rows, and what somebody should look into."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from commissions import selectors
from commissions.errors import CommissionUnknown
from commissions.pages.asking import actor_of, day_in
from core.actors import Actor
from core.doors import page
from core.money import DECIMALS
from core.roles import Capability, Reach

WIDE = 1000  # units of an SVG across


@dataclass(frozen=True, slots=True)
class Drawn:
    """One bar as it is drawn: three lengths in units of WIDE, and the question that lists its rows."""

    label: str
    asked: str
    bar: selectors.Bar
    paid: int
    due: int
    rest: int


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    bars: list[Drawn]


@require_GET
@page(Capability.COMMISSIONS_READ)
def team(request: HttpRequest) -> HttpResponse:
    """Of a period (`?since=&until=`, days on which commissions were earned) and a currency."""
    actor = _of_a_team(request)
    since, until = day_in(request.GET.get("since", "")), day_in(request.GET.get("until", ""))
    wanted = request.GET.get("currency", "")
    currency = wanted if wanted in DECIMALS else actor.organization.currency
    found = selectors.charts(actor=actor, currency=currency, since=since, until=until)
    period = {"since": since or "", "until": until or "", "currency": currency, "show": "earned"}
    context = {
        "here": "commissions",
        "tab": "team",
        "since": since,
        "until": until,
        "currency": currency,
        "rows": selectors.team_totals(actor=actor, since=since, until=until),
        "period": urlencode({name: value for name, value in period.items() if value and name != "show"}),
        "charts": [
            _chart(_("By month"), found.by_month, lambda bar: {**period, **_month(bar.key, since, until)}),
            _chart(_("By project"), found.by_project, lambda bar: {**period, "project": bar.key}),
            _chart(_("By agent"), found.by_agent, lambda bar: {**period, "agent": bar.key}),
        ],
    }
    return render(request, "commissions/team.html", context)


@require_GET
@page(Capability.COMMISSIONS_READ)
def exceptions(request: HttpRequest) -> HttpResponse:
    """Open disputes, what is due for long, payments that came back."""
    actor = _of_a_team(request)
    found = selectors.exceptions(actor=actor, today=timezone.localdate())
    return render(request, "commissions/exceptions.html", {"here": "commissions", "tab": "exceptions", "found": found})


def _of_a_team(request: HttpRequest) -> Actor:
    """Whoever sees more than his own. Raises CommissionUnknown for everybody else."""
    actor = actor_of(request)
    if actor.reach is Reach.OWN:
        raise CommissionUnknown("Only supervisors and managers see a team.")
    return actor


def _chart(title: str, bars: tuple[selectors.Bar, ...], asked: Any) -> Chart:
    most = max((bar.amount_minor for bar in bars), default=0) or 1
    drawn = []
    for bar in bars:
        paid, due = WIDE * bar.paid_minor // most, WIDE * bar.due_minor // most
        rest = WIDE * bar.amount_minor // most - paid - due
        label = date_format(bar.key, "M Y") if isinstance(bar.key, date) else bar.label
        question = urlencode({name: value for name, value in asked(bar).items() if value})
        drawn.append(Drawn(label, question, bar, paid, due, max(rest, 0)))
    return Chart(title, drawn)


def _month(first: date, since: date | None, until: date | None) -> dict[str, date]:
    """The days of that month which the period has."""
    last = first.replace(day=monthrange(first.year, first.month)[1])
    return {"since": max(first, since or first), "until": min(last, until or last)}
