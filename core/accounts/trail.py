"""What people do with their accounts, in the audit trail of every organisation in which they work.

allauth announces these by Django's signals; config/wiring.py names who hears them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.utils import timezone

from core import audit
from core.actors import Actor
from core.models import Membership, User
from core.tenancy import organization_scope


def note(user: User, action: str, *, address: str | None, at: datetime, **after: Any) -> None:
    """One line in the trail of each organisation in which this person is an active member."""
    memberships = Membership.objects.active().filter(user=user).select_related("organization", "user")
    for membership in memberships:
        with organization_scope(membership.organization_id, membership_id=membership.pk):
            actor = Actor(membership.organization, membership, address=address or None)
            audit.record(actor=actor, action=action, target=membership, after=after, at=at)


def signed_in(*, request: HttpRequest, user: User, **_: Any) -> None:
    """By what: password, passkey (mfa, webauthn), a code of the app (mfa, totp), a recovery code."""
    by = [record.get("type") or record["method"] for record in get_authentication_records(request, user)]
    _note(request, user, "core.signed_in", by=by, browser=request.META.get("HTTP_USER_AGENT", "")[:200])


def signed_out(*, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        _note(request, user, "core.signed_out")


def password_changed(*, request: HttpRequest, user: User, **_: Any) -> None:
    _note(request, user, "core.password_changed")


def password_reset(*, request: HttpRequest, user: User, **_: Any) -> None:
    _note(request, user, "core.password_reset")


def factor_added(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _note(request, user, "core.second_factor_added", kind=authenticator.type)


def factor_removed(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _note(request, user, "core.second_factor_removed", kind=authenticator.type)


def factor_replaced(*, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    _note(request, user, "core.second_factor_replaced", kind=authenticator.type)


def factor_refused(*, request: HttpRequest, user: User, **_: Any) -> None:
    _note(request, user, "core.second_factor_refused")


def sign_in_refused(*, user_id: int, address: str, locks: bool, at: datetime) -> None:
    """A wrong password; of addresses that nobody has, nothing is kept."""
    user = User.objects.filter(pk=user_id).first()
    if user is not None:
        note(user, "core.sign_in_refused", address=address, at=at, **({"locked": True} if locks else {}))


def _note(request: HttpRequest, user: User, action: str, **after: Any) -> None:
    note(user, action, address=request.META.get("REMOTE_ADDR"), at=timezone.now(), **after)
