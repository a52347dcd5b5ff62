"""Asking people in: by e-mail, with a role, by a link that works once, for a week."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from core import audit
from core.accounts import letters
from core.actors import Actor
from core.errors import CapabilityMissing, Conflict, Invalid, NotAllowed, NotFound
from core.models import Invitation, Membership, Organization, User
from core.roles import RANK, Capability, Role
from core.services import digest

DAYS = 7
MAKERS = {Capability.MEMBERS_MANAGE.value, Capability.AGENTS_MANAGE.value}
A_DAY_AT_MOST = 100  # what goes out in our name to addresses that anybody may type


class RoleTooHigh(NotAllowed):
    """A manager asks in those who will stand lower; for the others it takes an admin."""

    code = "role_too_high"


class InvitationInvalid(Invalid):
    code = "invitation_invalid"


class AlreadyMember(Conflict):
    code = "already_member"


class TooManyInvitations(Conflict):
    code = "too_many_invitations"


class InvitationClosed(NotFound):
    """Used, revoked, too old, or never there: which, is told to nobody."""

    code = "invitation_closed"


def roles_to_give(actor: Actor) -> list[Role]:
    """The roles that this one may give, the highest first. None without the right to ask people in."""
    if actor.can(Capability.MEMBERS_MANAGE):
        found = list(Role)
    elif actor.can(Capability.AGENTS_MANAGE) and actor.membership is not None:
        found = [role for role in Role if RANK[role] < RANK[Role(actor.membership.role)]]
    else:
        found = []
    return sorted(found, key=lambda role: -RANK[role])


@transaction.atomic
def invite(*, actor: Actor, email: str, name: str, role: str, language: str, at: datetime) -> Invitation:
    """Send a link to that address. Whoever was invited before gets a new one, and the old one stops to work.

    Says nothing of whether the address has an account in another house. Raises RoleTooHigh, InvitationInvalid,
    AlreadyMember (here), TooManyInvitations.
    """
    if actor.membership is None or not roles_to_give(actor):
        raise CapabilityMissing(_("Only an admin or a manager of this organisation asks people in."))
    if actor.token is not None and not MAKERS & set(actor.token.scopes):
        raise CapabilityMissing(_("A token asks people in only when its scopes name agents.manage."))
    email, name = email.strip().lower(), " ".join(name.split())
    _check(actor, email, name, role)
    Organization.objects.select_for_update(no_key=True).get(pk=actor.organization.pk)  # one at a time, for the count
    mine = Invitation.objects.for_organization(actor.organization)
    if mine.filter(created_at__gt=at - timedelta(days=1)).count() >= A_DAY_AT_MOST:
        raise TooManyInvitations(_("A hundred invitations were sent within a day. Go on tomorrow."))
    mine.filter(email=email, accepted_at__isnull=True, revoked_at__isnull=True).update(revoked_at=at)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organization=actor.organization, email=email, name=name, role=role, language=language,
        invited_by=actor.membership, digest=digest(token), expires_at=at + timedelta(days=DAYS),
    )  # fmt: skip
    path = reverse("invitation", args=[actor.organization.slug, token])
    by = actor.user.name if actor.user else actor.organization.name
    letters.post(
        to=email, language=language, template="invitation", at=at, invitation=invitation, path=path, by=by, days=DAYS,
        organization=actor.organization,
    )  # fmt: skip
    audit.record(actor=actor, action="core.invitation_sent", target=invitation, after=_shown(invitation), at=at)
    return invitation


@transaction.atomic
def revoke(*, actor: Actor, invitation: Invitation, at: datetime) -> Invitation:
    """The link works no longer. Harmless when it had ended. Raises RoleTooHigh, NotFound."""
    if not roles_to_give(actor):
        actor.require(Capability.AGENTS_MANAGE)
    rows = Invitation.objects.visible_to(actor).select_for_update(no_key=True, of=("self",))
    found: Invitation | None = rows.filter(pk=invitation.pk).first()
    if found is None:
        raise NotFound(_("There is no such invitation here."))
    if Role(found.role) not in roles_to_give(actor):
        raise RoleTooHigh(_("Only an admin decides over this role."), role=found.role)
    if found.accepted_at is None and found.revoked_at is None:
        found.revoked_at = at
        found.save(update_fields=["revoked_at", "updated_at"])
        audit.record(actor=actor, action="core.invitation_revoked", target=found, before=_shown(found), at=at)
    return found


def open_by(*, organization: Organization, token: str, at: datetime) -> Invitation:
    """The invitation behind a link. Raises InvitationClosed, also when whoever sent it may no longer give that role."""
    invitation: Invitation | None = (
        Invitation.objects.for_organization(organization)
        .open(at)
        .select_related("invited_by__user")
        .filter(digest=digest(token))
        .first()
    )
    inviter = None if invitation is None or invitation.invited_by.suspended_at else invitation.invited_by
    if (
        invitation is None
        or inviter is None
        or Role(invitation.role) not in roles_to_give(Actor(organization, inviter))
    ):
        raise InvitationClosed(_("This invitation no longer works. Ask for a new one."))
    return invitation


@transaction.atomic
def accept(
    *, organization: Organization, token: str, at: datetime, user: User | None = None, name: str = "",
    password: str | None = None, address: str | None = None,
) -> Membership:  # fmt: skip
    """Become a member: as the user who is signed in and has that e-mail, or as somebody new, with a password.

    The caller has checked the password. Of two at once one wins. Raises InvitationClosed, AlreadyMember.
    """
    invitation = open_by(organization=organization, token=token, at=at)
    try:
        with transaction.atomic():
            if user is None:
                user = User.objects.create_user(
                    invitation.email, password, name=name or invitation.name, language=invitation.language
                )
            elif user.email != invitation.email:
                raise InvitationClosed(_("This invitation is for somebody else. Sign out, and open the link again."))
            membership = Membership.objects.create(organization=organization, user=user, role=invitation.role)
    except IntegrityError:
        raise AlreadyMember(_("You have an account already: sign in, and open the link again.")) from None
    still = Invitation.objects.for_organization(organization).open(at).filter(pk=invitation.pk)
    if not still.update(accepted_at=at, membership=membership):
        raise InvitationClosed(_("This invitation no longer works. Ask for a new one."))
    actor = Actor(organization, membership, address=address)
    after = {"role": membership.role, "user": user.pk, "invited_by": invitation.invited_by_id}
    audit.record(actor=actor, action="core.invitation_accepted", target=invitation, after=after, at=at)
    audit.record(actor=actor, action="core.member_added", target=membership, after=after, at=at)
    return membership


def _check(actor: Actor, email: str, name: str, role: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise InvitationInvalid(_("Type a whole e-mail address, such as name@office.ae."), field="email") from None
    if not name or len(name) > 150:
        raise InvitationInvalid(_("Type the name, of at most 150 letters."), field="name")
    if role not in Role.values:
        raise InvitationInvalid(_("Choose a role."), field="role")
    if Role(role) not in roles_to_give(actor):
        raise RoleTooHigh(_("Only an admin decides over this role."), role=role)
    here = Membership.objects.filter(organization=actor.organization, user__email=email).first()
    if here is not None and here.suspended_at is not None:
        raise AlreadyMember(_("This person was suspended here. Let them in again instead of inviting them."))
    if here is not None:
        raise AlreadyMember(_("This person is a member here already."))


def _shown(invitation: Invitation) -> dict[str, str]:
    return {"email": invitation.email, "role": invitation.role}
