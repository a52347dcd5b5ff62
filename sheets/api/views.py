"""Imports over the API: upload, look, change the mapping, preview, commit, fetch what was wrong."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exports import ExportableViewSet
from core.api.pagination import KeysetPagination
from core.roles import Capability
from sheets import error_files, files, services
from sheets.api.filters import ImportFilter, RowErrorFilter
from sheets.api.serializers import (
    ChangeSerializer,
    ImportSerializer,
    ReversalSerializer,
    RowErrorSerializer,
    UploadSerializer,
)
from sheets.models import ImportReversal, ImportRun, RowError
from sheets.services.reversals import MOST_SHOWN

IMPORT = Capability.SHEETS_IMPORT


class ImportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """A file on its way in. Nothing is imported before POST imports/<id>/commit/, and then all of it or nothing."""

    queryset = ImportRun.objects.select_related("spreadsheet")
    serializer_class = ImportSerializer
    filterset_class = ImportFilter
    parser_classes = [JSONParser, MultiPartParser]
    capabilities: ClassVar = {
        "list": IMPORT,
        "retrieve": IMPORT,
        "create": IMPORT,
        "partial_update": IMPORT,
        "preview": IMPORT,
        "commit": IMPORT,
        "error_file": IMPORT,
        "stop": IMPORT,
        "reversal": IMPORT,
        "request_reversal": IMPORT,
    }

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Before anything reads the body: what is too large is not kept even for a moment."""
        if request.method == "POST":
            self.refusing = files.Refusing(request)
            request.upload_handlers.insert(0, self.refusing)
        return super().initialize_request(request, *args, **kwargs)

    @extend_schema(request={"multipart/form-data": UploadSerializer}, responses={201: ImportSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Upload a file. Its header is found and its mapping guessed, or remembered from the last such file."""
        request.data  # noqa: B018 - read now, so that the handler knows
        self.refusing.check()
        given = UploadSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        file = fields.pop("file")
        run = services.create_import(actor=self.actor, file=file, name=file.name, at=timezone.now(), **fields)
        return Response(self.get_serializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangeSerializer, responses={200: ImportSerializer})
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Change the mapping, or how the file is read. An earlier preview is forgotten."""
        given = ChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields, run, at = given.validated_data, self.get_object(), timezone.now()
        document = fields.pop("mapping", None)
        if fields:
            present = {name: getattr(run, name) for name in ("tab", "encoding", "delimiter", "header_row")}
            run = services.change_reading(actor=self.actor, run=run, at=at, **{**present, **fields})
        if document is not None:
            run = services.change_mapping(actor=self.actor, run=run, document=document, at=at)
        return Response(self.get_serializer(run).data)

    @extend_schema(request=None, responses={200: ImportSerializer, 202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, **_: Any) -> Response:
        """What a commit would do: the same import, rolled back. A large file is previewed by a worker (202)."""
        run = services.request_preview(actor=self.actor, run=self.get_object(), at=timezone.now())
        done = run.status == "previewed"
        return Response(self.get_serializer(run).data, status=status.HTTP_200_OK if done else status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def commit(self, request: Request, **_: Any) -> Response:
        """Import it, by a worker and in one transaction; GET imports/<id>/ shows how far it is."""
        run = services.request_commit(actor=self.actor, run=self.get_object(), at=timezone.now())
        return Response(self.get_serializer(run).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={200: ImportSerializer})
    @commit.mapping.delete
    def stop(self, request: Request, **_: Any) -> Response:
        """Stop it while it waits or runs (a preview too): nothing of it stays."""
        run = services.cancel_import(actor=self.actor, run=self.get_object(), at=timezone.now())
        return Response(self.get_serializer(run).data)

    @extend_schema(responses={200: ReversalSerializer})
    @action(detail=True, methods=["get"])
    def reversal(self, request: Request, **_: Any) -> Response:
        """What taking this import back would do; once that is asked for, how it went."""
        run = self.get_object()
        asked = ImportReversal.objects.visible_to(self.actor).filter(run=run).first()
        return Response(self._reversal(run, asked))

    @extend_schema(request=None, responses={202: ReversalSerializer})
    @reversal.mapping.post
    def request_reversal(self, request: Request, **_: Any) -> Response:
        """Take it back, by a worker and in one transaction: what it made is hidden, what it changed is set back.
        What was used or changed since stays."""
        run = self.get_object()
        asked = services.request_reversal(actor=self.actor, run=run, at=timezone.now())
        return Response(self._reversal(run, asked), status=status.HTTP_202_ACCEPTED)

    def _reversal(self, run: ImportRun, asked: ImportReversal | None) -> dict[str, Any]:
        if asked is None:
            plan, kept = services.preview_reversal(actor=self.actor, run=run)
            told: dict[str, Any] = {"status": "preview", "counts": plan.counts, "error": "", "finished_at": None}
        else:
            told = {name: getattr(asked, name) for name in ("status", "counts", "error", "finished_at")}
            kept = list(asked.kept.order_by("id")[:MOST_SHOWN])
        return dict(ReversalSerializer({**told, "kept": kept}).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("kind", enum=["xlsx", "csv"], default="xlsx"),
            OpenApiParameter("of", enum=["wrong", "skipped"], default="wrong"),
        ],
        responses={(200, content_type): OpenApiTypes.BINARY for content_type in error_files.CONTENT_TYPES.values()},
        filters=False,
    )
    @action(detail=True, methods=["get"], url_path="error-file", filterset_class=None, pagination_class=None)
    def error_file(self, request: Request, **_: Any) -> FileResponse:
        """The source rows that were refused or doubted, with the reason beside each."""
        run = self.get_object()
        kind = "csv" if request.query_params.get("kind") == "csv" else "xlsx"
        return FileResponse(
            error_files.written(run, kind, skipped=request.query_params.get("of") == "skipped"),
            as_attachment=True,
            filename=error_files.name_of(run, kind),
            content_type=error_files.CONTENT_TYPES[kind],
        )


class InSheetOrder(KeysetPagination):
    ordering = "id"


class RowErrorViewSet(mixins.ListModelMixin, ExportableViewSet):
    """What was wrong, cell by cell, in the order of the sheet."""

    queryset = RowError.objects.all()
    serializer_class = RowErrorSerializer
    filterset_class = RowErrorFilter
    pagination_class = InSheetOrder
    capabilities: ClassVar = {"list": IMPORT}

    def get_queryset(self) -> Any:
        if self.swagger_fake_view:
            return super().get_queryset()
        run = get_object_or_404(ImportRun.objects.visible_to(self.actor), pk=self.kwargs["run"])
        return super().get_queryset().filter(run=run)
