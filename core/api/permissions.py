"""Deny before allow: a view says which capability each of its actions asks, or nobody may call it."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework import exceptions, permissions
from rest_framework.request import Request


class CapabilityPermission(permissions.BasePermission):
    """401 for nobody, 404 for someone from outside, 403 for a member whose role does not allow it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            raise exceptions.NotAuthenticated("Sign in, or send a token: Authorization: Bearer majlis_...")
        actor = getattr(request._request, "actor", None)
        if actor is None:
            raise Http404
        if view.action is None:  # a verb that the address does not know: 405 comes after
            return True
        actor.require(view.capabilities[view.action])
        return True
