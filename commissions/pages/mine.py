"""What an agent earned, why, and when it comes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from commissions import selectors
from commissions.pages.asking import actor_of, asked_agent
from core.actors import Actor
from core.doors import page
from core.roles import Capability, Reach

LATEST = 20


@require_GET
@page(Capability.COMMISSIONS_READ)
def my_commissions(request: HttpRequest) -> HttpResponse:
    """One's own figures and latest deals, or those of an agent one sees (`?agent=`). Who sells nothing himself is shown
    the team's."""
    actor = actor_of(request)
    context: dict[str, Any] = {"here": "commissions", "tab": "mine"}
    agent = asked_agent(actor, request.GET)
    if agent is not None:
        context |= {"whose": f"agent={agent.pk}", "is_own": agent.membership_id == _membership(actor)}
        context["statement"] = selectors.agent_statement(actor=actor, agent=agent, limit=LATEST)
    elif actor.reach is not Reach.OWN:
        return redirect("commission-team", actor.organization.slug)
    return render(request, "commissions/my_commissions.html", context)


def _membership(actor: Actor) -> int | None:
    return actor.membership.pk if actor.membership else None
