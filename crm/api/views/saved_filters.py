"""Views of lists that members keep."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import TenantViewSet
from core.roles import Capability
from crm import services
from crm.api.filters import SavedFilterFilter
from crm.models import SavedFilter
from crm.models.search import FilteredList, SharedWith


class SavedFilterSerializer(serializers.ModelSerializer[SavedFilter]):
    """`parameters` is what the address of the list holds; `is_mine` says whether the caller may change it."""

    member = serializers.CharField(source="membership.user.name")
    is_mine = serializers.SerializerMethodField()

    class Meta:
        model = SavedFilter
        fields = ["id", "list", "name", "parameters", "shared_with", "is_default", "member", "is_mine", "created_at"]

    def get_is_mine(self, saved: SavedFilter) -> bool:
        mine = self.context["view"].actor.membership
        return mine is not None and saved.membership_id == mine.pk


class SavedFilterChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    parameters = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=200), max_length=50),
        help_text='the filters of the list, and its order: {"status": ["available"], "sort": ["price"]}',
    )
    shared_with = serializers.ChoiceField(choices=SharedWith.choices, required=False)
    is_default = serializers.BooleanField(required=False)


class SavedFilterInput(SavedFilterChange):
    list = serializers.ChoiceField(choices=FilteredList.choices)


class SavedFilterViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TenantViewSet):
    """Lists of units and owners as members like to see them: one's own, one's team's, and those for everybody."""

    lookup_value_regex = r"\d{1,18}"
    queryset = SavedFilter.objects.order_by("-id")
    serializer_class = SavedFilterSerializer
    filterset_class = SavedFilterFilter
    capabilities: ClassVar = dict.fromkeys(
        ["list", "retrieve", "create", "partial_update", "destroy"], Capability.CRM_READ
    )

    @extend_schema(request=SavedFilterInput)
    def create(self, request: Request, **_: Any) -> Response:
        """Keep filters under a name. Sharing with a team needs assignments.write, with everybody stock.write."""
        given = SavedFilterInput(data=request.data)
        given.is_valid(raise_exception=True)
        saved = services.save_filter(actor=self.actor, **given.validated_data)
        return Response(self.get_serializer(saved).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=SavedFilterChange)
    def partial_update(self, request: Request, **_: Any) -> Response:
        """Rename, share, make it the default, or keep other parameters. One's own only."""
        given = SavedFilterChange(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        saved = services.update_filter(actor=self.actor, saved=self.get_object(), **given.validated_data)
        return Response(self.get_serializer(saved).data)

    def destroy(self, request: Request, **_: Any) -> Response:
        """One's own only; the list itself stays as it is."""
        services.delete_filter(actor=self.actor, saved=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def get_queryset(self) -> QuerySet[SavedFilter]:
        rows: QuerySet[SavedFilter] = super().get_queryset()
        return rows.select_related("membership__user")
