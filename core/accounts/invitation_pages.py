"""Whom we asked in, and the page that the link in the letter opens."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.decorators import rate_limit
from django.contrib import messages
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from core.accounts import invitations
from core.accounts.invitations import InvitationClosed
from core.actors import Actor
from core.doors import page
from core.errors import DomainError
from core.models import Invitation, User
from core.roles import Capability

SHOWN = 100
STATES = ["open", "accepted", "expired", "revoked"]


@require_http_methods(["GET", "POST"])
@page(Capability.AGENTS_MANAGE)
def invitation_list(request: HttpRequest) -> HttpResponse:
    """The latest hundred, and a form to ask one more in. Older ones are in the back office."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    now, refusal = timezone.now(), None
    given = {name: request.POST.get(name, "") for name in ("email", "name", "role")}
    if request.method == "POST":
        language = request.POST.get("language") or get_language() or "en"
        try:
            made = invitations.invite(actor=actor, **given, language=language[:2], at=now)
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, _("An invitation is on its way to %(email)s.") % {"email": made.email})
            return redirect("invitations", actor.organization.slug)
    search, state = request.GET.get("q", "").strip()[:254], request.GET.get("state", "")
    rows = Invitation.objects.visible_to(actor).select_related("invited_by__user").order_by("-pk")
    if search:
        rows = rows.filter(Q(email__icontains=search) | Q(name__icontains=search))
    if state in STATES:
        rows = rows.filter(**_of_state(state, now))
    context = {
        "here": "invitations", "rows": [(row, row.state(now)) for row in rows[:SHOWN]], "states": STATES,
        "state": state, "search": search, "roles": invitations.roles_to_give(actor), "given": given, "error": refusal,
    }  # fmt: skip
    return render(request, "core/invitations.html", context, status=422 if refusal else 200)


@require_POST
@page(Capability.AGENTS_MANAGE)
def invitation_revoked(request: HttpRequest, invitation_id: int) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    invitation = get_object_or_404(Invitation.objects.visible_to(actor), pk=invitation_id)
    try:
        invitations.revoke(actor=actor, invitation=invitation, at=timezone.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The link in it works no longer."))
    return redirect("invitations", actor.organization.slug)


@never_cache
@rate_limit(action="signup")  # type: ignore[untyped-decorator]
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, organization: str, token: str) -> HttpResponseBase:
    """Open to whoever has the link: somebody new chooses a password, a user of ours signs in and says yes."""
    house, now = request.organization, timezone.now()  # type: ignore[attr-defined]
    try:
        found = invitations.open_by(organization=house, token=token, at=now)
    except InvitationClosed as error:
        return render(request, "core/invitation_closed.html", {"error": error}, status=404)
    known = User.objects.filter(email=found.email).exists()
    signed_in = request.user if request.user.is_authenticated else None
    context: dict[str, Any] = {
        "invitation": found, "known": known, "house": house,
        "other": signed_in is not None and signed_in.email != found.email,
        "name": request.POST.get("name", found.name), "errors": [],
    }  # fmt: skip
    if request.method == "GET" or context["other"] or (known and signed_in is None):
        return render(request, "core/invitation.html", context)
    address = request.META.get("REMOTE_ADDR")
    if known:
        joined: dict[str, Any] = {"user": signed_in}
    else:
        password, name = request.POST.get("password1", ""), " ".join(context["name"].split())[:150]
        context["errors"] = _faults(found, name, password, request.POST.get("password2", ""))
        joined = {"name": name, "password": password}
    if context["errors"]:
        return render(request, "core/invitation.html", context, status=422)
    try:
        member = invitations.accept(organization=house, token=token, at=now, address=address, **joined)
    except DomainError as error:
        return render(request, "core/invitation_closed.html", {"error": error}, status=409)
    if not known:
        perform_password_login(request, {"email": found.email}, Login(user=member.user))
    return redirect("door", house.slug)


def _faults(found: Invitation, name: str, password: str, again: str) -> list[str]:
    if not name:
        return [_("Type your name.")]
    if password != again:
        return [_("The two passwords are not the same.")]
    try:
        validate_password(password, User(email=found.email, name=name))
    except ValidationError as error:
        return list(error.messages)
    return []


def _of_state(state: str, now: Any) -> dict[str, Any]:
    waiting = {"accepted_at__isnull": True, "revoked_at__isnull": True}
    return {
        "open": {**waiting, "expires_at__gt": now},
        "expired": {**waiting, "expires_at__lte": now},
        "accepted": {"accepted_at__isnull": False},
        "revoked": {"revoked_at__isnull": False},
    }[state]
