"""Signing in by e-mail and password, at every door that takes one."""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from core import jobs
from core.accounts import lockout
from core.models import User

log = structlog.get_logger(__name__)


class SignInBackend(AuthenticationBackend):
    """allauth's own, with a lock-out: while locked, the right password is refused as well.

    A refusal takes the same work whether or not anybody has that e-mail: the trail is written by a worker.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> AbstractBaseUser | None:
        email = (credentials.get("email") or credentials.get("username") or "").strip().lower()
        address = request.META.get("REMOTE_ADDR", "") if request else ""
        if lockout.is_locked(email, address):
            log.warning("sign_in_locked")
            raise PermissionDenied  # Django turns it into a failed sign-in
        user: AbstractBaseUser | None = super().authenticate(request, email=email, password=credentials.get("password"))
        if user is not None:
            lockout.forget(email, address)
        elif credentials.get("password"):
            locks = lockout.count_failure(email, address)
            known = User.objects.filter(email=email).values_list("pk", flat=True).first()
            jobs.enqueue("core.note_refused_sign_in", user_id=known or 0, address=address, locks=int(locks))
        return user
