"""An agent leaves, for managers: what moves and to whom, the way back, and the copy that another admin allows."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core import exports
from core.actors import Actor
from core.doors import page
from core.errors import DomainError
from core.models import Membership
from core.models.exports import ExportStatus
from core.roles import Capability
from crm import selectors, services
from crm.models import Agent, Departure, DepartureExport
from crm.pages.asking import actor_of, number_in


@require_http_methods(["GET", "POST"])
@page(Capability.AGENTS_MANAGE)
def leaving(request: HttpRequest, agent_id: int) -> HttpResponse:
    """What moves when this agent leaves; and, once confirmed, that it moves."""
    actor = actor_of(request)
    found = selectors.leaving(actor=actor, agent_id=agent_id)
    if request.method == "GET":
        return _asked(request, found)
    try:
        services.agent_leaves(
            actor=actor, agent=found.agent, reason=request.POST.get("reason", ""), at=timezone.now(), **_chosen(request)
        )
    except DomainError as error:
        # With what was chosen, and with what hangs on the agent now.
        again = selectors.leaving(actor=actor, agent_id=agent_id)
        return _asked(request, again, error=error, status=422)
    messages.success(request, _("%(name)s has left. Everything was handed over.") % {"name": found.agent.name})
    return redirect("leaving", actor.organization.slug, agent_id)


@require_POST
@page(Capability.AGENTS_MANAGE)
def returning(request: HttpRequest, agent_id: int) -> HttpResponse:
    """The person is back."""
    actor = actor_of(request)
    agent = get_object_or_404(Agent.objects.visible_to(actor), pk=agent_id)
    services.agent_returns(actor=actor, agent=agent, at=timezone.now())
    messages.success(request, _("%(name)s is back. What was handed over stays where it is.") % {"name": agent.name})
    return redirect("leaving", actor.organization.slug, agent_id)


@require_POST
@page(Capability.CRM_EXPORT)
def departure_exports(request: HttpRequest, departure_id: int) -> HttpResponse:
    """Ask for a copy of what a former agent worked on."""
    actor = actor_of(request)
    departure = get_object_or_404(Departure.objects.visible_to(actor), pk=departure_id)
    reason = request.POST.get("reason", "")
    services.request_departure_export(actor=actor, departure=departure, reason=reason, at=timezone.now())
    messages.success(request, _("Asked. Another admin decides."))
    return redirect("leaving", actor.organization.slug, departure.agent_id)


@require_POST
@page(Capability.MEMBERS_MANAGE)
def departure_export_decision(request: HttpRequest, export_id: int) -> HttpResponse:
    """Allow or refuse it."""
    actor = actor_of(request)
    export = _export(actor, export_id)
    is_allowed = request.POST.get("decision") == "allow"
    services.decide_departure_export(actor=actor, export=export, is_allowed=is_allowed, at=timezone.now())
    return redirect("leaving", actor.organization.slug, export.departure.agent_id)


@require_GET
@page(Capability.CRM_EXPORT)
def departure_export(request: HttpRequest, export_id: int, what: str) -> HttpResponseBase:
    """One list of it, as CSV."""
    actor = actor_of(request)
    made = services.take_departure_list(actor=actor, export=_export(actor, export_id), what=what, at=timezone.now())
    if made.status == ExportStatus.DONE:
        return exports.download(made)
    return redirect("exports", actor.organization.slug)


def _asked(
    request: HttpRequest, found: selectors.Leaving, error: DomainError | None = None, status: int = 200
) -> HttpResponse:
    given = {name: number_in(request.POST.get(name, "")) for name in ("successor", "team_to")}
    chosen = {each.project.pk: number_in(request.POST.get(f"project-{each.project.pk}", "")) for each in found.projects}
    context = {
        "here": "agents",
        "found": found,
        "agent": found.agent,
        "projects": [(each, chosen[each.project.pk]) for each in found.projects],
        "given": given,
        "team_to": given["team_to"] or found.agent.membership.reports_to_id,
        "reason": request.POST.get("reason", ""),
        "error": error,
    }
    return render(request, "crm/leaving.html", context, status=status)


def _chosen(request: HttpRequest) -> dict[str, Any]:
    """The people named in the form: those who are visible; the services ask the rest."""
    actor = actor_of(request)

    def agent(name: str) -> Agent | None:
        key = number_in(request.POST.get(name, ""))
        found: Agent | None = Agent.objects.visible_to(actor).filter(pk=key).first() if key else None
        return found

    projects = {
        number: other
        for name in request.POST
        if name.startswith("project-")
        and (number := number_in(name.removeprefix("project-"))) is not None
        and (other := agent(name)) is not None
    }
    team_to = number_in(request.POST.get("team_to", ""))
    members = Membership.objects.active().filter(organization=actor.organization)
    return {
        "successor": agent("successor"),
        "successors": projects,
        "team_to": members.filter(pk=team_to).first() if team_to else None,
    }


def _export(actor: Actor, export_id: int) -> DepartureExport:
    rows = DepartureExport.objects.visible_to(actor).select_related("departure")
    found: DepartureExport = get_object_or_404(rows, pk=export_id)
    return found
