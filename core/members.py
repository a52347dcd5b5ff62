"""Closing the door on a member, and opening it again."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit, events
from core.accounts import letters, sessions
from core.actors import Actor
from core.errors import Conflict, NotAllowed, NotFound
from core.models import ApiToken, Membership, User
from core.roles import RANK, Capability, Role


class OwnMembership(NotAllowed):
    """Nobody closes the door on himself."""

    code = "own_membership"


class RankTooHigh(NotAllowed):
    """A manager suspends those who stand lower; for the others it takes an admin."""

    code = "rank_too_high"


class WorksElsewhere(NotAllowed):
    """An account that opens more than one house is changed by its owner alone."""

    code = "works_elsewhere"


class LastAdmin(Conflict):
    code = "last_admin"


@transaction.atomic
def suspend_member(*, actor: Actor, membership: Membership, reason: str, at: datetime) -> Membership:
    """From now on this member enters by no door: sessions and open pages end, tokens are revoked for good.

    Admins suspend everybody but themselves; managers (Capability.AGENTS_MANAGE) those who stand lower. Publishes
    MemberSuspended. Raises OwnMembership, RankTooHigh, LastAdmin, NotFound.
    """
    member = _governed(actor, membership)
    if actor.membership is not None and member.pk == actor.membership.pk:
        raise OwnMembership("You cannot suspend yourself; another admin does that.")
    if member.suspended_at is not None:
        return member
    member.suspended_at = at
    try:
        with transaction.atomic():
            member.save(update_fields=["suspended_at", "updated_at"])
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") != "core_membership_an_admin_remains":
            raise
        raise LastAdmin("This is the last admin here: make somebody else one first.") from None
    tokens = ApiToken.objects.filter(organization=actor.organization, membership=member, revoked_at__isnull=True)
    revoked = tokens.update(revoked_at=at)
    # Who also works in another house stays signed in there: this one is closed by the membership itself.
    if not Membership.objects.active().filter(user=member.user_id).exists():
        User.objects.filter(pk=member.user_id).update(sessions_ended_at=at)
    after = {"suspended_at": at.isoformat(), "reason": reason, "tokens_revoked": revoked}
    audit.record(actor=actor, action="core.member_suspended", target=member, after=after, at=at)
    events.publish(events.MemberSuspended(organization_id=actor.organization.pk, membership_id=member.pk))
    return member


@transaction.atomic
def reinstate_member(*, actor: Actor, membership: Membership, at: datetime) -> Membership:
    """The member may sign in again. Tokens stay revoked. Raises as suspend_member."""
    member = _governed(actor, membership)
    if member.suspended_at is None:
        return member
    before = {"suspended_at": member.suspended_at.isoformat()}
    member.suspended_at = None
    member.save(update_fields=["suspended_at", "updated_at"])
    audit.record(actor=actor, action="core.member_reinstated", target=member, before=before, at=at)
    return member


@transaction.atomic
def sign_out_member(*, actor: Actor, membership: Membership, at: datetime) -> Membership:
    """End every session of this member, in other houses too: signing in again is all it takes. Raises as suspend_member."""
    member = _governed(actor, membership)
    sessions.end_all(user=member.user, address=actor.address, at=at)
    audit.record(actor=actor, action="core.member_signed_out", target=member, at=at)
    return member


@transaction.atomic
def remove_second_step(*, actor: Actor, membership: Membership, at: datetime) -> Membership:
    """For whoever lost phone and recovery codes: the password alone opens again, until a new second step is set up.

    Sessions end, and the member is told by e-mail. Raises WorksElsewhere, as the account is another house's too, and
    as suspend_member.
    """
    member = _governed(actor, membership)
    if Membership.objects.active().filter(user=member.user_id).exclude(organization=actor.organization).exists():
        raise WorksElsewhere(_("This person also works in another organisation, whose door this would open too."))
    removed, _kinds = Authenticator.objects.filter(user=member.user_id).delete()
    if removed:
        sessions.end_all(user=member.user, address=actor.address, at=at)
        audit.record(actor=actor, action="core.second_step_removed", target=member, after={"factors": removed}, at=at)
        sentence = gettext_lazy("An admin of your office removed the second step of your account, as you asked.")
        letters.notice(member.user, sentence, address=actor.address or "", at=at)
    return member


def _governed(actor: Actor, membership: Membership) -> Membership:
    """The membership as it is now, held, if this actor may decide over it."""
    if not actor.can(Capability.MEMBERS_MANAGE):
        actor.require(Capability.AGENTS_MANAGE)
    members = Membership.objects.select_for_update(of=("self",), no_key=True).select_related("user")
    member = members.filter(organization=actor.organization, pk=membership.pk).first()
    if member is None:
        raise NotFound("There is no such member here.")
    own_role = Role(actor.membership.role) if actor.membership else Role.ADMIN
    if not actor.can(Capability.MEMBERS_MANAGE) and RANK[Role(member.role)] >= RANK[own_role]:
        raise RankTooHigh(f"Only an admin can do this to {member.user.name}.", role=member.role)
    return member
