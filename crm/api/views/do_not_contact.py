"""The list of numbers and addresses that nobody writes to."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.roles import Capability
from crm import selectors, services
from crm.api import filters, inputs
from crm.api.serializers import DoNotContactSerializer, ListingSerializer
from crm.api.views.base import RowsViewSet
from crm.models import DoNotContact
from crm.models.disclosures import Door

WHY = OpenApiParameter("reason", str, required=True, description="why it may be written to again")


class DoNotContactViewSet(RowsViewSet):
    """Left out of every campaign and refused in every conversation, whether a contact has them or not."""

    queryset = DoNotContact.objects.all()
    serializer_class = DoNotContactSerializer
    filterset_class = filters.DoNotContactFilter
    shows_all = False
    capabilities: ClassVar = {
        "list": Capability.STOCK_WRITE,
        "retrieve": Capability.STOCK_WRITE,
        "create": Capability.STOCK_WRITE,
        "destroy": Capability.STOCK_WRITE,
    }

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A token whose scopes name `numbers.read` reads them whole, and every page of it is kept."""
        self.shows_all = selectors.reads_lists_whole(self.actor)
        answer = super().list(request, *args, **kwargs)
        if self.shows_all:
            services.disclose_list(
                actor=self.actor,
                listed="crm.donotcontact",
                how_many=len(answer.data["results"]),
                filters=request.query_params.dict(),
                door=Door.API,
                at=timezone.now(),
            )
        return answer

    @extend_schema(request=inputs.ListingInput, responses={201: ListingSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Many at once. Who has one of them is marked at once, and so is who comes later."""
        given = self.given(request, inputs.ListingInput)
        made = services.list_do_not_contact(actor=self.actor, at=timezone.now(), **given)
        return Response(ListingSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[WHY], request=None, responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Off the list, for the reason given in `?reason=`; the row stays, to be read."""
        reason = request.query_params.get("reason", "")
        services.unlist_do_not_contact(actor=self.actor, entry=self.get_object(), reason=reason, at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
