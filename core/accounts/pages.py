"""Where one is signed in, and ending that."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.accounts import sessions


class Sessions(ListUserSessionsView):
    """allauth's list; a button beside each ends that one, the button below all others."""

    def form_valid(self, form: Any) -> HttpResponse:
        chosen = self.request.POST.get("session", "")
        if not chosen:
            return super().form_valid(form)  # type: ignore[no-any-return]
        given = {"address": self.request.META.get("REMOTE_ADDR"), "at": timezone.now()}
        if chosen.isdecimal() and sessions.end_one(user=self.request.user, session_id=int(chosen[:18]), **given):
            messages.info(self.request, _("That device is signed out."))
        return redirect("usersessions_list")


@login_required
@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """One action: every session of this person ends, this one too."""
    sessions.end_all(user=request.user, address=request.META.get("REMOTE_ADDR"), at=timezone.now())  # type: ignore[arg-type]
    logout(request)
    messages.info(request, _("You are signed out everywhere."))
    return redirect("account_login")
