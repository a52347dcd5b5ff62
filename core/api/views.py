"""What every API view stands on: narrowed once to what this caller may see; outsiders get 404."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.viewsets import GenericViewSet

from core.actors import Actor
from core.models import Organization
from core.roles import Capability


class TenantViewSet(GenericViewSet[Any]):
    """A view of one organisation's rows. `capabilities` names, for every action, what it asks; none means nobody."""

    capabilities: ClassVar[dict[str, Capability]] = {}
    swagger_fake_view = False

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
