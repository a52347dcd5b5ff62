"""Forms of allauth that do something else here."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ResetPasswordForm
from django.http import HttpRequest

from core import jobs


class AskReset(ResetPasswordForm):
    """A link to set a new password is sent by a worker, so that asking takes as long for addresses that nobody has."""

    def save(self, request: HttpRequest, **_: Any) -> str:
        user_id = self.users[0].pk if self.users else 0
        jobs.enqueue("core.send_password_reset", user_id=user_id)
        email: str = self.cleaned_data["email"]
        return email
