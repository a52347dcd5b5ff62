"""What the views of crm share: lists and rows to read, and one service called for each write."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import mixins, serializers, status
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.exports import ExportableViewSet
from core.services import soft_delete
from crm.api.duplicates import possible_duplicates
from crm.errors import AlreadyMerged
from crm.models.mergeable import Mergeable
from crm.services.duplicates import look_for_duplicates


class RowsViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    lookup_value_regex = r"\d{1,18}"

    def given(
        self, request: Request, input_class: type[serializers.BaseSerializer[Any]], **kwargs: Any
    ) -> dict[str, Any]:
        """The body of the request, checked and as Python values."""
        serializer = input_class(data=request.data, context=self.get_serializer_context(), **kwargs)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def get_object(self) -> Any:
        """The row; what was merged into another is found as that other one, to be read. Raises AlreadyMerged."""
        try:
            return super().get_object()
        except Http404:
            rows = self.get_queryset()
            if not issubclass(rows.model, Mergeable):
                raise
            survivor = rows.filter(pk__in=rows.model.objects.survivor_of(int(self.kwargs["pk"])).values("pk")).first()
            if survivor is None:
                raise
            if self.request.method not in SAFE_METHODS:
                raise AlreadyMerged(f"It was merged; write to {survivor.pk}.", survivor=survivor.pk) from None
            return survivor

    def added(
        self, row: Model, noun: str, pk: int, serializer_class: type[serializers.BaseSerializer[Any]]
    ) -> Response:
        """A new row, with what the contact or unit of that id may be the same as."""
        found = look_for_duplicates(actor=self.actor, noun=noun, ids=[pk], at=timezone.now())
        shown: Any = self.get_queryset().filter(pk=row.pk).first() or row
        shown.possible_duplicates = possible_duplicates(found, pk)
        serializer = serializer_class(shown, context=self.get_serializer_context())
        return Response(serializer.data, status=status.HTTP_201_CREATED)

    def answer(self, row: Model, code: int = status.HTTP_200_OK) -> Response:
        """The row as it stands now, with all that lists show of it."""
        shown = self.get_queryset().filter(pk=row.pk).first() or row
        return Response(self.get_serializer(shown).data, status=code)


BEFORE = OpenApiParameter("before", int, description="the `next` of the page before")


def before_of(request: Request) -> int | None:
    """Where the page begins; whatever is no number begins at the newest."""
    text = request.query_params.get("before", "")
    return int(text) if text.isdecimal() and len(text) <= 18 else None


class DeletableViewSet(RowsViewSet):
    """DELETE hides the row and what hangs on it; the trash of the back office brings both back."""

    def destroy(self, request: Request, **_: Any) -> Response:
        soft_delete(actor=self.actor, target=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
