"""The rows that a list page shows, told from its address: for its export, its bulk changes, and what stands beside a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from core.actors import Actor
from core.errors import NotFound
from crm.models import Agent, Contact, DoNotContact, Project, Property
from crm.selectors import narrowed_owners, narrowed_units

LONGEST = 2_000


def listed_units(actor: Actor, asked: str) -> QuerySet[Property]:
    """The units that `units/?<asked>` shows to this actor, newest first."""
    return narrowed_units(actor, QueryDict(asked[:LONGEST])).order_by("-pk")


def listed_owners(actor: Actor, asked: str) -> QuerySet[Contact]:
    """The owners that `owners/?<asked>` shows to this actor, newest first."""
    return narrowed_owners(actor, QueryDict(asked[:LONGEST])).order_by("-pk")


def listed_projects(actor: Actor, asked: str) -> QuerySet[Project]:
    """The projects that `projects/?<asked>` shows to this actor, by their number."""
    query = QueryDict(asked[:LONGEST])
    projects: QuerySet[Project] = Project.objects.visible_to(actor).search(query.get("q", "")).order_by("number")
    return projects.filter(status=query["status"]) if query.get("status") else projects


def listed_agents(actor: Actor, asked: str) -> QuerySet[Agent]:
    """The agents that `agents/?<asked>` shows to this actor, by name."""
    agents: QuerySet[Agent] = Agent.objects.visible_to(actor).order_by("name", "pk")
    return agents if QueryDict(asked[:LONGEST]).get("all") == "1" else agents.filter(status="active")


def listed_do_not_contact(actor: Actor, asked: str) -> QuerySet[DoNotContact]:
    """What `do-not-contact/?<asked>` shows, newest first."""
    text = QueryDict(asked[:LONGEST]).get("q", "").strip()
    entries: QuerySet[DoNotContact] = DoNotContact.objects.visible_to(actor).standing().order_by("-pk")
    return entries.of(text, actor.organization.country) if text else entries  # type: ignore[attr-defined]


LISTS: dict[str, Callable[[Actor, str], QuerySet[Any]]] = {
    "units": listed_units,
    "owners": listed_owners,
    "projects": listed_projects,
    "agents": listed_agents,
    "do-not-contact": listed_do_not_contact,
}


def register(name: str, rows: Callable[[Actor, str], QuerySet[Any]]) -> None:
    """The list of a page that a higher app has, so that it is exported as those of crm are."""
    LISTS[name] = rows


def listed(actor: Actor, name: str, asked: str) -> QuerySet[Any]:
    """Raises NotFound."""
    if name not in LISTS:
        raise NotFound("There is no such list.")
    return LISTS[name](actor, asked)
