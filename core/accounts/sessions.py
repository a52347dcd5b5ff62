"""Ending sessions: of one device, or of all at once."""

from __future__ import annotations

from datetime import datetime

from allauth.usersessions.models import UserSession

from core.accounts import trail
from core.models import User


def end_one(*, user: User, session_id: int, address: str | None, at: datetime) -> bool:
    """Sign one device of this person out. False when there is no such session."""
    session = UserSession.objects.filter(user=user, pk=session_id).first()
    if session is None:
        return False
    trail.note(user, "core.session_ended", address=address, at=at, of=session.ip, browser=session.user_agent)
    session.end()
    return True


def end_all(*, user: User, address: str | None, at: datetime) -> None:
    """Sign this person out of every device at once; what is open answers as to a stranger. Tokens go on."""
    User.objects.filter(pk=user.pk).update(sessions_ended_at=at)
    UserSession.objects.filter(user=user).delete()
    trail.note(user, "core.signed_out_everywhere", address=address, at=at)
