"""What is still to come for an agent: owed, waiting, disputed, and what open deals would bring."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from commissions import selectors, services
from commissions.errors import CommissionUnknown
from commissions.pages.asking import actor_of, asked_agent
from commissions.pages.reporting import asking, show_report
from commissions.reports import Cell, Column, Kind, Report
from core.actors import Actor
from core.doors import page
from core.money import Money
from core.roles import Capability
from crm.models import Agent


@require_GET
@page(Capability.COMMISSIONS_READ)
def forecast(request: HttpRequest) -> HttpResponse:
    """One's own, or that of an agent one sees (`?agent=`)."""
    actor_of(request)
    return show_report(request, "forecast", forecast_report, dates=[], kept=["agent"])


def forecast_report(actor: Actor, asked: Any) -> tuple[Report, Agent]:
    """Raises CommissionUnknown for an agent whom the actor does not see, and where there is none."""
    agent = asked_agent(actor, asked)
    if agent is None:
        raise CommissionUnknown("Say whose forecast: choose an agent from the team.")
    slug = actor.organization.slug
    parts = reverse("commission-parts", args=[slug])
    foreseen = services.foresee(actor=actor, agent=agent)
    facts: list[tuple[str, Any]] = [(_("Agent"), agent.name)]
    for totals in selectors.agent_statement(actor=actor, agent=agent, limit=0).totals:
        for name, show, minor in (
            (_("Due"), "due", totals.due_minor),
            (_("Not payable yet"), "held", totals.held_minor),
            (_("Waits for approval"), "pending", totals.pending_minor),
            (_("Disputed"), "disputed", totals.disputed_minor),
        ):
            address = f"{parts}?{asking(agent=agent.pk, currency=totals.currency, show=show)}"
            facts.append((name, Cell(Money(minor, totals.currency), address)))
    expected: dict[str, int] = {}
    for one in foreseen:
        expected[one.deal.currency] = expected.get(one.deal.currency, 0) + (one.amount_minor or 0)
    facts += [(_("Open deals"), Money(minor, currency)) for currency, minor in sorted(expected.items())]
    rows = tuple(
        (
            _(one.deal.get_stage_display()),
            Cell(one.deal.property.label, reverse("unit", args=[slug, one.deal.property_id])),
            one.deal.property.project.name,
            Money(one.deal.price_minor, one.deal.currency),
            None if one.amount_minor is None else Money(one.amount_minor, one.deal.currency),
            one.reason,
        )
        for one in foreseen
    )
    columns = (
        Column(_("Stage")), Column(_("Unit")), Column(_("Project")), Column(_("Price"), Kind.MONEY),
        Column(_("Would earn"), Kind.MONEY), Column(_("How it was worked out")),
    )  # fmt: skip
    notes = (_("Open deals are worked out as if they closed today by the standing plan. Nothing of them is promised."),)
    report = Report("forecast", _("Forecast"), columns, rows, facts=tuple(facts), notes=notes)
    return report, agent
