"""Agents, for those who give them work."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from core.doors import page
from core.roles import Capability
from crm import selectors
from crm.pages.asking import actor_of
from crm.pages.forms import ready_agents


@require_GET
@page(Capability.ASSIGNMENTS_WRITE)
def agents(request: HttpRequest) -> HttpResponse:
    """Who there is, and what is on their hands; those who left only when asked for."""
    everybody = request.GET.get("all") == "1"
    rows = selectors.agent_loads(actor=actor_of(request), today=timezone.localdate(), at_work_only=not everybody)
    return render(request, "crm/agents.html", {"here": "agents", "rows": rows, "everybody": everybody})


@require_GET
@page(Capability.ASSIGNMENTS_WRITE)
def agent(request: HttpRequest, agent_id: int) -> HttpResponse:
    """One agent's work, and the ways to give it on."""
    actor = actor_of(request)
    found = selectors.agent_page(actor=actor, agent_id=agent_id, today=timezone.localdate())
    context = {
        "here": "agents",
        "found": found,
        "agent": found.load.agent,
        "successors": [each for each in ready_agents(actor) if each.pk != agent_id],
    }
    return render(request, "crm/agent.html", context)
