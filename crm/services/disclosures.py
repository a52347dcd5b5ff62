"""Giving an owner's number to the one who asks for it, and keeping that it was given."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from core import audit
from core.actors import Actor
from core.errors import NotFound
from core.models import Membership
from core.roles import Capability
from crm.errors import ContactHasNoNumber, DisclosureLimit, ValueInvalid
from crm.models import Contact, ContactPoint, OwnerDisclosure
from crm.models.contacts import PointKind
from crm.models.disclosures import Door
from crm.services.writing import person, single_spaced

LIMIT = 30
PERIOD = timedelta(hours=1)
NUMBERS = (PointKind.PHONE, PointKind.WHATSAPP, PointKind.EMAIL)


@transaction.atomic
def disclose_owner_number(
    *, actor: Actor, contact: Contact, reason: str, at: datetime, door: str = Door.PAGE
) -> list[ContactPoint]:
    """Show a member the numbers and addresses of a contact, primary ones first, and keep that they were shown.

    Lists, pages and the API hide the middle of numbers from agents and supervisors (selectors.reads_numbers); this is
    the way to one of them. It needs Capability.CRM_READ, a contact that the member sees, a reason (what was asked, or
    what for), and is done 30 times an hour at most. For a day afterwards pages show that member these numbers whole.

    Raises DisclosureLimit, ContactHasNoNumber, ValueInvalid (no reason), NotFound, PersonNeeded.
    """
    actor.require(Capability.CRM_READ)
    member = person(actor)
    why = single_spaced(reason)[:300]
    if not why:
        raise ValueInvalid("Say what you need the number for.", field="reason")
    if not Contact.objects.visible_to(actor).filter(pk=contact.pk).exists():
        raise NotFound("There is no such contact here.")
    # One request of a member at a time: thirty means thirty, also when they come at once.
    Membership.objects.select_for_update(no_key=True).get(pk=member.pk)
    asked = OwnerDisclosure.objects.for_organization(actor.organization).filter(membership=member, at__gt=at - PERIOD)
    if asked.count() >= LIMIT:
        raise DisclosureLimit(f"You were shown {LIMIT} contacts' numbers within an hour; ask again later.", limit=LIMIT)
    points = list(contact.points.live().filter(kind__in=NUMBERS).order_by("-is_primary", "pk"))
    if not points:
        raise ContactHasNoNumber(f"No number or address of {contact.display_name} is known.", contact=contact.pk)
    disclosure = OwnerDisclosure.objects.create(
        organization=actor.organization,
        membership=member,
        contact=contact,
        points=[point.pk for point in points],
        reason=why,
        door=Door(door),
        at=at,
    )
    audit.record(
        actor=actor,
        action="crm.number_disclosed",
        target=contact,
        after={"disclosure": disclosure.pk, "points": disclosure.points, "reason": why, "door": disclosure.door},
        at=at,
    )
    return points
