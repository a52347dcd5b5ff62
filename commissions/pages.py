"""What an agent earned, why, and when it comes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from commissions import selectors
from core.actors import Actor
from core.doors import page
from core.roles import Capability, Reach
from crm.models import Agent


@require_GET
@page(Capability.COMMISSIONS_READ)
def my_commissions(request: HttpRequest) -> HttpResponse:
    """One's own statement; supervisors and managers choose among the agents they see (`?agent=`)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    context: dict[str, Any] = {"here": "commissions"}
    wanted = request.GET.get("agent", "")
    agents = Agent.objects.visible_to(actor)
    if wanted:
        agent = agents.filter(pk=int(wanted)).first() if wanted.isdecimal() else None
    else:
        agent = agents.filter(membership=actor.membership).first()
    if agent is not None:
        context["statement"] = selectors.agent_statement(actor=actor, agent=agent)
    if actor.reach is not Reach.OWN:
        context["team"] = selectors.team_totals(actor=actor)
    return render(request, "commissions/my_commissions.html", context)
