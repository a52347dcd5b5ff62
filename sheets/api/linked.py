"""Linked Google sheets over the API: accounts, linking, syncs, and the cells on which both sides disagree."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exports import ExportableViewSet
from core.api.views import TenantViewSet
from core.roles import Capability
from sheets.api.filters import CellChangeFilter, ConflictFilter, SpreadsheetFilter
from sheets.api.linked_serializers import (
    CellChangeSerializer,
    ConflictSerializer,
    DecidedSerializer,
    DocumentSerializer,
    GoogleAccountSerializer,
    KeySerializer,
    LinkedChangeSerializer,
    LinkSerializer,
    MatchingResolutionSerializer,
    MatchingSerializer,
    ResolutionSerializer,
    ResolutionsSerializer,
    SpreadsheetSerializer,
    SyncSerializer,
    UnlinkedSerializer,
    UnlinkingSerializer,
    UnlinkSerializer,
)
from sheets.api.serializers import ImportSerializer
from sheets.api.views import InSheetOrder
from sheets.models import CellChange, Conflict, GoogleAccount, ImportRun, Spreadsheet
from sheets.sync import conflicts, linking, requests
from sheets.sync.unlinking import preview_unlinking, unlink_sheet

MOST_SHOWN = 20
IMPORT, LINK = Capability.SHEETS_IMPORT, Capability.SHEETS_LINK


class GoogleAccountViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Service accounts of Google, with which documents are shared as with a person."""

    queryset = GoogleAccount.objects.defer("key")
    serializer_class = GoogleAccountSerializer
    lookup_value_regex = r"\d{1,18}"
    capabilities: ClassVar = {"list": LINK, "retrieve": LINK, "create": LINK, "destroy": LINK, "document": LINK}

    @extend_schema(request=KeySerializer, responses={201: GoogleAccountSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Upload a key; a newer key of an account that is there replaces the old one."""
        given = KeySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        key = given.validated_data["key"]
        account = linking.add_account(
            actor=self.actor,
            key=key if isinstance(key, str) else json.dumps(key),
            name=given.validated_data["name"],
            at=timezone.now(),
        )
        return Response(self.get_serializer(account).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, **_: Any) -> Response:
        """Forget the account and its key; 409 while sheets are linked with it."""
        linking.remove_account(actor=self.actor, account=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[OpenApiParameter("address", required=True)], responses={200: DocumentSerializer})
    @action(detail=True, methods=["get"], pagination_class=None)
    def document(self, request: Request, **_: Any) -> Response:
        """What Google says of a document: its title and tabs, or why it cannot be opened."""
        address = request.query_params.get("address", "")
        document_id, document = linking.look_into(actor=self.actor, account=self.get_object(), address=address)
        told = {"document_id": document_id, "title": document.title, "tabs": document.tabs}
        return Response(DocumentSerializer(told).data)


class SpreadsheetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Sources of rows: files that came in before, and linked Google sheets."""

    queryset = Spreadsheet.objects.all()
    serializer_class = SpreadsheetSerializer
    filterset_class = SpreadsheetFilter
    lookup_value_regex = r"\d{1,18}"
    capabilities: ClassVar = {
        "list": IMPORT,
        "retrieve": IMPORT,
        "create": LINK,
        "partial_update": LINK,
        "syncs": IMPORT,
        "pause": LINK,
        "start": LINK,
        "unlinking": LINK,
        "unlink": LINK,
    }

    def get_queryset(self) -> QuerySet[Any]:
        waiting = Q(conflicts__resolution="", conflicts__settled_at__isnull=True)
        rows: QuerySet[Any] = super().get_queryset().annotate(open_conflicts=Count("conflicts", filter=waiting))
        return rows

    @extend_schema(request=LinkSerializer, responses={201: SpreadsheetSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Link one tab: its header is found and its mapping guessed. It is paused until somebody starts it."""
        given = LinkSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        account = self._account(fields.pop("account"))
        sheet = linking.link_sheet(actor=self.actor, account=account, at=timezone.now(), **fields)
        return Response(self.get_serializer(sheet).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=LinkedChangeSerializer, responses={200: SpreadsheetSerializer})
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Which column is what, who may change it, how often it is synced, by which account."""
        sheet = self.get_object()
        given = LinkedChangeSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        if "account" in fields:
            fields["account"] = self._account(fields["account"])
        linking.change_linked_sheet(
            actor=self.actor, spreadsheet=sheet, document=fields.pop("mapping", None), at=timezone.now(), **fields
        )
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=SyncSerializer, responses={202: ImportSerializer})
    @action(detail=True, methods=["post"])
    def syncs(self, request: Request, **_: Any) -> Response:
        """Sync now, by a worker; GET imports/<id>/ shows how far it is. 409 while one is under way."""
        given = SyncSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        run = requests.request_sync(
            actor=self.actor, spreadsheet=self.get_object(), at=timezone.now(), **given.validated_data
        )
        told = ImportSerializer(run, context=self.get_serializer_context())
        return Response(told.data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={200: SpreadsheetSerializer})
    @action(detail=True, methods=["put"])
    def pause(self, request: Request, **_: Any) -> Response:
        """No syncs by the clock any more."""
        return self._paused(True)

    @extend_schema(request=None, responses={200: SpreadsheetSerializer})
    @pause.mapping.delete
    def start(self, request: Request, **_: Any) -> Response:
        """Sync by the clock, and now."""
        return self._paused(False)

    @extend_schema(responses={200: UnlinkingSerializer}, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def unlinking(self, request: Request, **_: Any) -> Response:
        """What unlinking would close and keep."""
        found = preview_unlinking(actor=self.actor, spreadsheet=self.get_object())
        return Response(UnlinkingSerializer(found).data)

    @extend_schema(request=UnlinkSerializer, responses={200: UnlinkedSerializer})
    @unlinking.mapping.post
    def unlink(self, request: Request, **_: Any) -> Response:
        """Sync it no more. Units and history stay; linked again, its rows are known by their ids. 409 during a sync."""
        given = UnlinkSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        done = unlink_sheet(actor=self.actor, spreadsheet=self.get_object(), at=timezone.now(), **given.validated_data)
        return Response(UnlinkedSerializer(done).data)

    def _paused(self, is_paused: bool) -> Response:
        sheet = self.get_object()
        linking.pause_sheet(actor=self.actor, spreadsheet=sheet, is_paused=is_paused, at=timezone.now())
        return Response(self.get_serializer(self.get_object()).data)

    def _account(self, account_id: int) -> GoogleAccount:
        account: GoogleAccount = get_object_or_404(GoogleAccount.objects.visible_to(self.actor), pk=account_id)
        return account


class ConflictViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Cells that were changed here and in the sheet, to different values. Neither is touched until a person decides."""

    queryset = Conflict.objects.select_related("link")
    serializer_class = ConflictSerializer
    filterset_class = ConflictFilter
    lookup_value_regex = r"\d{1,18}"
    capabilities: ClassVar = {"list": IMPORT, "retrieve": IMPORT, "resolution": IMPORT, "resolutions": IMPORT,
        "matching": IMPORT, "resolve_matching": IMPORT,
    }  # fmt: skip

    @extend_schema(request=ResolutionSerializer, responses={200: ConflictSerializer})
    @action(detail=True, methods=["put"])
    def resolution(self, request: Request, **_: Any) -> Response:
        """Say which side is right. The next sync carries it out; until then the decision may be changed."""
        conflict = self.get_object()
        given = ResolutionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        chosen = given.validated_data
        seen = {conflict.pk: chosen["state"]} if "state" in chosen else None
        self._resolve([conflict], chosen["resolution"], seen)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=ResolutionsSerializer, responses={200: ConflictSerializer(many=True)}, filters=False)
    @action(detail=False, methods=["post"], pagination_class=None)
    def resolutions(self, request: Request, **_: Any) -> Response:
        """Decide many at once: all of them or, when one is settled already or not there, none."""
        given = ResolutionsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        chosen = [Conflict(pk=each) for each in given.validated_data["ids"]]
        decided = self._resolve(chosen, given.validated_data["resolution"])
        found = self.get_queryset().filter(pk__in=[each.pk for each in decided]).order_by("pk")
        return Response(self.get_serializer(found, many=True).data)

    @extend_schema(responses={200: MatchingSerializer}, filters=True)
    @action(detail=False, methods=["get"], pagination_class=None)
    def matching(self, request: Request, **_: Any) -> Response:
        """How many open conflicts fit the filters of the list, the first of them, and the `state` to send back."""
        fitting: Any = self.filter_queryset(self.get_queryset())
        found = conflicts.matching(actor=self.actor, conflicts=fitting)
        told = {"count": found.count, "state": found.state, "first": fitting.open().order_by("-pk")[:MOST_SHOWN]}
        return Response(MatchingSerializer(told, context=self.get_serializer_context()).data)

    @extend_schema(request=MatchingResolutionSerializer, responses={200: DecidedSerializer}, filters=True)
    @matching.mapping.post
    def resolve_matching(self, request: Request, **_: Any) -> Response:
        """Decide all that fit the filters, as they were shown. 409 when they are others by now: nothing is decided then."""
        given = MatchingResolutionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fitting: Any = self.filter_queryset(self.get_queryset())
        decided = conflicts.resolve_matching(
            actor=self.actor, conflicts=fitting, at=timezone.now(), **given.validated_data
        )
        return Response(DecidedSerializer({"decided": decided}).data)

    def _resolve(self, chosen: list[Conflict], resolution: str, seen: dict[int, str] | None = None) -> list[Conflict]:
        return conflicts.resolve_conflicts(
            actor=self.actor, conflicts=chosen, resolution=resolution, at=timezone.now(), seen=seen
        )


class CellChangeViewSet(mixins.ListModelMixin, ExportableViewSet):
    """The difference of one sync, cell by cell: what changed in Majlis, what in the sheet."""

    queryset = CellChange.objects.all()
    serializer_class = CellChangeSerializer
    filterset_class = CellChangeFilter
    pagination_class = InSheetOrder
    capabilities: ClassVar = {"list": IMPORT}

    def get_queryset(self) -> Any:
        if self.swagger_fake_view:
            return super().get_queryset()
        run = get_object_or_404(ImportRun.objects.visible_to(self.actor), pk=self.kwargs["run"])
        return super().get_queryset().filter(run=run)
