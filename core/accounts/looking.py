"""Seeing the house as one of its members does, to help: named, timed, told, and nothing can be changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.db import InternalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg.errors import ReadOnlySqlTransaction

from core import audit
from core.accounts import letters
from core.actors import Actor
from core.errors import Invalid, NotAllowed, NotFound
from core.models import Membership, Organization
from core.roles import RANK, Capability, Role
from core.tenancy import organization_scope

KEY = "looking_as"  # in the session
LASTS = timedelta(minutes=30)
REASON_LENGTH = 300
READING = {"GET", "HEAD", "OPTIONS"}


class NotWhileLooking(NotAllowed):
    """Whoever looks through another's eyes acts in nobody's name."""

    code = "not_while_looking"


class ReasonMissing(Invalid):
    code = "reason_missing"


@transaction.atomic
def begin(*, actor: Actor, membership: Membership, reason: str, session: SessionBase, at: datetime) -> datetime:
    """From the next page on, this session sees what that member sees. Returns when it ends by itself.

    For those who manage members, over those who stand lower: an admin does not look as another admin, whose second
    person he would else become. The trail keeps it, and the member is told by e-mail.
    Raises CapabilityMissing, NotAllowed, NotFound, ReasonMissing.
    """
    actor.require(Capability.MEMBERS_MANAGE)
    member = _below(actor, membership.pk)
    if member is None:
        raise NotFound(_("There is no such member here, or the member is suspended or stands as high as you do."))
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH or "\0" in reason:
        raise ReasonMissing(_("Say why, in at most 300 characters: the trail keeps it."), field="reason")
    until = at + LASTS
    looker = actor.membership.pk if actor.membership else None
    session[KEY] = {
        "house": actor.organization.pk, "looker": looker, "member": member.pk, "until": until.isoformat(),
    }  # fmt: skip
    after = {"reason": reason, "until": until.isoformat()}
    audit.record(actor=actor, action="core.looked_as_member", target=member, after=after, at=at)
    sentence = gettext_lazy("Somebody of your office who manages members looked at Majlis as you see it, to help.")
    letters.notice(member.user, sentence, address=actor.address or "", at=at)
    return until


def end(*, session: SessionBase, address: str | None, at: datetime) -> Organization | None:
    """See with one's own eyes again. Harmless when nobody looks. Returns the house that was looked at."""
    kept = session.pop(KEY, None)
    if kept is None:
        return None
    house = Organization.objects.get(pk=kept["house"])
    with organization_scope(house.pk):
        members = Membership.objects.select_related("user").filter(organization=house)
        actor = Actor(house, members.get(pk=kept["looker"]), address=address)
        audit.record(actor=actor, action="core.stopped_looking", target=members.get(pk=kept["member"]), at=at)
    return house


class LookingAs:
    """Middleware, after the rules of signing in: gives the request the eyes of the member who is looked as.

    Two walls stand before a change: only reading verbs come through, and PostgreSQL is told that this transaction
    writes nothing. The API always speaks to whoever signed in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        looked_as = _looked_as(request)
        if looked_as is None:
            return self.get_response(request)
        request.actor = looked_as  # type: ignore[attr-defined]
        if request.method not in READING:
            return _refused(request)
        request.wrote = False  # type: ignore[attr-defined]
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            response = self.get_response(request)
            transaction.set_rollback(True)  # there is nothing to keep, and the connection may write again
        return _refused(request) if request.wrote else response  # type: ignore[attr-defined]

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception.__cause__, ReadOnlySqlTransaction) or not isinstance(exception, InternalError):
            return None
        request.wrote = True  # type: ignore[attr-defined]
        return HttpResponse()  # said in words when the broken transaction is over


def _looked_as(request: HttpRequest) -> Actor | None:
    """The member whose eyes this request has; None too when the time is over or the right to look is gone."""
    actor: Actor | None = getattr(request, "actor", None)
    kept = request.session.get(KEY)
    if kept is None or actor is None or kept["house"] != actor.organization.pk or not request.path.startswith("/o/"):
        return None
    over = timezone.now() >= datetime.fromisoformat(kept["until"])
    member = _below(actor, kept["member"]) if not over and actor.can(Capability.MEMBERS_MANAGE) else None
    if member is None:
        del request.session[KEY]
        return None
    return Actor(actor.organization, member, address=actor.address, looker=actor.membership)


def _below(actor: Actor, membership_id: int) -> Membership | None:
    own = RANK[Role(actor.membership.role)] if actor.membership else 0
    lower = [role for role, rank in RANK.items() if rank < own]
    members = Membership.objects.active().select_related("user").filter(organization=actor.organization)
    return members.filter(pk=membership_id, role__in=lower).first()


def _refused(request: HttpRequest) -> HttpResponse:
    name = request.actor.user.name  # type: ignore[attr-defined]
    error = NotWhileLooking(
        _("You are looking as %(name)s: nothing can be changed. Stop looking first.") % {"name": name}
    )
    return render(request, "core/refusal.html", {"error": error, "status": 403}, status=403)
