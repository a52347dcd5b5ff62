"""Agents, and what is on their hands."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core.actors import Actor
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
    open_deal_count: int
    contact_count: int


def agent_loads(*, actor: Actor, at_work_only: bool = True) -> list[AgentLoad]:
    """Agents by name, with what is on their hands now. One query."""
    actor.require(Capability.CRM_READ)
    agents = Agent.objects.visible_to(actor)
    if at_work_only:
        agents = agents.filter(status=AgentStatus.ACTIVE)
    work = ProjectAssignment.objects.live().filter(agent=OuterRef("pk"), status=AssignmentStatus.ACTIVE)
    deals = Deal.objects.live().filter(agent=OuterRef("pk"), stage__in=OPEN_STAGES)
    contacts = Contact.objects.live().filter(assigned_to=OuterRef("membership"))
    annotated = agents.select_related("membership__reports_to__user").annotate(
        assignment_count=_how_many(work, "agent"),
        open_deal_count=_how_many(deals, "agent"),
        contact_count=_how_many(contacts, "assigned_to"),
    )
    return [
        AgentLoad(agent, agent.assignment_count, agent.open_deal_count, agent.contact_count)
        for agent in annotated.order_by("name", "pk")[:500]
    ]


def _how_many(rows: QuerySet[TenantModel], by: str) -> Coalesce:
    counted = rows.order_by().values(by).annotate(how_many=Count("pk")).values("how_many")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
