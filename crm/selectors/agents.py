"""Agents, and what is on their hands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core.actors import Actor
from core.errors import NotFound
from core.models import TenantModel
from core.roles import Capability
from crm.models import Agent, Contact, Deal, ProjectAssignment
from crm.models.agents import AgentStatus, AssignmentStatus
from crm.models.deals import DealStage

OPEN_STAGES = (DealStage.OFFER, DealStage.ACCEPTED, DealStage.CONTRACT)


@dataclass(frozen=True, slots=True)
class AgentLoad:
    agent: Agent
    assignment_count: int
    overdue_count: int
    open_deal_count: int
    contact_count: int


@dataclass(frozen=True, slots=True)
class AgentPage:
    """One agent with what is on his hands: the first of each, and how many there are."""

    load: AgentLoad
    assignments: list[ProjectAssignment]
    deals: list[Deal]
    contacts: list[Contact]


def agent_loads(*, actor: Actor, today: date, at_work_only: bool = True) -> list[AgentLoad]:
    """Agents by name, with what is on their hands now, and what of it was due before `today`. One query."""
    actor.require(Capability.CRM_READ)
    agents = Agent.objects.visible_to(actor)
    if at_work_only:
        agents = agents.filter(status=AgentStatus.ACTIVE)
    return _loads(agents, today)


def agent_page(*, actor: Actor, agent_id: int, today: date) -> AgentPage:
    """One agent's work. Four queries. Raises NotFound."""
    actor.require(Capability.CRM_READ)
    load = next(iter(_loads(Agent.objects.visible_to(actor).filter(pk=agent_id), today)), None)
    if load is None:
        raise NotFound("There is no such agent here.")
    agent = load.agent
    work = ProjectAssignment.objects.visible_to(actor).active().filter(agent=agent)
    deals = Deal.objects.visible_to(actor).filter(agent=agent, stage__in=OPEN_STAGES)
    contacts = Contact.objects.visible_to(actor).filter(assigned_to=agent.membership_id)
    return AgentPage(
        load=load,
        assignments=list(work.select_related("project", "property", "agent").order_by("due_on", "pk")[:100]),
        deals=list(deals.select_related("property", "agent").order_by("-pk")[:50]),
        contacts=list(contacts.order_by("-pk")[:50]),
    )


def _loads(agents: QuerySet[Agent], today: date) -> list[AgentLoad]:
    work = ProjectAssignment.objects.live().filter(agent=OuterRef("pk"), status=AssignmentStatus.ACTIVE)
    deals = Deal.objects.live().filter(agent=OuterRef("pk"), stage__in=OPEN_STAGES)
    contacts = Contact.objects.live().filter(assigned_to=OuterRef("membership"))
    annotated = agents.select_related("membership__reports_to__user").annotate(
        assignment_count=_how_many(work, "agent"),
        overdue_count=_how_many(work.filter(due_on__lt=today), "agent"),
        open_deal_count=_how_many(deals, "agent"),
        contact_count=_how_many(contacts, "assigned_to"),
    )
    return [
        AgentLoad(agent, agent.assignment_count, agent.overdue_count, agent.open_deal_count, agent.contact_count)
        for agent in annotated.order_by("name", "pk")[:500]
    ]


def _how_many(rows: QuerySet[TenantModel], by: str) -> Coalesce:
    counted = rows.order_by().values(by).annotate(how_many=Count("pk")).values("how_many")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
