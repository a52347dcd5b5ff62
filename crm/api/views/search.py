"""One box over everything."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import TenantViewSet
from core.roles import Capability
from crm import selectors
from crm.models import Property

KINDS = ("units", "owners", "projects", "agents")


class HitSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    title = serializers.CharField()
    detail = serializers.CharField(help_text="what tells it from another of the same name")


class GroupSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(KINDS)
    count = serializers.IntegerField(help_text="counted to 50")
    has_more = serializers.BooleanField(help_text="there are more than that")
    is_guess = serializers.BooleanField(help_text="nothing is called so: these look alike")
    hits = HitSerializer(many=True)


class FindingsSerializer(serializers.Serializer):
    asked = serializers.CharField()
    groups = GroupSerializer(many=True)


class SearchViewSet(TenantViewSet):
    """Units, owners, projects and agents by whatever people type: identifiers, names, numbers, addresses."""

    queryset = Property.objects.none()
    serializer_class = FindingsSerializer
    pagination_class = None
    filterset_class = None
    capabilities: ClassVar = {"list": Capability.CRM_READ}

    @extend_schema(
        parameters=[
            OpenApiParameter("q", str, description="two letters or more"),
            OpenApiParameter("kinds", str, description="some of units, owners, projects, agents; all when left out"),
        ],
        responses=FindingsSerializer,
    )
    def list(self, request: Request, **_: Any) -> Response:
        """Exact ones first, then beginnings, then parts, and words that only look alike where nothing else fits."""
        asked = request.query_params.get("kinds", "")
        kinds = [kind.strip() for kind in asked.split(",")] if asked else list(KINDS)
        if unknown := sorted(set(kinds) - set(KINDS)):
            raise ValidationError({"kinds": [f"There is no such kind: {', '.join(unknown)[:100]}."]})
        findings = selectors.search(
            actor=self.actor, text=request.query_params.get("q", ""), kinds=kinds, each=20, at=timezone.now()
        )
        groups = [
            {
                "kind": group.kind,
                "count": group.count,
                "has_more": group.has_more,
                "is_guess": group.is_guess,
                "hits": [_hit(group.kind, hit) for hit in group.hits],
            }
            for group in findings.groups
        ]
        return Response(FindingsSerializer({"asked": findings.asked, "groups": groups}).data)


def _hit(kind: str, hit: Any) -> dict[str, Any]:
    match kind:
        case "units":
            names = ", ".join(hit.owner_names)
            detail = " · ".join(part for part in (hit.project_name, hit.p_number, hit.status_label, names) if part)
            return {"id": hit.unit_id, "title": hit.label, "detail": detail}
        case "owners":
            return {"id": hit.contact_id, "title": hit.name, "detail": hit.point.shown if hit.point else ""}
        case "projects":
            return {"id": hit.pk, "title": hit.name, "detail": str(hit.number)}
        case _:
            return {"id": hit.pk, "title": hit.name, "detail": hit.membership.user.email}
