"""Many rows at once: chosen beside their list, previewed, confirmed once, and set back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exports import ExportableViewSet
from core.api.views import TenantViewSet
from core.roles import Capability
from crm.api import filters
from crm.api.bulk import (
    BulkChangeSerializer,
    BulkItemSerializer,
    ChosenInput,
    ForeseenSerializer,
    WishInput,
)
from crm.api.views.base import RowsViewSet
from crm.models import BulkChange, BulkItem
from crm.models.bulk import BulkStatus
from crm.services import bulk


class ManyViewSet(TenantViewSet):
    """A list of which many rows are changed at once. A subclass names `noun`, and `changes` among its capabilities."""

    noun: ClassVar[str]

    @extend_schema(request=ChosenInput, responses={201: BulkChangeSerializer})
    @action(detail=False, methods=["post"], pagination_class=None)
    def changes(self, request: Request, **_: Any) -> Response:
        """Choose rows: these ids, or all that the filters in the address leave. The rest is under bulk-changes/."""
        given = ChosenInput(data=request.data)
        given.is_valid(raise_exception=True)
        rows, ids = self.filter_queryset(self.get_queryset()), given.validated_data.get("ids")
        made = bulk.choose_rows(
            actor=self.actor,
            noun=self.noun,
            rows=rows.filter(pk__in=ids) if ids else rows,
            filters=request.query_params.dict(),
        )
        return Response(BulkChangeSerializer(made).data, status=status.HTTP_201_CREATED)


class BulkChangeViewSet(RowsViewSet):
    """Changes of many rows, newest first."""

    queryset = BulkChange.objects.order_by("-id")
    serializer_class = BulkChangeSerializer
    filterset_class = filters.BulkChangeFilter
    capabilities: ClassVar = dict.fromkeys(
        ["list", "retrieve", "preview", "confirmation", "undoing"], Capability.STOCK_WRITE
    )

    @extend_schema(request=WishInput, responses={200: ForeseenSerializer})
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, **_: Any) -> Response:
        """What would become of every row. Nothing is changed but the wish."""
        given = self.given(request, WishInput)
        foreseen = bulk.preview_change(
            actor=self.actor, change=self.get_object(), action=given.pop("action"), given=given
        )
        return Response(ForeseenSerializer(foreseen).data)

    @extend_schema(request=None, responses={200: BulkChangeSerializer, 202: BulkChangeSerializer})
    @action(detail=True, methods=["post"])
    def confirmation(self, request: Request, **_: Any) -> Response:
        """Yes. Once: the second call answers 409. More than 500 rows are changed by a worker (202)."""
        return self._begun(bulk.confirm_change(actor=self.actor, change=self.get_object(), at=timezone.now()))

    @extend_schema(request=None, responses={200: BulkChangeSerializer, 202: BulkChangeSerializer})
    @action(detail=True, methods=["post"])
    def undoing(self, request: Request, **_: Any) -> Response:
        """Set back what nobody has changed since. Once."""
        return self._begun(bulk.undo_change(actor=self.actor, change=self.get_object(), at=timezone.now()))

    def _begun(self, change: BulkChange) -> Response:
        at_work = change.status in (BulkStatus.RUNNING, BulkStatus.UNDOING)
        return self.answer(change, status.HTTP_202_ACCEPTED if at_work else status.HTTP_200_OK)


class BulkItemViewSet(mixins.ListModelMixin, ExportableViewSet):
    """What became of each row: `?change=7&outcome=refused`."""

    queryset = BulkItem.objects.order_by("-id")
    serializer_class = BulkItemSerializer
    filterset_class = filters.BulkItemFilter
    capabilities: ClassVar = {"list": Capability.STOCK_WRITE}
