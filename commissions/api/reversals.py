"""Taking back money that was none, such as a bounced cheque: the same verb of payments, receipts and repayments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from commissions.api.serializers import ReversalSerializer
from core.api.exports import ExportableViewSet


def takes_back(answer: Any) -> Callable[[Any], Any]:
    """Say in the API's document which row the verb answers with."""
    return extend_schema_view(reversal=extend_schema(request=ReversalSerializer, responses={201: answer}))


class ReversibleViewSet(ExportableViewSet):
    """A list of money that moved. `take_back` is the service, which calls the row by `moved`."""

    take_back: ClassVar[Callable[..., Any]]
    moved: ClassVar[str]

    @action(detail=True, methods=["post"])
    def reversal(self, request: Request, **_: Any) -> Response:
        """Take it back, and say why; the row stays, with its `reversal`."""
        row = self.get_object()
        given = ReversalSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        type(self).take_back(
            actor=self.actor, at=timezone.now(), reason=given.validated_data["reason"], **{self.moved: row}
        )
        return self.made(row.pk)

    def made(self, key: int) -> Response:
        """201 with the row as it stands now."""
        row = self.get_queryset().get(pk=key)
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)
