"""How a page of an organisation lets people in: signed in, a member, and with the capability it asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from core.roles import Capability

Page = Callable[..., HttpResponseBase]


def page(capability: Capability | None) -> Callable[[Page], Page]:
    """Decorator for every agents' page. Strangers are sent to sign in, outsiders get 404, members may be refused.

    The view gets `request.actor`. `None` is for pages that every member may see. Raises CapabilityMissing.
    """

    def decorate(view: Page) -> Page:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
            actor = getattr(request, "actor", None)
            if actor is None:
                raise Http404
            if capability is not None:
                actor.require(capability)
            kwargs.pop("organization", None)
            return view(request, *args, **kwargs)

        guarded.capability = capability  # type: ignore[attr-defined]  # read by tests/test_tenancy.py
        return guarded

    return decorate
