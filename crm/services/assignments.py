"""Who works on what."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict, Unpack

from django.db import transaction

from core import audit, events
from core.actors import Actor
from core.deadlocks import tried_twice
from core.roles import Capability
from crm.errors import AgentNotActive, AssignmentEnded, NotOfThisProject, ValueInvalid
from crm.events import AssignmentTransferred
from crm.models import Agent, Contact, Deal, Ownership, Project, ProjectAssignment, Property
from crm.models.agents import AgentStatus, AssignmentStatus
from crm.models.deals import DealStage
from crm.services.writing import add, at_work, change, locked


class AssignmentFields(TypedDict, total=False):
    due_on: date | None
    notes: str


@tried_twice
def assign_agent(
    *,
    actor: Actor,
    agent: Agent,
    project: Project,
    property: Property | None = None,
    due_on: date | None = None,
    notes: str = "",
) -> ProjectAssignment:
    """Give an agent a project, or one unit of it: from now on the agent sees it, and its owners.

    Supervisors assign what they see to their team. Raises AlreadyAssigned, AgentNotActive, ProjectArchived,
    NotOfThisProject, NotFound.
    """
    actor.require(Capability.ASSIGNMENTS_WRITE)
    agent = ready(actor, agent)
    project = at_work(locked(Project.objects.visible_to(actor), project, "project"))
    if property is not None:
        property = locked(Property.objects.visible_to(actor), property, "unit")
        if property.project_id != project.pk:
            raise NotOfThisProject(f"{property.label} is not a unit of {project.name}.", property=property.pk)
    assignment = ProjectAssignment(
        organization=actor.organization,
        agent=agent,
        project=project,
        property=property,
        due_on=due_on,
        notes=notes.strip(),
    )
    return add(actor=actor, row=assignment, action="crm.agent_assigned")


@transaction.atomic
def update_assignment(
    *, actor: Actor, assignment: ProjectAssignment, **changes: Unpack[AssignmentFields]
) -> ProjectAssignment:
    """Another due date, or none; other notes. Raises AssignmentEnded, NotFound."""
    actor.require(Capability.ASSIGNMENTS_WRITE)
    assignment = _active(actor, assignment)
    values = {name: value.strip() if isinstance(value, str) else value for name, value in changes.items()}
    return change(actor=actor, row=assignment, action="crm.assignment_changed", changes=values)


@transaction.atomic
def complete_assignment(*, actor: Actor, assignment: ProjectAssignment) -> ProjectAssignment:
    """The work is done. Agents complete their own. Raises AssignmentEnded, NotFound."""
    actor.require(Capability.CRM_WRITE)
    assignment = _active(actor, assignment)
    values = {"status": AssignmentStatus.COMPLETED}
    return change(actor=actor, row=assignment, action="crm.assignment_completed", changes=values)


@tried_twice
def transfer_assignment(
    *, actor: Actor, assignment: ProjectAssignment, successor: Agent, at: datetime
) -> ProjectAssignment:
    """Another agent carries on: open deals over these units, and the owners who were assigned, go along.

    Returns the successor's assignment, and publishes AssignmentTransferred. Raises AssignmentEnded, AgentNotActive,
    ValueInvalid (the same agent), NotFound.
    """
    actor.require(Capability.ASSIGNMENTS_WRITE)
    hold_agents(actor, assignment.agent_id, successor.pk)
    assignment = _active(actor, assignment)
    successor = ready(actor, successor, other_than=assignment.agent)
    return hand_over(actor, assignment, successor, at)


def hold_agents(actor: Actor, *agents: int) -> None:
    """All agents of one act, in the order of their keys and before their work: of two who cross, one waits."""
    rows = Agent.objects.for_organization(actor.organization).filter(pk__in=agents).order_by("pk")
    list(rows.select_for_update(of=("self",), no_key=True).values_list("pk"))


def ready(actor: Actor, agent: Agent, other_than: Agent | None = None) -> Agent:
    """The agent, visible, held and at work. Raises AgentNotActive, ValueInvalid, NotFound."""
    if other_than is not None and agent.pk == other_than.pk:
        raise ValueInvalid("The successor is another agent.", field="successor")
    agent = locked(Agent.objects.visible_to(actor), agent, "agent")
    if agent.status != AgentStatus.ACTIVE:
        raise AgentNotActive(f"{agent.name} is {agent.status} and takes no new work.", agent=agent.pk)
    return agent


def hand_over(actor: Actor, assignment: ProjectAssignment, successor: Agent, at: datetime) -> ProjectAssignment:
    """For services that have asked whether they may: end one assignment and let the successor begin."""
    units = Property.objects.live().filter(project=assignment.project_id)
    if assignment.property_id is not None:
        units = units.filter(pk=assignment.property_id)
    deals = Deal.objects.live().filter(agent=assignment.agent_id, property__in=units)
    moved_deals = deals.exclude(stage__in=[DealStage.CLOSED, DealStage.LOST]).update(agent=successor, updated_at=at)
    owners = Ownership.objects.current().filter(property__in=units).values("contact")
    contacts = Contact.objects.live().filter(assigned_to=assignment.agent.membership_id, pk__in=owners)
    moved_contacts = contacts.update(assigned_to=successor.membership_id, updated_at=at)
    begun: ProjectAssignment = ProjectAssignment.objects.active().filter(
        agent=successor, project=assignment.project_id, property=assignment.property_id
    ).first() or ProjectAssignment(
        organization=actor.organization,
        agent=successor,
        project_id=assignment.project_id,
        property_id=assignment.property_id,
        due_on=assignment.due_on,
        notes=assignment.notes,
    )
    if begun.pk is None:
        add(actor=actor, row=begun, action="crm.agent_assigned")
    assignment.status, assignment.successor = AssignmentStatus.TRANSFERRED, successor
    assignment.save(update_fields=["status", "successor", "updated_at"])
    audit.record(
        actor=actor,
        action="crm.assignment_transferred",
        target=assignment,
        before={"agent": assignment.agent_id},
        after={"successor": successor.pk, "assignment": begun.pk, "deals": moved_deals, "contacts": moved_contacts},
        at=at,
    )
    events.publish(
        AssignmentTransferred(
            organization_id=actor.organization.pk, assignment_id=assignment.pk, successor_id=successor.pk
        )
    )
    return begun


def _active(actor: Actor, assignment: ProjectAssignment) -> ProjectAssignment:
    assignment = locked(ProjectAssignment.objects.visible_to(actor), assignment, "assignment")
    if assignment.status != AssignmentStatus.ACTIVE:
        raise AssignmentEnded(f"This assignment is {assignment.status} already.", status=assignment.status)
    return assignment
