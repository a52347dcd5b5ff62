"""Stock and people for tests: plain functions, one row each."""

from __future__ import annotations

from itertools import count
from typing import Any

from core.actors import Actor
from core.models import Organization
from crm.models import Agent, Contact, ContactPoint, Deal, Ownership, Project, ProjectAssignment, Property

_numbers = count(1)


def project(organization: Organization, name: str = "Vardon", **fields: Any) -> Project:
    return Project.objects.create(organization=organization, name=name, **{"number": next(_numbers) + 1000, **fields})


def unit(project: Project, **fields: Any) -> Property:
    """A unit with a P-number of its own, unless the test names other identifiers."""
    keys = {"p_number", "registration", "unit_number"}
    if not keys & set(fields):
        fields["p_number"] = str(1_000_000 + next(_numbers))
    return Property.objects.create(organization=project.organization, project=project, **fields)


def contact(organization: Organization, name: str = "Tareema Wadar", **fields: Any) -> Contact:
    from crm.names import normalize_name

    return Contact.objects.create(
        organization=organization, display_name=name, **{"normalized_name": normalize_name(name), **fields}
    )


def point(contact: Contact, value: str, kind: str = "phone", **fields: Any) -> ContactPoint:
    fields = {"line_type": "mobile", "status": "valid", **fields}
    return ContactPoint.objects.create(
        organization=contact.organization, contact=contact, kind=kind, value=value, **fields
    )


def ownership(property: Property, contact: Contact, **fields: Any) -> Ownership:
    return Ownership.objects.create(organization=property.organization, property=property, contact=contact, **fields)


def agent(actor: Actor, name: str = "", **fields: Any) -> Agent:
    """The sales profile of an actor."""
    assert actor.membership
    assert actor.user
    return Agent.objects.create(
        organization=actor.organization, membership=actor.membership, name=name or actor.user.name, **fields
    )


def assignment(agent: Agent, project: Project, **fields: Any) -> ProjectAssignment:
    return ProjectAssignment.objects.create(organization=agent.organization, agent=agent, project=project, **fields)


def deal(property: Property, agent: Agent, price_minor: int = 50_000_000, **fields: Any) -> Deal:
    return Deal.objects.create(
        organization=property.organization, property=property, agent=agent, price_minor=price_minor, **fields
    )


def agent_of(organization: Organization, name: str) -> Agent:
    """A new member with a sales profile."""
    from core.roles import Role
    from tests.conftest import member

    return agent(Actor(organization, member(organization, Role.AGENT, name)))
