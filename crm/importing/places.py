"""Projects and property types of an import: found by their folded name, made when there is none."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.db.models import Max, QuerySet

from core.errors import NotFound
from crm.importing.values import project_of
from crm.models import Project, Property, PropertyType
from crm.models.stock import ProjectStatus
from crm.names import normalize_name
from sheets.tables import Run


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[str, str, str]:
    name, master = project_of(text)
    return normalize_name(name) or name.casefold(), name, master


def project_names(organization_id: int) -> list[str]:
    """Of the projects that are worked on, by number."""
    projects = Project.objects.filter(organization_id=organization_id).live().exclude(status=ProjectStatus.ARCHIVED)
    return list(projects.order_by("number").values_list("name", flat=True))


def projects_to_choose(organization_id: int) -> list[tuple[int, str]]:
    """By name, for a filter."""
    projects = Project.objects.filter(organization=organization_id, deleted_at__isnull=True)
    return list(projects.order_by("name", "pk").values_list("pk", "name"))


def units_of(project_id: int) -> QuerySet[Any, Any]:
    """The ids of a project's units, as a query."""
    return Property.objects.filter(project=project_id).values("pk")


def project_of_number(organization_id: int, number: str) -> str:
    """The project's name. Raises NotFound."""
    projects = Project.objects.filter(organization_id=organization_id).live()
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    name = projects.filter(number=int(number)).values_list("name", flat=True).first() if is_number else None
    if name is None:
        raise NotFound(f"There is no project number {number}.")
    return str(name)


class Places:
    """A few hundred rows at most, kept at hand for the whole run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        projects = Project.objects.filter(organization_id=run.organization_id).live()
        self._projects = {_read(name)[0]: (pk, name) for pk, name in projects.order_by("-pk").values_list("pk", "name")}
        types = PropertyType.objects.filter(organization_id=run.organization_id)
        self._types = {normalize_name(name): pk for pk, name in types.values_list("pk", "name")}
        self._last_number = (
            Project.objects.filter(organization_id=run.organization_id).aggregate(last=Max("number"))["last"] or 0
        )
        self.projects: list[int] = []
        self.types: list[int] = []

    def key(self, text: str) -> str:
        """What the project is known by, however it is written: `VARDON @ AKOYA OXYGEN` and `Vardon` are one."""
        return _read(text)[0]

    def name(self, text: str) -> str:
        """The project's name as we have it, or would have it."""
        key, name, _ = _read(text)
        known = self._projects.get(key)
        return (known[1] if known else name)[:100]

    def project(self, text: str, row: Mapping[str, str]) -> int:
        """The project, made with the next free number when it is new."""
        key, name, master = _read(text)
        known = self._projects.get(key)
        if known:
            return int(known[0])
        self._last_number += 1
        project = Project.objects.create(
            organization_id=self.run.organization_id,
            number=self._last_number,
            name=name,
            master_project=project_of(row.get("master_project", ""))[0] or master,
            area=row.get("area", "")[:200],
            currency=self.run.currency,
        )
        self._projects[key] = (project.pk, name)
        self.projects.append(project.pk)
        return project.pk

    def property_type(self, text: str) -> int:
        key = normalize_name(text)
        if key not in self._types:
            name = " ".join(text.split())[:60]
            made = PropertyType.objects.create(organization_id=self.run.organization_id, name=name.capitalize())
            self._types[key] = made.pk
            self.types.append(made.pk)
        return int(self._types[key])
