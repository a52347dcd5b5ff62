"""What a house asks of those who sign in: a second step, and not to leave a screen open for long."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from core import audit
from core.accounts import letters, trail
from core.accounts.factors import STEPS, SecondFactorRequired, has_second_step
from core.actors import Actor
from core.errors import Invalid
from core.models import Membership, Organization, User
from core.models.organization import SecondStep
from core.roles import CAPABILITIES, Capability, Role

SET_UP = "/me/security/"  # not reversed: in the back office every name stands below the organisation
SEEN = "seen_at"  # in the session: when something was done with it, in seconds since 1970
PRECISION = 60  # to note it at every request would make every read a write
IDLE_MINUTES = range(5, 24 * 60 + 1)
GRACE_DAYS = range(31)


class RuleInvalid(Invalid):
    code = "sign_in_rule_invalid"


class SignInRules:
    """Middleware, after the organisation is known: ends sessions that nobody used, and leads to the second step.

    It also keeps "last used" of the list of sessions.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            if _idle_too_long(request):
                _end(request)
                if not request.path.startswith("/api/"):
                    messages.info(request, _("You were signed out, as nothing was done here for a while."))
                    return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
            else:
                _note_use(request)
        actor: Actor | None = getattr(request, "actor", None)
        if actor is not None and request.path.startswith("/o/") and must_set_up(actor, timezone.now()):
            return redirect(SET_UP)
        return self.get_response(request)


def begin(*, request: HttpRequest, **_: object) -> None:
    """A session starts to count when somebody signs in."""
    request.session[SEEN] = int(time.time())


def is_asked(actor: Actor) -> bool:
    """Whether this house asks a second step of this member, now or soon."""
    wanted = actor.organization.second_step
    if actor.membership is None or wanted == SecondStep.OFF:
        return False
    return wanted == SecondStep.EVERYBODY or Capability.BACK_OFFICE in CAPABILITIES[Role(actor.membership.role)]


def must_set_up(actor: Actor, at: datetime) -> bool:
    """Whether this member comes no further without setting up a second step. A query only where the house asks for one."""
    if actor.user is None or not is_asked(actor):
        return False
    since = actor.organization.second_step_from
    return (since is None or since <= at) and not has_second_step(actor.user)


def require_second_step(actor: Actor, at: datetime) -> None:
    """For doors that cannot lead anybody to the page where it is set up. Raises SecondFactorRequired."""
    if must_set_up(actor, at):
        raise SecondFactorRequired(
            _("%(house)s asks for a second step: set it up in the browser, under Me, Signing in and devices.")
            % {"house": actor.organization.name}
        )


def houses_that_ask(user: User) -> list[Organization]:
    """Those that let this person in only with a second step, now or from a day on."""
    memberships = Membership.objects.active().filter(user=user).select_related("organization", "user")
    return [each.organization for each in memberships if is_asked(Actor(each.organization, each))]


def reminders(user: User, at: datetime) -> list[tuple[Organization, datetime]]:
    """The houses that will ask this person for a second step that is not there yet, and from when."""
    asking = [(house, house.second_step_from) for house in houses_that_ask(user)]
    soon = [(house, day) for house, day in asking if day is not None and day > at]
    return [] if not soon or has_second_step(user) else soon


@transaction.atomic
def change(*, actor: Actor, second_step: str, grace_days: int, idle_minutes: int | None, at: datetime) -> Organization:
    """Set the rules of this house. Whoever has no second step and will need one is told by a letter, with the day.

    Raises CapabilityMissing, RuleInvalid.
    """
    actor.require(Capability.ORGANIZATION_MANAGE)
    if second_step not in SecondStep.values:
        raise RuleInvalid(_("Choose of whom a second step is asked."), field="second_step")
    if grace_days not in GRACE_DAYS:
        raise RuleInvalid(_("Give people between 0 and 30 days."), field="grace_days")
    if idle_minutes is not None and idle_minutes not in IDLE_MINUTES:
        raise RuleInvalid(_("Between 5 minutes and 24 hours, or never."), field="idle_minutes")
    house = Organization.objects.select_for_update(no_key=True).get(pk=actor.organization.pk)
    before = _shown(house)
    if second_step != house.second_step:  # the days are counted from when it was asked, not from the last look at this
        house.second_step_from = None if second_step == SecondStep.OFF else at + timedelta(days=grace_days)
    house.second_step, house.idle_minutes = second_step, idle_minutes
    after = _shown(house)
    if after == before:
        return house
    house.save(update_fields=["second_step", "second_step_from", "idle_minutes", "updated_at"])
    audit.record(actor=actor, action="core.sign_in_rules_changed", target=house, before=before, after=after, at=at)
    if after["second_step"] not in {before["second_step"], SecondStep.OFF}:
        _tell(house, at)
    return house


def members_and_steps(organization: Organization) -> list[tuple[Membership, bool]]:
    """Every active member, and whether there is a second step. Two queries."""
    members = list(
        Membership.objects.active()
        .filter(organization=organization)
        .select_related("user")
        .order_by("user__name", "pk")
    )
    having = set(
        Authenticator.objects.filter(user__in=[m.user_id for m in members], type__in=STEPS).values_list(
            "user_id", flat=True
        )
    )
    return [(member, member.user_id in having) for member in members]


def _tell(house: Organization, at: datetime) -> None:
    for member, has_step in members_and_steps(house):
        if not has_step and is_asked(Actor(house, member)):
            letters.post(
                to=member.user.email, language=member.user.language, template="second_step", at=at, user=member.user,
                organization=house, since=house.second_step_from,
            )  # fmt: skip


def _shown(house: Organization) -> dict[str, object]:
    since = house.second_step_from
    return {
        "second_step": house.second_step,
        "second_step_from": since.isoformat() if since else None,
        "idle_minutes": house.idle_minutes,
    }


def _idle_too_long(request: HttpRequest) -> bool:
    """By the rule of the house that is entered; elsewhere by the strictest of this person's houses."""
    seen = request.session.get(SEEN)
    if seen is None or time.time() - seen < IDLE_MINUTES.start * 60:
        return False
    house: Organization | None = getattr(request, "organization", None)
    if house is not None:
        minutes = house.idle_minutes
    else:
        mine = Membership.objects.active().filter(user=request.user)  # type: ignore[misc]
        minutes = mine.aggregate(least=Min("organization__idle_minutes"))["least"]
    return minutes is not None and time.time() - seen > minutes * 60


def _note_use(request: HttpRequest) -> None:
    now = int(time.time())
    if SEEN in request.session and (now - request.session[SEEN] < PRECISION or not _is_somebody(request)):
        return
    request.session[SEEN] = now
    known = UserSession.objects.filter(session_key=request.session.session_key)
    known.update(last_seen_at=timezone.now(), ip=request.META.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104 - unknown


def _is_somebody(request: HttpRequest) -> bool:
    """Whether a person did this, and not a page that looks for news by itself."""
    if request.method != "GET":
        return True
    boosted = request.headers.get("HX-Boosted") == "true"
    by_script = (
        request.headers.get("HX-Request") == "true" or request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    )
    return boosted or not by_script


def _end(request: HttpRequest) -> None:
    user: User = request.user  # type: ignore[assignment]
    trail.note(user, "core.signed_out_idle", address=request.META.get("REMOTE_ADDR"), at=timezone.now())
    request.session.flush()
    request.user = AnonymousUser()
    request.actor = None  # type: ignore[attr-defined]
