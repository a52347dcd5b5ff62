"""What every API view stands on: narrowed once to what this caller may see; outsiders get 404."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
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
        verb = (request.method or "").lower()
        if self.action and hasattr(self, verb):
            setattr(self, verb, guarded(self, request, getattr(self, verb)))

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
