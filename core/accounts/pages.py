"""One's own account beyond what allauth shows, and what a house asks of those who sign in."""

from __future__ import annotations

from typing import Any

from allauth.mfa.base.views import IndexView
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core import members
from core.accounts import factors, looking, rules, sessions
from core.actors import Actor
from core.doors import page
from core.errors import DomainError
from core.models import Membership
from core.models.organization import SecondStep
from core.roles import Capability


class Sessions(ListUserSessionsView):
    """allauth's list; a button beside each ends that one, the button below all others."""

    def form_valid(self, form: Any) -> HttpResponse:
        chosen = self.request.POST.get("session", "")
        if not chosen:
            answer: HttpResponse = super().form_valid(form)
            sessions.hang_up(self.request.user)
            return answer
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


class Security(IndexView):
    """allauth's page of second factors, with the houses that ask for one."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        if not factors.has_second_step(self.request.user):
            now = timezone.now()
            context["asking"] = [
                (house, house.second_step_from is None or house.second_step_from <= now)
                for house in rules.houses_that_ask(self.request.user)
            ]
        return context


@require_http_methods(["GET", "POST"])
@page(Capability.ORGANIZATION_MANAGE)
def sign_in_rules(request: HttpRequest) -> HttpResponse:
    """What this house asks of those who sign in, and who has a second step."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    refusal = None
    if request.method == "POST":
        idle = request.POST.get("idle_minutes", "").strip()
        try:
            rules.change(
                actor=actor, second_step=request.POST.get("second_step", ""), at=timezone.now(),
                grace_days=_number(request.POST.get("grace_days", "")), idle_minutes=_number(idle) if idle else None,
            )  # fmt: skip
        except DomainError as error:
            refusal = error
        else:
            messages.success(request, _("Saved. It holds from now on."))
            return redirect("sign-in-rules", actor.organization.slug)
    context = {
        "here": "sign-in-rules", "error": refusal, "choices": SecondStep.choices, "house": actor.organization,
        "members": rules.members_and_steps(actor.organization), "default_days": 7,
    }  # fmt: skip
    return render(request, "core/sign_in_rules.html", context, status=422 if refusal else 200)


@require_POST
@page(Capability.AGENTS_MANAGE)
def member_account(request: HttpRequest, membership_id: int) -> HttpResponse:
    """For whoever lost a phone: sign a member out everywhere, or take the second step away."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    member = get_object_or_404(Membership, organization=actor.organization, pk=membership_id)
    removing = request.POST.get("do") == "remove-second-step"
    service = members.remove_second_step if removing else members.sign_out_member
    try:
        service(actor=actor, membership=member, at=timezone.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Done: %(name)s was signed out of every device.") % {"name": member.user.name})
    back = "sign-in-rules" if actor.can(Capability.ORGANIZATION_MANAGE) else "profile"
    return redirect(back, actor.organization.slug)


@require_http_methods(["GET", "POST"])
@page(Capability.MEMBERS_MANAGE)
def look_as(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Ask why, then see the house as this member does, from its first page on."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    member = get_object_or_404(
        Membership.objects.active().select_related("user"), organization=actor.organization, pk=membership_id
    )
    refusal = None
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        try:
            looking.begin(actor=actor, membership=member, reason=reason, session=request.session, at=timezone.now())
        except DomainError as error:
            refusal = error
        else:
            return redirect("door", actor.organization.slug)
    context = {"here": "sign-in-rules", "member": member, "error": refusal, "minutes": looking.LASTS.seconds // 60}
    return render(request, "core/look_as.html", context, status=422 if refusal else 200)


@login_required
@require_POST
def looking_ended(request: HttpRequest) -> HttpResponse:
    """Back to one's own eyes."""
    house = looking.end(session=request.session, address=request.META.get("REMOTE_ADDR"), at=timezone.now())
    return redirect("door", house.slug) if house else redirect("/")


def _number(text: str) -> int:
    """What was typed, or -1, which no rule allows."""
    return int(text) if text.isdecimal() and len(text) < 6 else -1
