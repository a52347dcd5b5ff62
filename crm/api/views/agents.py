"""Agents, what they work on, and where they are paid."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import NotFound
from core.roles import Capability
from crm import selectors, services
from crm.api import filters, inputs
from crm.api.serializers import (
    AgentSerializer,
    BankDetailsSerializer,
    DepartureSerializer,
    LeavingSerializer,
    ProjectAssignmentSerializer,
)
from crm.api.views.base import RowsViewSet
from crm.models import Agent, BankDetails, ProjectAssignment


class AgentViewSet(RowsViewSet):
    """The sales profiles of members."""

    queryset = Agent.objects.all()
    serializer_class = AgentSerializer
    filterset_class = filters.AgentFilter
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "create": Capability.AGENTS_MANAGE,
        "partial_update": Capability.AGENTS_MANAGE,
        "archive": Capability.AGENTS_MANAGE,
        "leaving": Capability.AGENTS_MANAGE,
        "departure": Capability.AGENTS_MANAGE,
        "come_back": Capability.AGENTS_MANAGE,
        "bank_details": Capability.BANK_DETAILS_READ,
        "set_bank_details": Capability.AGENTS_MANAGE,
        "verification": Capability.BANK_DETAILS_READ,
    }

    @extend_schema(request=inputs.AgentInput)
    def create(self, request: Request, **_: Any) -> Response:
        agent = services.create_agent(actor=self.actor, **self.given(request, inputs.AgentInput))
        return self.answer(agent, status.HTTP_201_CREATED)

    @extend_schema(request=inputs.AgentChange)
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Change what is sent. Archiving is POST agents/<id>/archive/: the work is handed over there."""
        agent, changes = self.get_object(), self.given(request, inputs.AgentChange, partial=True)
        return self.answer(services.update_agent(actor=self.actor, agent=agent, **changes))

    @extend_schema(request=inputs.ArchiveInput, responses={201: AgentSerializer})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, **_: Any) -> Response:
        """The agent leaves, and the successor takes over what is open."""
        agent, given = self.get_object(), self.given(request, inputs.ArchiveInput)
        successor = given.get("successor")
        archived = services.archive_agent(actor=self.actor, agent=agent, successor=successor, at=timezone.now())
        return self.answer(archived, status.HTTP_201_CREATED)

    @extend_schema(responses=LeavingSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def leaving(self, request: Request, pk: str, **_: Any) -> Response:
        """What would move if the agent left now."""
        return Response(LeavingSerializer(selectors.leaving(actor=self.actor, agent_id=int(pk))).data)

    @extend_schema(request=inputs.DepartureInput, responses={201: DepartureSerializer})
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def departure(self, request: Request, **_: Any) -> Response:
        """The agent leaves: the work moves, the team too, and sessions and tokens end at once."""
        agent, given = self.get_object(), self.given(request, inputs.DepartureInput)
        chosen = {each["project"].pk: each["successor"] for each in given.pop("successors", [])}
        left = services.agent_leaves(actor=self.actor, agent=agent, successors=chosen, at=timezone.now(), **given)
        return Response(DepartureSerializer(left).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    @departure.mapping.delete
    def come_back(self, request: Request, **_: Any) -> Response:
        """The person is back; what was handed over stays where it is."""
        services.agent_returns(actor=self.actor, agent=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=BankDetailsSerializer)
    @action(detail=True, methods=["get"], url_path="bank-details", filterset_class=None, pagination_class=None)
    def bank_details(self, request: Request, **_: Any) -> Response:
        """Where the agent is paid."""
        details = BankDetails.objects.visible_to(self.actor).filter(agent=self.get_object()).first()
        if details is None:
            raise NotFound("No bank details of this agent are known yet.")
        return self._shown(details)

    @extend_schema(request=inputs.BankDetailsInput, responses=BankDetailsSerializer)
    @bank_details.mapping.put
    def set_bank_details(self, request: Request, **_: Any) -> Response:
        """Write down where the agent is paid. Any change makes the details unverified again."""
        agent, given = self.get_object(), self.given(request, inputs.BankDetailsInput)
        return self._shown(services.set_bank_details(actor=self.actor, agent=agent, **given))

    @extend_schema(request=None, responses={201: BankDetailsSerializer})
    @action(detail=True, methods=["post"], url_path="bank-details/verification")
    def verification(self, request: Request, **_: Any) -> Response:
        """Another person has compared the details with the bank's paper."""
        details = services.verify_bank_details(actor=self.actor, agent=self.get_object(), at=timezone.now())
        return self._shown(details, status.HTTP_201_CREATED)

    def _shown(self, details: BankDetails, code: int = status.HTTP_200_OK) -> Response:
        return Response(BankDetailsSerializer(details, context=self.get_serializer_context()).data, status=code)


class ProjectAssignmentViewSet(RowsViewSet):
    """Who works on what."""

    queryset = ProjectAssignment.objects.all()
    serializer_class = ProjectAssignmentSerializer
    filterset_class = filters.ProjectAssignmentFilter
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "create": Capability.ASSIGNMENTS_WRITE,
        "partial_update": Capability.ASSIGNMENTS_WRITE,
        "transfer": Capability.ASSIGNMENTS_WRITE,
        "completion": Capability.CRM_WRITE,
    }

    @extend_schema(request=inputs.AssignmentInput)
    def create(self, request: Request, **_: Any) -> Response:
        """Give an agent a project, or one unit of it."""
        assignment = services.assign_agent(actor=self.actor, **self.given(request, inputs.AssignmentInput))
        return self.answer(assignment, status.HTTP_201_CREATED)

    @extend_schema(request=inputs.AssignmentChange)
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Another due date, or other notes."""
        assignment, changes = self.get_object(), self.given(request, inputs.AssignmentChange, partial=True)
        return self.answer(services.update_assignment(actor=self.actor, assignment=assignment, **changes))

    @extend_schema(request=inputs.SuccessorInput, responses={201: ProjectAssignmentSerializer})
    @action(detail=True, methods=["post"])
    def transfer(self, request: Request, **_: Any) -> Response:
        """Another agent carries on; the answer is the successor's assignment."""
        assignment, given = self.get_object(), self.given(request, inputs.SuccessorInput)
        begun = services.transfer_assignment(
            actor=self.actor, assignment=assignment, successor=given["successor"], at=timezone.now()
        )
        return self.answer(begun, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: ProjectAssignmentSerializer})
    @action(detail=True, methods=["post"])
    def completion(self, request: Request, **_: Any) -> Response:
        """The work is done."""
        done = services.complete_assignment(actor=self.actor, assignment=self.get_object())
        return self.answer(done, status.HTTP_201_CREATED)
