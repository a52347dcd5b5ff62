"""Possible duplicates, and merges of contacts and units."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import TenantViewSet
from core.roles import Capability
from crm.api import filters
from crm.api.duplicates import (
    BatchInput,
    BatchSerializer,
    DuplicateInput,
    DuplicateSearchSerializer,
    DuplicateSerializer,
    MergeInput,
    MergePreviewSerializer,
    MergeSerializer,
)
from crm.api.views.base import RowsViewSet
from crm.models import DuplicateCandidate, DuplicateSearch, Merge
from crm.services import duplicates, merging

PAIR = ("first_contact", "second_contact", "first_property", "second_property")


class DuplicateViewSet(RowsViewSet):
    """Pairs that may be one, with their reasons. Pairs of which one side is gone are left out."""

    queryset = DuplicateCandidate.objects.select_related(*PAIR).order_by("-id")
    serializer_class = DuplicateSerializer
    filterset_class = filters.DuplicateFilter
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "create": Capability.CRM_WRITE,
        # Units ask for stock.write instead; the service says so.
        "dismissal": Capability.CRM_WRITE,
        "remove_dismissal": Capability.CRM_WRITE,
    }

    @extend_schema(request=DuplicateInput)
    def create(self, request: Request, **_: Any) -> Response:
        """Propose that two are one: those who may merge will look at it."""
        given = self.given(request, DuplicateInput)
        row = duplicates.propose_duplicate(
            actor=self.actor,
            noun=given["noun"],
            first_id=given["first"],
            second_id=given["second"],
            at=timezone.now(),
        )
        return self.answer(row, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: DuplicateSerializer})
    @action(detail=True, methods=["post"])
    def dismissal(self, request: Request, **_: Any) -> Response:
        """They are not the same; they are not offered again unless something new speaks for it."""
        row = duplicates.dismiss_candidate(actor=self.actor, candidate=self.get_object(), at=timezone.now())
        return self.answer(row, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={204: None})
    @dismissal.mapping.delete
    def remove_dismissal(self, request: Request, **_: Any) -> Response:
        """To be looked at again."""
        duplicates.reopen_candidate(actor=self.actor, candidate=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class DuplicateSearchViewSet(RowsViewSet):
    """Looking through the whole organisation; goes on by itself when a worker dies."""

    queryset = DuplicateSearch.objects.order_by("-id")
    serializer_class = DuplicateSearchSerializer
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "create": Capability.CONTACTS_MERGE,
    }

    @extend_schema(request=None)
    def create(self, request: Request, **_: Any) -> Response:
        """Start one; the one that is on its way, if there is one."""
        return self.answer(duplicates.start_search(actor=self.actor, at=timezone.now()), status.HTTP_201_CREATED)


class MergeViewSet(RowsViewSet):
    """What was merged into what, and can be undone."""

    queryset = Merge.objects.order_by("-id")
    serializer_class = MergeSerializer
    filterset_class = filters.MergeFilter
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        # Contacts ask for contacts.merge, units for stock.write; the service says so.
        "create": Capability.CRM_WRITE,
        "reversal": Capability.CRM_WRITE,
    }

    @extend_schema(request=MergeInput)
    def create(self, request: Request, **_: Any) -> Response:
        """Merge `other` into `survivor`. POST merge-previews/ with the same body says what would move."""
        row = merging.merge(actor=self.actor, at=timezone.now(), **_asked(self.given(request, MergeInput)))
        return self.answer(row, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={201: MergeSerializer})
    @action(detail=True, methods=["post"])
    def reversal(self, request: Request, **_: Any) -> Response:
        """Undo it. `kept` names what was changed since, and stays."""
        row = merging.reverse_merge(actor=self.actor, merge=self.get_object(), at=timezone.now())
        return self.answer(row, status.HTTP_201_CREATED)


class MergePreviewViewSet(TenantViewSet):
    """What a merge would do. Nothing is changed."""

    queryset = Merge.objects.all()
    serializer_class = MergePreviewSerializer
    capabilities: ClassVar = {"create": Capability.CRM_WRITE}

    @extend_schema(request=MergeInput, responses={200: MergePreviewSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = MergeInput(data=request.data)
        given.is_valid(raise_exception=True)
        preview = merging.preview_merge(actor=self.actor, at=timezone.now(), **_asked(dict(given.validated_data)))
        return Response(MergePreviewSerializer(preview).data)


class MergeBatchViewSet(TenantViewSet):
    """Many obvious duplicates at once."""

    queryset = DuplicateCandidate.objects.all()
    serializer_class = BatchSerializer
    capabilities: ClassVar = {"create": Capability.CRM_WRITE}

    @extend_schema(request=BatchInput, responses={201: BatchSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Each pair is merged by itself: those that cannot be are told with the reason."""
        given = BatchInput(data=request.data)
        given.is_valid(raise_exception=True)
        rows = (
            DuplicateCandidate.objects.visible_to(self.actor)
            .open()
            .filter(pk__in=given.validated_data["duplicates"])
            .order_by("pk")
        )
        batch = merging.merge_obvious(actor=self.actor, candidates=list(rows), at=timezone.now())
        return Response(BatchSerializer(batch).data, status=status.HTTP_201_CREATED)


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "noun": given["noun"], "survivor_id": given["survivor"], "other_id": given["other"], "take": given.get("take", []),
    }  # fmt: skip
