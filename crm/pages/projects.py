"""Projects: the list, and one with its units, owners, people and sheets."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_POST

from core.doors import page
from core.errors import DomainError, NotFound
from core.middleware import status_of
from core.roles import Capability
from crm import panels, selectors, services
from crm.models import Project, ProjectAssignment
from crm.models.stock import ProjectStatus
from crm.pages.asking import actor_of, back, number_in
from crm.pages.forms import AssignmentForm, DueForm, ready_agents

# What a button of the life cycle says.
MOVES = {
    ProjectStatus.ACTIVE: gettext_noop("Take up again"),
    ProjectStatus.PAUSED: gettext_noop("Pause"),
    ProjectStatus.COMPLETED: gettext_noop("Complete"),
    ProjectStatus.ARCHIVED: gettext_noop("Archive"),
}


@require_GET
@page(Capability.CRM_READ)
def projects(request: HttpRequest) -> HttpResponse:
    """The projects this member may see, each with figures that open their rows."""
    actor = actor_of(request)
    search, status = request.GET.get("q", "").strip()[:200], request.GET.get("status", "")
    status = status if status in ProjectStatus.values else ""
    rows = selectors.project_list(actor=actor, search=search, status=status)
    context = {
        "here": "projects",
        "rows": rows,
        "search": search,
        "status": status,
        "statuses": ProjectStatus.choices,
        "most": 500,
    }
    return render(request, "crm/projects.html", context)


@require_GET
@page(Capability.CRM_READ)
def project(request: HttpRequest, number: int) -> HttpResponse:
    """One project."""
    return _shown(request, number)


@require_POST
@page(Capability.STOCK_WRITE)
def status(request: HttpRequest, number: int) -> HttpResponse:
    """Pause, complete, archive, take up again."""
    actor = actor_of(request)
    found = _found(request, number)
    try:
        services.update_project(actor=actor, project=found, status=request.POST.get("status", ""))
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Saved."))
    return redirect("project", actor.organization.slug, number)


@require_POST
@page(Capability.ASSIGNMENTS_WRITE)
def assignments(request: HttpRequest, number: int) -> HttpResponse:
    """Give the project to an agent."""
    actor = actor_of(request)
    found = _found(request, number)
    form = AssignmentForm(actor, request.POST)
    if not form.is_valid():
        return _shown(request, number, form, 422)
    given = form.cleaned_data
    try:
        services.assign_agent(
            actor=actor, agent=given["agent"], project=found, due_on=given["due_on"], notes=given["notes"]
        )
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return _shown(request, number, form, status_of(refusal))
    messages.success(request, _("%(agent)s works on this project now.") % {"agent": given["agent"].name})
    return redirect("project", actor.organization.slug, number)


@require_POST
@page(Capability.CRM_WRITE)
def completion(request: HttpRequest, assignment_id: int) -> HttpResponse:
    """The work of one assignment is done."""
    assignment = _assignment(request, assignment_id)
    try:
        services.complete_assignment(actor=actor_of(request), assignment=assignment)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("The assignment is completed."))
    return _to_where_it_was(request, assignment)


@require_POST
@page(Capability.ASSIGNMENTS_WRITE)
def due(request: HttpRequest, assignment_id: int) -> HttpResponse:
    """Another due date, or none."""
    assignment = _assignment(request, assignment_id)
    form = DueForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write a date, or leave it empty."))
        return _to_where_it_was(request, assignment)
    try:
        services.update_assignment(actor=actor_of(request), assignment=assignment, due_on=form.cleaned_data["due_on"])
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Saved."))
    return _to_where_it_was(request, assignment)


@require_POST
@page(Capability.ASSIGNMENTS_WRITE)
def transfer(request: HttpRequest, assignment_id: int) -> HttpResponse:
    """Another agent carries on, with open deals and the owners."""
    actor = actor_of(request)
    assignment = _assignment(request, assignment_id)
    successor = ready_agents(actor).filter(pk=number_in(request.POST.get("successor", "")) or 0).first()
    if successor is None:
        messages.error(request, _("Choose who carries on."))
        return _to_where_it_was(request, assignment)
    try:
        services.transfer_assignment(actor=actor, assignment=assignment, successor=successor, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("%(agent)s carries on.") % {"agent": successor.name})
    return _to_where_it_was(request, assignment)


def _shown(request: HttpRequest, number: int, form: AssignmentForm | None = None, code: int = 200) -> HttpResponse:
    actor = actor_of(request)
    found = selectors.project_page(actor=actor, number=number)
    sources = selectors.sources_of_project(actor=actor, project=found.project, at=timezone.now())
    assigns = actor.can(Capability.ASSIGNMENTS_WRITE)
    moves: list[tuple[str, str]] = []
    if actor.can(Capability.STOCK_WRITE):
        reachable = services.PROJECT_MOVES[found.project.status]
        moves = [(value, MOVES[value]) for value in ProjectStatus if value in reachable]
    context: dict[str, Any] = {
        "here": "projects",
        "found": found,
        "project": found.project,
        "moves": moves,
        "sources": sources,
        "runs": selectors.imports_of(actor=actor, spreadsheets=[source.spreadsheet_id for source in sources]),
        "form": (form or AssignmentForm(actor)) if assigns else None,
        "successors": list(ready_agents(actor)) if assigns and found.assignments else [],
        "timeline": selectors.timeline(actor=actor, row=found.project),
        "panels": panels.filled(panels.PROJECT, actor, found.project),
    }
    return render(request, "crm/project.html", context, status=code)


def _found(request: HttpRequest, number: int) -> Project:
    found: Project | None = Project.objects.visible_to(actor_of(request)).filter(number=number).first()
    if found is None:
        raise NotFound(_("There is no such project here."))
    return found


def _assignment(request: HttpRequest, assignment_id: int) -> ProjectAssignment:
    found: ProjectAssignment | None = (
        ProjectAssignment.objects.visible_to(actor_of(request))
        .select_related("project", "agent")
        .filter(pk=assignment_id)
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such assignment here."))
    return found


def _to_where_it_was(request: HttpRequest, assignment: ProjectAssignment) -> HttpResponseRedirect:
    """The page on which the button was pressed: a project's or an agent's."""
    return back(request, "project", assignment.project.number)
