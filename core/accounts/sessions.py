"""Ending sessions: of one device, or of all at once."""

from __future__ import annotations

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef

from core import events
from core.accounts import trail
from core.models import Membership, User


def end_one(*, user: User, session_id: int, address: str | None, at: datetime) -> bool:
    """Sign one device of this person out. False when there is no such session."""
    session = UserSession.objects.filter(user=user, pk=session_id).first()
    if session is None:
        return False
    trail.note(user, "core.session_ended", address=address, at=at, of=session.ip, browser=session.user_agent)
    session.end()
    hang_up(user)
    return True


def end_all(*, user: User, address: str | None, at: datetime) -> None:
    """Sign this person out of every device at once; what is open answers as to a stranger. Tokens go on."""
    User.objects.filter(pk=user.pk).update(sessions_ended_at=at)
    UserSession.objects.filter(user=user).delete()
    trail.note(user, "core.signed_out_everywhere", address=address, at=at)
    hang_up(user)


def hang_up(user: User) -> None:
    """End what is open of this person everywhere; browsers call again, and only those that are still in are heard."""
    for membership in Membership.objects.active().filter(user=user):
        events.publish(events.SessionsEnded(organization_id=membership.organization_id, membership_id=membership.pk))


def sweep() -> None:
    """Throw away sessions whose time is over, and the rows of the list whose session is gone."""
    SessionStore.clear_expired()
    live = Session.objects.filter(session_key=OuterRef("session_key"))
    UserSession.objects.filter(~Exists(live)).delete()


def password_changed(*, user: User, **_: object) -> None:
    """Django ended every other session with the password; what they have open ends with them."""
    hang_up(user)
