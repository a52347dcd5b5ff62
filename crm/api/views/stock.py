"""Projects, property types, units and who owns them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.roles import Capability
from crm import selectors, services
from crm.api import filters, inputs
from crm.api.duplicates import AddedPropertySerializer
from crm.api.serializers import (
    HistorySerializer,
    OwnershipSerializer,
    ProjectSerializer,
    PropertySerializer,
    PropertyTypeSerializer,
)
from crm.api.views.base import BEFORE, DeletableViewSet, RowsViewSet, before_of
from crm.api.views.bulk import ManyViewSet
from crm.models import Ownership, Project, Property, PropertyType
from crm.models.bulk import BulkNoun
from crm.models.merges import Noun


class ProjectViewSet(DeletableViewSet):
    """Projects: developments, or the parts of one that the office works as a list."""

    queryset = Project.objects.all()
    serializer_class = ProjectSerializer
    filterset_class = filters.ProjectFilter
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "create": Capability.STOCK_WRITE,
        "partial_update": Capability.STOCK_WRITE,
        "destroy": Capability.CRM_DELETE,
    }

    @extend_schema(request=inputs.ProjectInput)
    def create(self, request: Request, **_: Any) -> Response:
        """Without a number the project gets the next one."""
        project = services.create_project(actor=self.actor, **self.given(request, inputs.ProjectInput))
        return self.answer(project, status.HTTP_201_CREATED)

    @extend_schema(request=inputs.ProjectInput)
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Change what is sent; `status` pauses, completes, archives or takes up again."""
        project = self.get_object()
        changes = self.given(request, inputs.ProjectInput, partial=True)
        return self.answer(services.update_project(actor=self.actor, project=project, **changes))


class PropertyTypeViewSet(RowsViewSet):
    """The organisation's own list of property types."""

    queryset = PropertyType.objects.all()
    serializer_class = PropertyTypeSerializer
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "create": Capability.STOCK_WRITE,
        "partial_update": Capability.STOCK_WRITE,
    }

    @extend_schema(request=inputs.PropertyTypeInput)
    def create(self, request: Request, **_: Any) -> Response:
        row = services.create_property_type(actor=self.actor, **self.given(request, inputs.PropertyTypeInput))
        return self.answer(row, status.HTTP_201_CREATED)

    @extend_schema(request=inputs.PropertyTypeInput)
    def partial_update(self, request: Request, **_: Any) -> Response:
        row = self.get_object()
        changes = self.given(request, inputs.PropertyTypeInput, partial=True)
        return self.answer(services.update_property_type(actor=self.actor, property_type=row, **changes))


class PropertyViewSet(ManyViewSet, DeletableViewSet):
    """Units."""

    noun = BulkNoun.UNIT
    queryset = Property.objects.select_related("project", "property_type")
    serializer_class = PropertySerializer
    filterset_class = filters.PropertyFilter
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "history": Capability.CRM_READ,
        "create": Capability.STOCK_WRITE,
        "partial_update": Capability.CRM_WRITE,
        "destroy": Capability.CRM_DELETE,
        "owners": Capability.STOCK_WRITE,
        "changes": Capability.STOCK_WRITE,
    }

    @extend_schema(parameters=[BEFORE], responses=HistorySerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def history(self, request: Request, pk: str, **_: Any) -> Response:
        """What changed, newest first: before, after, when, by whom and through what."""
        told = selectors.unit_history(actor=self.actor, unit_id=int(pk), before=before_of(request))
        return Response(HistorySerializer(told).data)

    @extend_schema(request=inputs.PropertyInput, responses={201: AddedPropertySerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """A unit needs a P-number, or a registration, or a unit number with its building or cluster."""
        unit = services.create_property(actor=self.actor, **self.given(request, inputs.PropertyInput))
        return self.added(unit, Noun.PROPERTY, unit.pk, AddedPropertySerializer)

    @extend_schema(request=inputs.PropertyInput)
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Change what is sent. Agents may send status, price, currency, price note, purpose, view, amenities, description."""
        unit = self.get_object()
        changes = self.given(request, inputs.PropertyInput, partial=True)
        return self.answer(services.update_property(actor=self.actor, property=unit, **changes))

    @extend_schema(request=inputs.OwnersInput, responses=OwnershipSerializer(many=True))
    @action(detail=True, methods=["put"], filterset_class=None, pagination_class=None)
    def owners(self, request: Request, **_: Any) -> Response:
        """All owners of the unit from a day on; the history keeps those before."""
        given = self.given(request, inputs.OwnersInput)
        owners = [
            services.Share(owner["contact"], owner.get("share_basis_points"), owner["is_primary"])
            for owner in given["owners"]
        ]
        ownerships = services.set_owners(
            actor=self.actor, property=self.get_object(), owners=owners, since=given.get("since"), at=timezone.now()
        )
        return Response(OwnershipSerializer(ownerships, many=True).data)


class OwnershipViewSet(RowsViewSet):
    """Who owns what, and owned it before. Changed by PUT properties/<id>/owners/."""

    queryset = Ownership.objects.select_related("contact")
    serializer_class = OwnershipSerializer
    filterset_class = filters.OwnershipFilter
    capabilities: ClassVar = {"list": Capability.CRM_READ, "retrieve": Capability.CRM_READ}
