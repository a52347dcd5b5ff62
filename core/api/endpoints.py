"""The organisation itself, its members, and tokens."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth import authenticate
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, mixins, status
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import members, services
from core.accounts import factors, rules
from core.actors import Actor
from core.api.authentication import KEYWORD
from core.api.exports import ExportableViewSet
from core.api.serializers import (
    MembershipSerializer,
    NewTokenSerializer,
    OrganizationSerializer,
    SignInSerializer,
    SuspensionInput,
    TokenSerializer,
)
from core.api.views import TenantViewSet
from core.models import ApiToken, Membership, Organization
from core.roles import Capability


class OrganizationViewSet(TenantViewSet):
    """The organisation of the address."""

    serializer_class = OrganizationSerializer
    queryset = Organization.objects.all()
    capabilities: ClassVar = {"retrieve": Capability.CRM_READ}

    @extend_schema(operation_id="organization_retrieve", tags=["organization"])
    def retrieve(self, request: Request, **_: Any) -> Response:
        return Response(self.get_serializer(self.organization).data)


class MembershipViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ExportableViewSet):
    """Who works here."""

    serializer_class = MembershipSerializer
    queryset = Membership.objects.select_related("user")
    capabilities: ClassVar = {
        "list": Capability.CRM_READ,
        "retrieve": Capability.CRM_READ,
        "suspension": Capability.AGENTS_MANAGE,
        "reinstate": Capability.AGENTS_MANAGE,
    }

    def get_queryset(self) -> QuerySet[Membership]:
        if self.swagger_fake_view:
            return Membership.objects.none()
        return Membership.objects.select_related("user").filter(organization=self.organization)

    @extend_schema(request=SuspensionInput, responses={200: MembershipSerializer})
    @action(detail=True, methods=["put"])
    def suspension(self, request: Request, **_: Any) -> Response:
        """From now on the member enters by no door: sessions and tokens end at once."""
        given, member = SuspensionInput(data=request.data), self.get_object()
        given.is_valid(raise_exception=True)
        suspended = members.suspend_member(
            actor=self.actor, membership=member, at=timezone.now(), **given.validated_data
        )
        return Response(self.get_serializer(suspended).data)

    @extend_schema(responses={204: None})
    @suspension.mapping.delete
    def reinstate(self, request: Request, **_: Any) -> Response:
        members.reinstate_member(actor=self.actor, membership=self.get_object(), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokenViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, TenantViewSet):
    """One's own tokens; deleting one revokes it."""

    serializer_class = TokenSerializer
    queryset = ApiToken.objects.all()
    capabilities: ClassVar = {"list": Capability.CRM_READ, "destroy": Capability.CRM_READ}

    def get_queryset(self) -> QuerySet[ApiToken]:
        own = super().get_queryset()
        return own if self.swagger_fake_view else own.filter(membership=self.actor.membership)

    def perform_destroy(self, instance: ApiToken) -> None:
        services.revoke_token(actor=self.actor, token=instance, at=timezone.now())


class SignInView(APIView):
    """Exchange e-mail and password for a token: the only way to get one over the API."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request: Request) -> str:
        """Without one DRF would answer 403 to a wrong password."""
        return KEYWORD

    @extend_schema(request=SignInSerializer, responses={201: NewTokenSerializer})
    def post(self, request: Request, **_: Any) -> Response:
        given = SignInSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        user = authenticate(request._request, username=fields["email"].lower(), password=fields["password"])
        organization = request._request.organization  # type: ignore[attr-defined]
        membership = None
        if user is not None:
            mine = Membership.objects.active().select_related("user")
            membership = mine.filter(organization=organization, user=user).first()
        if membership is None:
            raise exceptions.AuthenticationFailed("E-mail or password is wrong.", code="credentials_invalid")
        factors.check_code(user=membership.user, code=fields["code"])
        actor = Actor(organization, membership, address=request.META.get("REMOTE_ADDR"))
        rules.require_second_step(actor, timezone.now())
        token, secret = services.issue_token(
            actor=actor, name=fields["name"], scopes=fields["scopes"], at=timezone.now()
        )
        token.secret = secret  # type: ignore[attr-defined]
        return Response(NewTokenSerializer(token).data, status=status.HTTP_201_CREATED)
