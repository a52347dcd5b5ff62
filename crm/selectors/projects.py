"""Projects, each with what it counts."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from core.actors import Actor
from core.models import TenantModel
from core.roles import Capability
from crm.models import Ownership, Project, ProjectAssignment, Property
from crm.models.stock import PropertyStatus


@dataclass(frozen=True, slots=True)
class ProjectRow:
    project: Project
    unit_count: int
    available_count: int
    owner_count: int
    agent_count: int


def project_list(*, actor: Actor, search: str = "", status: str = "") -> list[ProjectRow]:
    """Projects by their number, each counting only what this actor may see. Four queries.

    An organisation has some tens of projects: 500 are shown at most, and the search finds the rest.
    """
    actor.require(Capability.CRM_READ)
    found = Project.objects.visible_to(actor).search(search)
    if status:
        found = found.filter(status=status)
    projects: list[Project] = list(found.order_by("number")[:500])
    ids = [project.pk for project in projects]
    units = Property.objects.visible_to(actor).filter(project__in=ids)
    available = Count("pk", filter=Q(status=PropertyStatus.AVAILABLE))
    counts = {
        project: (every, free)
        for project, every, free in units.order_by().values_list("project").annotate(Count("pk"), free=available)
    }
    owners = _counted(
        Ownership.objects.visible_to(actor).current().filter(property__project__in=ids), "property__project", "contact"
    )
    agents = _counted(ProjectAssignment.objects.visible_to(actor).active().filter(project__in=ids), "project", "agent")
    return [
        ProjectRow(project, *counts.get(project.pk, (0, 0)), owners.get(project.pk, 0), agents.get(project.pk, 0))
        for project in projects
    ]


def _counted(rows: QuerySet[TenantModel], by: str, what: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(by).annotate(Count(what, distinct=True)))
