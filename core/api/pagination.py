"""Keyset pages: the same cost at page 1 and at page 10,000, and nothing is skipped while rows are added."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

ORDERS = ["id", "-id"]


class KeysetPagination(CursorPagination):
    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"
    ordering = "-id"

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        """`?ordering=id` for the oldest first, as whoever copies a list wants it; else the list's own order."""
        wanted = request.query_params.get("ordering")
        if wanted is None:
            return tuple(super().get_ordering(request, queryset, view))
        if wanted not in ORDERS:
            raise exceptions.ValidationError({"ordering": [f"Order by one of: {', '.join(ORDERS)}."]})
        return (wanted,)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """What OpenAPI says of a list's pages."""
        order = {"name": "ordering", "in": "query", "schema": {"type": "string", "enum": ORDERS}}
        return [*super().get_schema_operation_parameters(view), order]
