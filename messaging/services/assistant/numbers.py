"""Which phones are a member's own: proved by sending a code from it that only he could read."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from core import audit
from core.actors import Actor
from core.encryption import blind_index
from core.errors import NotFound
from core.models import Membership
from core.roles import Capability, Reach
from crm.errors import PersonNeeded
from messaging.incoming import Sender
from messaging.models import AssistantLine, MemberNumber

CODE_LIVES = timedelta(minutes=15)


@transaction.atomic
def ask_code(*, actor: Actor, at: datetime) -> str:
    """A new code of eight digits for the member himself, to be sent from his phone. One that waited is void.

    Raises PersonNeeded, NotFound (there is no assistant here).
    """
    actor.require(Capability.CRM_READ)
    member = actor.membership
    if member is None or actor.token is not None:
        raise PersonNeeded("Only a member who is signed in connects a phone.")
    if not AssistantLine.objects.visible_to(actor).exists():
        raise NotFound("No number here has an assistant; ask an admin to open one.")
    Membership.objects.select_for_update(no_key=True).get(pk=member.pk)  # one code at a time
    MemberNumber.objects.visible_to(actor).filter(membership=member, verified_at__isnull=True).delete()
    code = f"{secrets.randbelow(10**8):08}"
    MemberNumber.objects.create(
        organization=actor.organization,
        membership=member,
        code_digest=blind_index(code),
        code_until=at + CODE_LIVES,
    )
    return code


@transaction.atomic
def forget_number(*, actor: Actor, number: MemberNumber, at: datetime) -> None:
    """This phone is answered no more. One's own; managers of agents take anybody's off."""
    found = MemberNumber.objects.visible_to(actor).select_for_update().filter(pk=number.pk).first()
    own = found is not None and actor.membership is not None and found.membership_id == actor.membership.pk
    if not own:
        actor.require(Capability.AGENTS_MANAGE)
    if found is None or not (own or actor.reach is Reach.ORGANIZATION):
        raise NotFound("There is no such phone here.")
    found.deleted_at = at
    found.save(update_fields=["deleted_at", "updated_at"])
    audit.record(
        actor=actor,
        action="messaging.member_number_forgotten",
        target=found,
        after={"member": found.membership_id},
        at=at,
    )


def member_of(*, actor: Actor, sender: Sender) -> Membership | None:
    """The active member whose phone this is, or nobody.

    A number may have got another owner: where both sides know a WhatsApp user id, it must be the same.
    """
    phone = f"+{sender.phone}" if sender.phone else ""
    known = MemberNumber.objects.for_organization(actor.organization).verified()
    mine = Q()
    if phone:
        mine |= Q(number=phone)
    if sender.user_id:
        mine |= Q(user_id=sender.user_id)
    if not mine:
        return None
    for each in known.filter(mine).select_related("membership__user", "membership__organization"):
        is_same = not (each.user_id and sender.user_id) or each.user_id == sender.user_id
        member: Membership = each.membership
        if is_same and member.suspended_at is None and member.user.is_active:
            return member
    return None


def connect(*, actor: Actor, sender: Sender, code: str, at: datetime) -> Membership | None:
    """The member who was given this code: this phone is his from now on. None when no such code waits."""
    waiting = MemberNumber.objects.for_organization(actor.organization).live().select_for_update(of=("self",))
    found: MemberNumber | None = (
        waiting.filter(code_digest=blind_index(code), code_until__gte=at).select_related("membership__user").first()
    )
    if found is None or found.membership.suspended_at is not None or not found.membership.user.is_active:
        return None
    phone = f"+{sender.phone}" if sender.phone else ""
    same = Q(number=phone) if phone else Q(user_id=sender.user_id)
    mine = MemberNumber.objects.for_organization(actor.organization).verified().filter(membership=found.membership)
    mine.filter(same).update(deleted_at=at)
    found.code_digest, found.code_until, found.verified_at = "", None, at
    found.number, found.user_id = phone, sender.user_id
    try:
        with transaction.atomic():
            found.save(update_fields=["code_digest", "code_until", "verified_at", "number", "user_id", "updated_at"])
    except IntegrityError:
        return None  # another member's phone: he gives it up first
    audit.record(
        actor=actor,
        action="messaging.member_number_verified",
        target=found,
        after={"member": found.membership_id},
        at=at,
    )
    member: Membership = found.membership
    return member
