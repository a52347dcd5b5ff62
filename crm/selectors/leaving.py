"""An agent who may leave, or has left: what hangs on him, who can take it over, and who asked for a copy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from core import events
from core.actors import Actor
from core.errors import NotFound
from core.models import Membership
from core.roles import Capability
from crm.events import LeavingAsked, Work
from crm.models import Agent, Contact, Deal, Departure, DepartureExport, Project, ProjectAssignment
from crm.models.agents import AgentStatus
from crm.selectors.agents import OPEN_STAGES

MOST = 500


@dataclass(frozen=True, slots=True)
class ProjectWork:
    project: Project
    assignments: int


@dataclass(frozen=True, slots=True)
class Leaving:
    """`work` is what hangs on the agent now, by noun; `departure` says that he has left already."""

    agent: Agent
    work: list[Work]
    projects: list[ProjectWork]
    successors: list[Agent]
    team: list[Membership]
    team_candidates: list[Membership]
    departure: Departure | None
    exports: list[DepartureExport]

    @property
    def needs_successor(self) -> bool:
        return any(each.moves and each.count for each in self.work)


def leaving(*, actor: Actor, agent_id: int) -> Leaving:
    """What would move if this agent left now. A dozen queries, however much there is. Raises NotFound."""
    actor.require(Capability.AGENTS_MANAGE)
    agents = Agent.objects.visible_to(actor)
    agent: Agent | None = (
        agents.select_related("membership__user", "membership__reports_to").filter(pk=agent_id).first()
    )
    if agent is None:
        raise NotFound("There is no such agent here.")
    assignments = list(ProjectAssignment.objects.active().filter(agent=agent).select_related("project"))
    by_project = Counter(assignment.project for assignment in assignments)
    deals = Deal.objects.live().filter(agent=agent, stage__in=OPEN_STAGES).count()
    contacts = Contact.objects.live().filter(assigned_to=agent.membership_id).count()
    asked = LeavingAsked(organization_id=actor.organization.pk, membership_id=agent.membership_id)
    events.publish(asked)
    own = [Work("assignments", len(assignments)), Work("open deals", deals), Work("contacts", contacts)]
    members = Membership.objects.active().select_related("user").filter(organization=actor.organization)
    team = list(members.filter(reports_to=agent.membership_id).order_by("user__name", "pk"))
    departures = Departure.objects.visible_to(actor).filter(agent=agent, returned_at__isnull=True)
    departure = departures.select_related("successor", "decided_by__user").first()
    exports = DepartureExport.objects.visible_to(actor).filter(departure=departure) if departure else None
    others = agents.filter(status=AgentStatus.ACTIVE).exclude(pk=agent.pk)
    return Leaving(
        agent=agent,
        work=[each for each in [*own, *asked.found] if each.count],
        projects=[ProjectWork(*each) for each in sorted(by_project.items(), key=lambda each: each[0].number)],
        successors=list(others.order_by("name", "pk")[:MOST]),
        team=team,
        team_candidates=list(members.exclude(pk=agent.membership_id).order_by("user__name", "pk")[:MOST])
        if team
        else [],
        departure=departure,
        exports=list(exports.select_related("requested_by__user", "decided_by__user").order_by("-pk")[:20])
        if exports is not None
        else [],
    )
