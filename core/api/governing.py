"""How a house is governed: the trail, the trash and its way back, and whom we asked in."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from core import audit, services
from core.accounts import invitations
from core.api.exports import ExportableViewSet
from core.models import AuditEntry, Deletion, Invitation
from core.roles import Capability, Role

INVITE = Capability.AGENTS_MANAGE


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """`before` and `after` with the middle of numbers and addresses hidden."""

    before = serializers.SerializerMethodField()
    after = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields = [
            "id", "at", "user", "token", "action", "target_type", "target_id", "before", "after", "address", "request_id",
        ]  # fmt: skip

    def get_before(self, entry: AuditEntry) -> dict[str, Any]:
        return audit.shown(entry.before)

    def get_after(self, entry: AuditEntry) -> dict[str, Any]:
        return audit.shown(entry.after)


class AuditEntryFilter(filters.FilterSet):
    since = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")
    target_id = filters.NumberFilter(min_value=1, max_value=2**63 - 1)

    class Meta:
        model = AuditEntry
        fields = ["action", "target_type", "target_id", "token", "request_id"]


class AuditEntryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Who did what to which row, and what it was before and after. Written once."""

    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    filterset_class = AuditEntryFilter
    capabilities: ClassVar = dict.fromkeys(["list", "retrieve"], Capability.AUDIT_READ)


class DeletionSerializer(serializers.ModelSerializer[Deletion]):
    class Meta:
        model = Deletion
        fields = ["id", "label", "target_type", "target_id", "hidden_count", "user", "at", "restored_at"]


class RestoredSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField(help_text="how many are back")


class DeletionFilter(filters.FilterSet):
    is_restored = filters.BooleanFilter(field_name="restored_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Deletion
        fields = ["target_type"]


class DeletionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """The trash: every act of deleting, and the way back."""

    queryset = Deletion.objects.all()
    serializer_class = DeletionSerializer
    filterset_class = DeletionFilter
    capabilities: ClassVar = dict.fromkeys(["list", "retrieve", "restoration"], Capability.CRM_DELETE)

    @extend_schema(request=None, responses={201: RestoredSerializer})
    @action(detail=True, methods=["post"])
    def restoration(self, request: Request, **_: Any) -> Response:
        """Bring back what this act hid, and nothing else."""
        rows = services.restore_deletion(actor=self.actor, deletion=self.get_object(), at=timezone.now())
        return Response({"rows": rows}, status=status.HTTP_201_CREATED)


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    state = serializers.SerializerMethodField(help_text="open, accepted, expired or revoked")

    class Meta:
        model = Invitation
        fields = [
            "id", "email", "name", "role", "language", "state", "invited_by", "membership", "created_at", "expires_at",
            "accepted_at", "revoked_at",
        ]  # fmt: skip

    def get_state(self, invitation: Invitation) -> str:
        return invitation.state(timezone.now())


class InvitationInput(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Role.choices)
    language = serializers.ChoiceField(choices=["en", "ar", "fr"], default="en", help_text="of the letter")


class InvitationFilter(filters.FilterSet):
    is_open = filters.BooleanFilter(method="by_state")

    class Meta:
        model = Invitation
        fields = ["email", "role"]

    def by_state(self, rows: Any, _: str, is_open: bool) -> Any:
        still = Invitation.objects.open(timezone.now()).values("pk")
        return rows.filter(pk__in=still) if is_open else rows.exclude(pk__in=still)


class InvitationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Whom we asked in. The link goes out by e-mail and is never shown here; deleting one ends its link."""

    queryset = Invitation.objects.all()
    serializer_class = InvitationSerializer
    filterset_class = InvitationFilter
    capabilities: ClassVar = dict.fromkeys(["list", "retrieve", "create", "destroy"], INVITE)

    @extend_schema(request=InvitationInput, responses={201: InvitationSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        given = InvitationInput(data=request.data)
        given.is_valid(raise_exception=True)
        invitation = invitations.invite(actor=self.actor, at=timezone.now(), **given.validated_data)
        return Response(self.get_serializer(invitation).data, status=status.HTTP_201_CREATED)

    def destroy(self, request: Request, **_: Any) -> Response:
        invitations.revoke(actor=self.actor, invitation=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
