"""Projects, each with what it counts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from core.actors import Actor
from core.errors import NotFound
from core.models import TenantModel
from core.roles import Capability
from crm.models import ContactPoint, Ownership, Project, ProjectAssignment, Property
from crm.models.agents import AssignmentStatus
from crm.models.stock import PropertyStatus


@dataclass(frozen=True, slots=True)
class Part:
    """So many of the units are, or are called, like this."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class ProjectRow:
    project: Project
    unit_count: int
    available_count: int
    owner_count: int
    agent_count: int
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectPage:
    """One project. Everything counts only what this actor may see."""

    project: Project
    unit_count: int
    statuses: tuple[Part, ...]
    clusters: list[Part]
    layouts: list[Part]
    owners_with_number: int
    owners_without_number: int
    assignments: list[ProjectAssignment]


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
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for project, status_of_units, count in units.order_by().values_list("project", "status").annotate(Count("pk")):
        counts[project][status_of_units] = count
    owners = _counted(
        Ownership.objects.visible_to(actor).current().filter(property__project__in=ids), "property__project", "contact"
    )
    agents = _counted(ProjectAssignment.objects.visible_to(actor).active().filter(project__in=ids), "project", "agent")
    return [
        ProjectRow(
            project,
            sum(counts[project.pk].values()),
            counts[project.pk].get(PropertyStatus.AVAILABLE, 0),
            owners.get(project.pk, 0),
            agents.get(project.pk, 0),
            _parts(counts[project.pk]),
        )
        for project in projects
    ]


def _counted(rows: QuerySet[TenantModel], by: str, what: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(by).annotate(Count(what, distinct=True)))


def project_page(*, actor: Actor, number: int) -> ProjectPage:
    """One project with what is in it. Six queries. Raises NotFound."""
    actor.require(Capability.CRM_READ)
    project: Project | None = Project.objects.visible_to(actor).filter(number=number).first()
    if project is None:
        raise NotFound("There is no such project here.")
    units = Property.objects.visible_to(actor).filter(project=project)
    counts = dict(units.order_by().values_list("status").annotate(Count("pk")))
    reachable = ContactPoint.objects.whatsapp_able().filter(
        organization=actor.organization, contact=OuterRef("contact")
    )
    owners = (
        Ownership.objects.visible_to(actor)
        .current()
        .filter(property__project=project, property__deleted_at__isnull=True)
        .annotate(has_number=Exists(reachable))
        .aggregate(
            every=Count("contact", distinct=True), able=Count("contact", filter=Q(has_number=True), distinct=True)
        )
    )
    work = ProjectAssignment.objects.visible_to(actor).filter(project=project, status=AssignmentStatus.ACTIVE)
    return ProjectPage(
        project=project,
        unit_count=sum(counts.values()),
        statuses=_parts(counts),
        clusters=_most(units, "cluster"),
        layouts=_most(units, "layout"),
        owners_with_number=owners["able"],
        owners_without_number=owners["every"] - owners["able"],
        assignments=list(work.select_related("agent", "property").order_by("property_id", "pk")[:100]),
    )


def _parts(counts: dict[str, int]) -> tuple[Part, ...]:
    """In the order of the statuses; those that nothing has are left out."""
    return tuple(Part(value, label, counts[value]) for value, label in PropertyStatus.choices if counts.get(value))


def _most(units: QuerySet[Property], field: str, limit: int = 12) -> list[Part]:
    found = units.exclude(**{field: ""}).order_by().values_list(field).annotate(how_many=Count("pk"))
    return [Part(value, value, count) for value, count in found.order_by("-how_many", field)[:limit]]
