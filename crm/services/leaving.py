"""An agent leaves: what he worked on goes to others, the doors close, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from core import audit, events
from core.actors import Actor
from core.deadlocks import tried_twice
from core.members import reinstate_member, suspend_member
from core.models import Membership
from core.roles import Capability
from crm.errors import AgentHasReports, AgentHasWork, NotLeft, ValueInvalid
from crm.events import AgentArchived, LeavingAsked
from crm.models import Agent, Contact, Deal, Departure, ProjectAssignment
from crm.models.agents import AgentStatus
from crm.models.deals import DealStage
from crm.services.assignments import hand_over, hold_agents, ready
from crm.services.writing import change, locked, refusals, single_spaced


@tried_twice
def archive_agent(
    *,
    actor: Actor,
    agent: Agent,
    successor: Agent | None = None,
    successors: Mapping[int, Agent] | None = None,
    at: datetime,
) -> Agent:
    """The sales profile ends: assignments, open deals, contacts and conversations go to the successor; commissions stay.

    `successors` names another agent for single projects, by the key of the project: assignments there, their open deals
    and owners. Publishes AssignmentTransferred for every assignment, then AgentArchived. Raises AgentHasWork when there
    is work and no successor, AgentNotActive (the successor), NotFound.
    """
    actor.require(Capability.AGENTS_MANAGE)
    hold_agents(actor, *_keys(agent, successor, successors))
    agent = locked(Agent.objects.visible_to(actor), agent, "agent")
    if agent.status == AgentStatus.ARCHIVED:
        return agent
    _move(actor, agent, successor, successors or {}, at)
    return agent


@tried_twice
def agent_leaves(
    *,
    actor: Actor,
    agent: Agent,
    successor: Agent | None = None,
    successors: Mapping[int, Agent] | None = None,
    team_to: Membership | None = None,
    reason: str,
    at: datetime,
) -> Departure:
    """Everything in one step: the work moves, the team reports to `team_to`, the number is free, the doors close.

    His past commissions stay his. Raises AgentHasWork, AgentHasReports, ValueInvalid (no reason), OwnMembership,
    RankTooHigh, LastAdmin, AgentNotActive, NotLeft (gone already), NotFound; then nothing has changed.
    """
    actor.require(Capability.AGENTS_MANAGE)
    why = single_spaced(reason)[:300]
    if not why:
        raise ValueInvalid("Say why: it is kept with the departure.", field="reason")
    hold_agents(actor, *_keys(agent, successor, successors))
    agent = locked(Agent.objects.visible_to(actor), agent, "agent")
    if Departure.objects.filter(organization=actor.organization, agent=agent, returned_at__isnull=True).exists():
        raise NotLeft(f"{agent.name} has left already.", agent=agent.pk)
    number = agent.whatsapp_number
    moved = {}
    if agent.status != AgentStatus.ARCHIVED:
        moved = _move(actor, agent, successor, successors or {}, at)
    if number:
        change(actor=actor, row=agent, action="crm.agent_number_freed", changes={"whatsapp_number": ""})
    _point_team(actor, agent, team_to, at)
    suspend_member(actor=actor, membership=agent.membership, reason=why, at=at)
    departure = Departure.objects.create(
        organization=actor.organization,
        agent=agent,
        successor=successor,
        reason=why,
        whatsapp_number=number,
        moved=moved,
        decided_by=actor.membership,
        at=at,
    )
    after = {"agent": agent.pk, "reason": why, **{noun: len(ids) for noun, ids in moved.items()}}
    audit.record(actor=actor, action="crm.agent_left", target=departure, after=after, at=at)
    return departure


@transaction.atomic
def agent_returns(*, actor: Actor, agent: Agent, at: datetime) -> Agent:
    """The person is back, may sign in, and gets new work. What went to others stays with them.

    The WhatsApp number comes back unless somebody else has it now. Raises NotLeft, RankTooHigh, NotFound.
    """
    actor.require(Capability.AGENTS_MANAGE)
    agent = locked(Agent.objects.visible_to(actor), agent, "agent")
    departures = Departure.objects.filter(organization=actor.organization, agent=agent, returned_at__isnull=True)
    departure = departures.select_for_update(no_key=True).first()
    if departure is None:
        raise NotLeft(f"{agent.name} has not left.", agent=agent.pk)
    reinstate_member(actor=actor, membership=agent.membership, at=at)
    agent = change(
        actor=actor,
        row=agent,
        action="crm.agent_returned",
        changes={"status": AgentStatus.ACTIVE},
        departure=departure.pk,
    )
    _take_number_back(agent, departure.whatsapp_number)
    departure.returned_at, departure.returned_by = at, actor.membership
    departure.save(update_fields=["returned_at", "returned_by", "updated_at"])
    return agent


def _keys(agent: Agent, successor: Agent | None, successors: Mapping[int, Agent] | None) -> set[int]:
    return {each.pk for each in [agent, successor, *(successors or {}).values()] if each is not None}


def _move(
    actor: Actor, agent: Agent, successor: Agent | None, successors: Mapping[int, Agent], at: datetime
) -> dict[str, list[int]]:
    """Hand everything over and archive the profile. Returns which rows went, by noun."""
    # Held: one that is being transferred at this moment is waited for, and then is not his any more.
    held = ProjectAssignment.objects.active().filter(agent=agent).select_for_update(of=("self",), no_key=True)
    assignments = list(held.order_by("pk"))
    deals = Deal.objects.live().filter(agent=agent).exclude(stage__in=[DealStage.CLOSED, DealStage.LOST])
    contacts = Contact.objects.live().filter(assigned_to=agent.membership_id)
    moved: dict[str, list[int]] = {
        "assignments": [assignment.pk for assignment in assignments],
        "deals": list(deals.order_by("pk").values_list("pk", flat=True)),
        "contacts": list(contacts.order_by("pk").values_list("pk", flat=True)),
    }
    work: dict[str, Any] = {noun: len(ids) for noun, ids in moved.items()}
    asked = LeavingAsked(organization_id=actor.organization.pk, membership_id=agent.membership_id)
    events.publish(asked)
    elsewhere = {each.noun: each.count for each in asked.found if each.moves and each.count}
    if successor is None and (any(work.values()) or elsewhere):
        listed = ", ".join(f"{count} {noun}" for noun, count in (work | elsewhere).items() if count)
        raise AgentHasWork(f"{agent.name} still has {listed}; name who takes over.", **work, **elsewhere)
    if successor is not None:
        successor = ready(actor, successor, other_than=agent)
        chosen = {project: ready(actor, other, other_than=agent) for project, other in successors.items()}
        for assignment in assignments:
            hand_over(actor, assignment, chosen.get(assignment.project_id, successor), at)
        deals.update(agent=successor, updated_at=at)
        contacts.update(assigned_to=successor.membership_id, updated_at=at)
    told = {**work, "successor": successor.pk if successor else None}
    change(actor=actor, row=agent, action="crm.agent_archived", changes={"status": AgentStatus.ARCHIVED}, **told)
    events.publish(
        AgentArchived(
            organization_id=actor.organization.pk,
            agent_id=agent.pk,
            successor_id=successor.pk if successor else None,
        )
    )
    return moved


def _point_team(actor: Actor, agent: Agent, team_to: Membership | None, at: datetime) -> None:
    """His direct reports report to somebody else, in the same organisation and not suspended."""
    team = Membership.objects.filter(organization=actor.organization, reports_to=agent.membership_id)
    count = team.count()
    if not count:
        return
    members = Membership.objects.active().filter(organization=actor.organization).exclude(pk=agent.membership_id)
    if team_to is None or not members.filter(pk=team_to.pk).exists():
        raise AgentHasReports(f"{count} people report to {agent.name}; name to whom they report now.", reports=count)
    moved = list(team.exclude(pk=team_to.pk).values_list("pk", flat=True))
    with refusals():
        # Whoever takes the team over and belonged to it reports to whom the one who left reported.
        team.filter(pk=team_to.pk).update(reports_to=agent.membership.reports_to_id, updated_at=at)
        team.filter(pk__in=moved).update(reports_to=team_to, updated_at=at)
    audit.record(
        actor=actor,
        action="core.team_moved",
        target=agent.membership,
        before={"reports": moved},
        after={"reports_to": team_to.pk},
        at=at,
    )


def _take_number_back(agent: Agent, number: str) -> None:
    if not number or agent.whatsapp_number:
        return
    try:
        with transaction.atomic():
            Agent.objects.filter(pk=agent.pk).update(whatsapp_number=number)
    except IntegrityError:
        return  # somebody else has it now
    agent.whatsapp_number = number
