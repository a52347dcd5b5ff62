"""The importer of assignments: one row gives one agent a project, or one unit of it.

Some thousands of rows at most: read and written through the models, and held by the same triggers as everything else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from core.phones import read_cell
from crm.importing.values import day_of, project_of
from crm.models import Agent, Project, ProjectAssignment, Property
from crm.models.agents import AgentStatus
from crm.names import normalize_name
from sheets.tables import CHANGED, CREATED, OBJECTS, WARNING, Issue, Row, RowRefused, Run

Key = tuple[int, int, int | None]


class AssignmentImporter:
    """See sheets.tables.Importer. Agents, projects and units are found, never made."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.cursor = connection.cursor()
        self.agents = _agents(run)
        self.projects = _projects(run)
        self.units: dict[int, dict[str, int]] = {}
        self.rows: list[tuple[int, Key, dict[str, Any]]] = []

    def key(self, given: Mapping[str, str]) -> str:
        """The agent, the project and the unit. Raises RowRefused where one of them is not known."""
        agent, project, unit = self._target(given)
        return f"{agent}|{project}|{unit or ''}"

    def alive(self, object_ids: list[int]) -> set[int]:
        found = ProjectAssignment.objects.filter(organization_id=self.run.organization_id, pk__in=object_ids).active()
        return set(found.values_list("pk", flat=True))

    def add(self, row: Row) -> None:
        given = row.values
        if row.changed is not None:
            given = {name: text for name, text in given.items() if name in row.changed}
        said: dict[str, Any] = {"notes": given["notes"][:2000]} if "notes" in given else {}
        due = self._due(row, given)
        if due:
            said["due_on"] = due
        self.rows.append((row.number, self._target(row.values), said))

    def finish(self) -> dict[str, int]:
        scope = ProjectAssignment.objects.filter(organization_id=self.run.organization_id).active()
        agents = {key[0] for _, key, _ in self.rows}
        there: dict[Key, ProjectAssignment] = {_key(each): each for each in scope.filter(agent__in=agents)}
        fresh: dict[Key, ProjectAssignment] = {}
        changes: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        for _, key, said in self.rows:
            known = there.get(key)
            if known is None:
                agent, project, unit = key
                made = fresh.setdefault(
                    key,
                    ProjectAssignment(
                        organization_id=self.run.organization_id, agent_id=agent, project_id=project, property_id=unit
                    ),
                )
                for name, value in said.items():
                    setattr(made, name, value)
                continue
            differing = {name: value for name, value in said.items() if getattr(known, name) != value}
            if differing:
                before = {name: getattr(known, name) for name in differing}
                for name, value in differing.items():
                    setattr(known, name, value)
                known.updated_at = timezone.now()
                changes[known.pk] = (before, differing)
        ProjectAssignment.objects.bulk_create(fresh.values(), batch_size=1000)
        ProjectAssignment.objects.bulk_update(
            [each for each in there.values() if each.pk in changes], ["due_on", "notes", "updated_at"], batch_size=500
        )
        self._keep(there | fresh, fresh, changes)
        return {"assignments_new": len(fresh), "assignments_changed": len(changes)}

    def _keep(
        self, present: dict[Key, ProjectAssignment], fresh: dict[Key, ProjectAssignment], changes: dict[int, Any]
    ) -> None:
        target = "crm.projectassignment"
        with self.cursor.copy(f"COPY {OBJECTS} FROM STDIN") as copy:
            for number, key, _ in self.rows:
                copy.write_row((number, present[key].pk, None))
        with self.cursor.copy(f"COPY {CREATED} FROM STDIN") as copy:
            for made in fresh.values():
                copy.write_row((target, made.pk))
        with self.cursor.copy(f"COPY {CHANGED} FROM STDIN") as copy:
            for pk, (before, after) in changes.items():
                copy.write_row((target, pk, orjson.dumps(before).decode(), orjson.dumps(after).decode()))

    def _target(self, given: Mapping[str, str]) -> Key:
        agent = self._agent(given)
        project, unit = self._place(given)
        return agent, project, unit

    def _agent(self, given: Mapping[str, str]) -> int:
        text = given.get("agent")
        if not text:
            raise RowRefused("agent_missing", "The row names no agent: by name, e-mail address or number.", "agent")
        number = read_cell(text, self.run.region).values[:1]
        found = self.agents.get(number[0] if number else "") or self.agents.get(text.casefold()) or set()
        found = found or self.agents.get(normalize_name(text)) or set()
        if not found:
            raise RowRefused("agent_unknown", "There is no agent of this name, address or number.", "agent")
        if len(found) > 1:
            raise RowRefused("agent_ambiguous", "Several agents have this name: write the e-mail address.", "agent")
        pk, status = next(iter(found))
        if status != AgentStatus.ACTIVE:
            raise RowRefused("agent_not_active", f"This agent is {status} and takes no new work.", "agent")
        return pk

    def _place(self, given: Mapping[str, str]) -> tuple[int, int | None]:
        project = None
        if "project" in given:
            text = given["project"]
            project = self.projects.get(text) or self.projects.get(normalize_name(project_of(text)[0]))
            if project is None:
                raise RowRefused("project_unknown", "There is no project of this number or name.", "project")
        names = [name for name in ("p_number", "registration", "unit_number") if name in given]
        if not names:
            if project is None:
                raise RowRefused("project_missing", "The row names no project, and no unit by its P-number.", "project")
            return project, None
        if project is None:
            return self._by_p_number(given)
        units = self._units_of(project)
        place = given.get("building") or given.get("cluster") or ""
        for name in names:
            unit = units.get(f"{name}:{given[name]}")
            if unit is None and name == "unit_number":
                unit = units.get(f"{name}:{place.casefold()}:{given[name]}")
            if unit == SEVERAL:
                raise RowRefused(
                    "unit_ambiguous", "Several units have this number: name the building or cluster.", name
                )
            if unit is not None:
                return project, unit
        raise RowRefused("unit_unknown", "The project has no such unit.", names[0])

    def _by_p_number(self, given: Mapping[str, str]) -> tuple[int, int]:
        units = Property.objects.filter(organization_id=self.run.organization_id, p_number=given.get("p_number", "-"))
        found = units.live().values_list("project", "pk").first()
        if found is None:
            raise RowRefused("unit_unknown", "There is no unit of this P-number; or name its project.", "p_number")
        return int(found[0]), int(found[1])

    def _units_of(self, project: int) -> dict[str, int]:
        if project not in self.units:
            known: dict[str, int] = {}
            units = Property.objects.filter(organization_id=self.run.organization_id, project=project).live()
            fields = ("pk", "p_number", "registration", "unit_number", "building", "cluster")
            for pk, p_number, registration, number, building, cluster in units.values_list(*fields):
                known[f"p_number:{p_number}"] = known[f"registration:{registration}"] = pk
                for place in {building.casefold(), cluster.casefold()}:
                    known[f"unit_number:{place}:{number}"] = pk
                alone = f"unit_number:{number}"
                known[alone] = SEVERAL if alone in known else pk
            self.units[project] = known
        return self.units[project]

    def _due(self, row: Row, given: Mapping[str, str]) -> date | None:
        text = given.get("due_on")
        day = day_of(text) if text else None
        if text and day is None:
            message = "This is not a date such as 30/11/2026: left out."
            self.run.report(Issue(row.number, WARNING, "date_unread", message, "due_on", text))
        return day


SEVERAL = -1


def _key(assignment: ProjectAssignment) -> Key:
    return assignment.agent_id, assignment.project_id, assignment.property_id


def _agents(run: Run) -> dict[str, set[tuple[int, str]]]:
    """By number, address and name: whoever is called so, with his status."""
    found: dict[str, set[tuple[int, str]]] = defaultdict(set)
    agents = Agent.objects.filter(organization_id=run.organization_id).live()
    for pk, status, name, number, email in agents.values_list(
        "pk", "status", "name", "whatsapp_number", "membership__user__email"
    ):
        for called in filter(None, {normalize_name(name), number, email.casefold()}):
            found[called].add((pk, status))
    return dict(found)


def _projects(run: Run) -> dict[str, int]:
    """By number, and by folded name."""
    projects = Project.objects.filter(organization_id=run.organization_id).live().order_by("-pk")
    rows = list(projects.values_list("pk", "number", "name"))
    return {normalize_name(name): pk for pk, _, name in rows} | {str(number): pk for pk, number, _ in rows}
