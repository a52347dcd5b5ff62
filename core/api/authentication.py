"""Who is calling the API: a token of this organisation, or the session of a member."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request

from core.accounts import rules
from core.actors import Actor
from core.middleware import actor_of
from core.models import ApiToken, Membership, User
from core.services import digest
from core.tenancy import name_actor

KEYWORD = "Bearer"
# Writing "last used" on every request would make every read a write.
LAST_USED_PRECISION = timedelta(minutes=5)


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer majlis_...`. Tokens of other organisations are not even visible here."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        header = request.headers.get("Authorization", "")
        if not header.startswith(f"{KEYWORD} "):
            return None
        now = timezone.now()
        organization = request._request.organization  # type: ignore[attr-defined]
        token = (
            ApiToken.objects.usable(now)
            .select_related("membership__user")
            .filter(
                organization=organization,
                digest=digest(header.removeprefix(f"{KEYWORD} ").strip()),
                membership__in=Membership.objects.active(),
            )
            .first()
        )
        if token is None:
            raise exceptions.AuthenticationFailed(
                "This token is not valid for this organisation, has expired or was revoked.", code="token_invalid"
            )
        if token.last_used_at is None or now - token.last_used_at > LAST_USED_PRECISION:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        membership = token.membership
        request._request.actor = Actor(  # type: ignore[attr-defined]
            organization, membership, token=token, address=request.META.get("REMOTE_ADDR")
        )
        if request.method not in permissions.SAFE_METHODS:
            name_actor(membership.pk)
        return membership.user, token

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, with CSRF checks on writes. A signed-in outsider stays without an actor: 404."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found = super().authenticate(request)
        if found is not None and getattr(request._request, "actor", None) is None:
            request._request.actor = actor_of(  # type: ignore[attr-defined]
                request._request,
                request._request.organization,  # type: ignore[attr-defined]
            )
        actor: Actor | None = getattr(request._request, "actor", None)
        if found is not None and actor is not None:
            rules.require_second_step(actor, timezone.now())
        return found
