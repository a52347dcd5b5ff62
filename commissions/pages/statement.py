"""An agent's account by month, on the page and as a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from commissions import selectors
from commissions.errors import CommissionUnknown
from commissions.pages.asking import actor_of, asked_agent, day_in
from commissions.reports import Cell, Column, Kind, Report
from core.actors import Actor
from core.doors import page
from core.money import Money
from core.roles import Capability
from crm.models import Agent


@require_GET
@page(Capability.COMMISSIONS_READ)
def statement(request: HttpRequest) -> HttpResponse:
    """What came to be owed and what was paid, month by month, with the balance after each line (`?since=&until=`)."""
    actor = actor_of(request)
    agent = asked_agent(actor, request.GET)
    since, until = day_in(request.GET.get("since", "")), day_in(request.GET.get("until", ""))
    context: dict[str, Any] = {
        "here": "commissions",
        "tab": "statement",
        "agent": agent,
        "since": since,
        "until": until,
    }
    if agent is not None:
        context["accounts"] = selectors.running_statements(actor=actor, agent=agent, since=since, until=until)
    return render(request, "commissions/statement.html", context)


def statement_report(actor: Actor, asked: Mapping[str, Any]) -> tuple[Report, Agent]:
    """The same lines, oldest first. Raises CommissionUnknown."""
    agent = asked_agent(actor, asked)
    if agent is None:
        raise CommissionUnknown("Say whose statement: choose an agent.")
    since, until = day_in(asked.get("since", "")), day_in(asked.get("until", ""))
    accounts = selectors.running_statements(actor=actor, agent=agent, since=since, until=until)
    rows: list[tuple[Any, ...]] = []
    facts: list[tuple[str, Any]] = [(_("Agent"), agent.name)]
    if since:
        facts.append((_("From"), since))
    if until:
        facts.append((_("Until"), until))
    for account in accounts:
        currency = account.currency
        if account.is_recovery:
            facts.append((_("To be recovered"), Money(account.closing_minor, currency)))
            continue
        facts.append((_("Balance before"), Money(account.opening_minor, currency)))
        for line in account.lines:
            more, less = max(line.amount_minor, 0), max(-line.amount_minor, 0)
            rows.append(
                (
                    line.on,
                    said(line),
                    Cell(line.commission.deal.property.label, _address(actor, line.commission.pk))
                    if line.commission
                    else "",
                    line.payment.reference if line.payment else "",
                    Money(more, currency) if more else None,
                    Money(less, currency) if less else None,
                    Money(line.balance_minor, currency),
                )
            )
        facts.append((_("Owed at the end"), Money(account.closing_minor, currency)))
    columns = (
        Column(_("Date"), Kind.DATE), Column(_("What")), Column(_("Unit")), Column(_("Reference")),
        Column(_("Added"), Kind.MONEY), Column(_("Taken off"), Kind.MONEY), Column(_("Balance"), Kind.MONEY),
    )  # fmt: skip
    note = _("Each line is an entry of the books, which are never changed: a mistake is corrected by another line.")
    return Report(
        "statement", _("Commission statement"), columns, tuple(rows), facts=tuple(facts), notes=(note,)
    ), agent


def said(line: selectors.RunningLine) -> str:
    """What a line is, in words."""
    match line.kind:
        case "approved":
            return _("Commission approved")
        case "cancelled":
            return _("Commission cancelled")
        case "paid":
            return _("Payment")
        case "taken_back":
            return _("Payment taken back")
        case _:
            return line.text


def _address(actor: Actor, commission_id: int) -> str:
    return reverse("commission", args=[actor.organization.slug, commission_id])
