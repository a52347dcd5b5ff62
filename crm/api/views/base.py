"""What the views of crm share: lists and rows to read, and one service called for each write."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import TenantViewSet
from core.services import soft_delete


class RowsViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    lookup_value_regex = r"\d{1,18}"

    def given(
        self, request: Request, input_class: type[serializers.BaseSerializer[Any]], **kwargs: Any
    ) -> dict[str, Any]:
        """The body of the request, checked and as Python values."""
        serializer = input_class(data=request.data, context=self.get_serializer_context(), **kwargs)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

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
