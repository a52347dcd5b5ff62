"""Lists to take along over the API: GET <list>/export/?format=csv, and what became of the long ones."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core import exports
from core.api.views import TenantViewSet
from core.models import Export
from core.models.exports import ExportFormat, ExportStatus
from core.roles import Capability

NOT_FILTERS = {"format", "page_size", "cursor"}
A_FILE = OpenApiResponse(OpenApiTypes.BINARY, description="The file")


class ExportSerializer(serializers.ModelSerializer[Export]):
    """`rows_done` moves while it is being written; `status` is `done` when the file can be fetched."""

    rows_done = serializers.SerializerMethodField()

    class Meta:
        model = Export
        fields = [
            "id", "list_name", "format", "filters", "status", "row_count", "rows_done", "file_hash", "file_size", "error",
            "created_at", "finished_at", "expires_at",
        ]  # fmt: skip

    def get_rows_done(self, export: Export) -> int:
        if export.status == ExportStatus.RUNNING:
            return exports.rows_done(export.pk)
        return export.row_count if export.status == ExportStatus.DONE else 0


class ExportableViewSet(TenantViewSet):
    """A list that may be taken along, with its filters, by whoever may read it and has Capability.CRM_EXPORT."""

    files: ClassVar = {"export"}  # actions that answer with one

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "list" in cls.capabilities:
            cls.capabilities = {**cls.capabilities, "export": cls.capabilities["list"]}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """`format` names the file here, not how the answer is rendered."""
        if self.action in self.files:
            renderer = self.get_renderers()[0]
            return renderer, renderer.media_type
        return super().perform_content_negotiation(request, force)

    @extend_schema(
        parameters=[OpenApiParameter("format", enum=ExportFormat.values, default=ExportFormat.CSV)],
        responses={
            (200, ExportFormat.CSV.media_type): A_FILE,
            (200, ExportFormat.XLSX.media_type): A_FILE,
            202: ExportSerializer,
        },
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def export(self, request: Request, **_: Any) -> Any:
        """The rows that the filters leave, as a file. A long list answers 202 with the export that is being written."""
        given = request.query_params.dict()
        export = exports.take_list(
            actor=self.actor,
            name=self.get_queryset().model._meta.label_lower,
            rows=self.filter_queryset(self.get_queryset()),
            format=given.get("format", ExportFormat.CSV),
            filters={name: value for name, value in given.items() if name not in NOT_FILTERS},
            at=timezone.now(),
        )
        if export.status == ExportStatus.DONE:
            return exports.download(export)
        place = reverse("export-detail", args=[self.organization.slug, export.pk])
        answer = ExportSerializer(export, context=self.get_serializer_context())
        return Response(answer.data, status=status.HTTP_202_ACCEPTED, headers={"Location": place})


class ExportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """One's own exports of lists; a file is kept for a day."""

    queryset = Export.objects.defer("ids")
    serializer_class = ExportSerializer
    lookup_value_regex = r"\d{1,18}"
    capabilities: ClassVar = {
        "list": Capability.CRM_EXPORT,
        "retrieve": Capability.CRM_EXPORT,
        "file": Capability.CRM_EXPORT,
    }

    def get_queryset(self) -> QuerySet[Export]:
        rows: QuerySet[Export] = super().get_queryset()
        return rows

    @extend_schema(responses={(200, kind.media_type): A_FILE for kind in ExportFormat})
    @action(detail=True, methods=["get"])
    def file(self, request: Request, pk: str, **_: Any) -> Any:
        """The file of a finished export. 409 while it is being written, and when its time is over."""
        return exports.download(exports.file_of(actor=self.actor, export_id=int(pk)))
