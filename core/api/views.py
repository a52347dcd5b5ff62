"""What every API view stands on: narrowed once to what this caller may see; outsiders get 404."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.actors import Actor
from core.api.writing import guarded
from core.models import Organization
from core.roles import Capability


class TenantViewSet(GenericViewSet[Any]):
    """A view of one organisation's rows. `capabilities` names, for every action, what it asks; none means nobody."""

    capabilities: ClassVar[dict[str, Capability]] = {}
    swagger_fake_view = False
    lookup_value_regex = r"\d{1,18}"  # what no key can be is not found, rather than asked of the database

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who calls and whether he may; then the handler of the verb is wrapped, as the router bound it: per request."""
        super().initial(request, *args, **kwargs)
        if "%00" in request.META.get("QUERY_STRING", ""):  # PostgreSQL keeps no text with it
            raise exceptions.ValidationError({"query": ["No name and no value may hold a NUL character."]})
        verb = (request.method or "").lower()
        if self.action and hasattr(self, verb):
            setattr(self, verb, guarded(self, request, getattr(self, verb)))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """The answer, with what is left of the caller's minute (core/api/limits.py)."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        for name, value in getattr(getattr(request, "_request", None), "call_headers", {}).items():
            answer[name] = value
        return answer

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """`?fields=id,name` leaves out the others when rows are read."""
        serializer: Any = super().get_serializer(*args, **kwargs)
        if self.action not in {"list", "retrieve"} or "fields" not in self.request.query_params:
            return serializer
        shown = getattr(serializer, "child", serializer).fields
        wanted = set(filter(None, self.request.query_params["fields"].split(",")))
        if not wanted or wanted - set(shown):
            raise exceptions.ValidationError({"fields": [f"Choose among: {', '.join(shown)}."]})
        for name in set(shown) - wanted:
            shown.pop(name)
        return serializer

    @property
    def actor(self) -> Actor:
        """Who calls; permissions have already turned away everyone without one."""
        actor: Actor = self.request._request.actor  # type: ignore[attr-defined]
        return actor

    @property
    def organization(self) -> Organization:
        return self.actor.organization

    def get_queryset(self) -> QuerySet[Any]:
        queryset: Any = super().get_queryset()
        narrowed: QuerySet[Any] = queryset.none() if self.swagger_fake_view else queryset.visible_to(self.actor)
        return narrowed
