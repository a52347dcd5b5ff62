"""Giving numbers to those who ask for them, or open a contact, or take a list; and keeping that they were given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core import audit
from core.actors import Actor
from core.errors import NotFound
from core.models import Membership
from core.models.exports import Export
from core.roles import Capability
from crm.errors import ContactHasNoNumber, DecidedByAnother, DisclosureLimit, ValueInvalid
from crm.models import Contact, ContactPoint, DisclosureAlert, ListDisclosure, OwnerDisclosure
from crm.models.contacts import PointKind
from crm.models.disclosures import Door
from crm.selectors.numbers import told_points
from crm.services.writing import person, single_spaced

LIMIT = 30
OPENED_LIMIT = 300
PERIOD = timedelta(hours=1)
NUMBERS = (PointKind.PHONE, PointKind.WHATSAPP, PointKind.EMAIL)
OPENED = "opened the contact"


def disclose_owner_number(
    *, actor: Actor, contact: Contact, reason: str, at: datetime, door: str = Door.PAGE
) -> list[ContactPoint]:
    """Show a member the numbers and addresses of a contact, primary ones first, and keep that they were shown.

    Lists and pages hide the middle of numbers; this is the way to one of them. It needs Capability.NUMBERS_ASK, a
    contact that the member sees, a reason (what was asked, or what for), and is done 30 times an hour at most: who reaches that
    is told to those who look after it. For a day afterwards pages show that member these numbers whole.

    Raises DisclosureLimit, ContactHasNoNumber, ValueInvalid (no reason), NotFound, PersonNeeded.
    """
    actor.require(Capability.NUMBERS_ASK)
    member = person(actor)
    why = single_spaced(reason)[:300]
    if not why:
        raise ValueInvalid("Say what you need the number for.", field="reason")
    if not Contact.objects.visible_to(actor).filter(pk=contact.pk).exists():
        raise NotFound("There is no such contact here.")
    try:
        with transaction.atomic():
            _require_room(actor, member, LIMIT, at, by_opening=False)
            points = _points(contact)
            if not points:
                raise ContactHasNoNumber(
                    f"No number or address of {contact.display_name} is known.", contact=contact.pk
                )
            _keep(actor, member, contact, points, why, door, at)
            return points
    except DisclosureLimit:
        _alert(actor, member, door, LIMIT, at)
        raise


def open_contact(*, actor: Actor, contact: Contact, at: datetime, door: str = Door.PAGE) -> None:
    """The page of a contact is opened: those with Capability.NUMBERS_READ see its numbers, which is kept once a day.

    300 contacts an hour; then the numbers stay hidden, and those who look after it are told. Others see nothing more.
    """
    member = actor.membership
    if member is None or not actor.can(Capability.NUMBERS_READ) or _told_lately(actor, contact, at):
        return
    try:
        with transaction.atomic():
            _require_room(actor, member, OPENED_LIMIT, at, by_opening=True)
            points = _points(contact)
            if points and not _told_lately(actor, contact, at):  # not by the other tab either
                _keep(actor, member, contact, points, OPENED, door, at, by_opening=True)
    except DisclosureLimit:
        _alert(actor, member, door, OPENED_LIMIT, at)


@transaction.atomic
def disclose_list(
    *, actor: Actor, listed: str, how_many: int, filters: Mapping[str, Any], door: str, file: str = "", at: datetime
) -> ListDisclosure | None:
    """A list with whole numbers is taken along, as a file or by an integration: one row says how many and which.

    Whoever builds an export calls this before the first line, with the number of numbers in it. Raises
    CapabilityMissing without Capability.NUMBERS_READ: then the export masks them (selectors.masked).
    """
    actor.require(Capability.NUMBERS_READ)
    if not how_many:
        return None
    taken = ListDisclosure.objects.create(
        organization=actor.organization,
        membership=person(actor),
        token=actor.token,
        listed=listed,
        how_many=how_many,
        filters=dict(filters),
        file=file[:200],
        door=Door(door),
        at=at,
    )
    after = {"disclosure": taken.pk, "list": listed, "numbers": how_many, "filters": taken.filters, "file": taken.file}
    audit.record(actor=actor, action="crm.numbers_listed", target=actor.organization, after=after, at=at)
    return taken


def numbers_taken(*, actor: Actor, export: Export, at: datetime) -> None:
    """A list of numbers was written into a file (core/exporting): keep how many it has. Rows of contacts have several
    or none, those of points may be of another kind, those of the do-not-contact list are one each."""
    how_many = export.row_count
    if export.list_name in {"crm.contact", "crm.contactpoint"}:
        points = ContactPoint.objects.for_organization(actor.organization).live().filter(kind__in=NUMBERS)
        by = "contact__in" if export.list_name == "crm.contact" else "pk__in"
        how_many = points.filter(**{by: export.ids}).count()
    disclose_list(
        actor=actor,
        listed=export.list_name,
        how_many=how_many,
        filters=export.filters,
        door=Door.EXPORT,
        file=export.file_hash,
        at=at,
    )


@transaction.atomic
def see_alert(*, actor: Actor, alert: DisclosureAlert, at: datetime) -> DisclosureAlert:
    """Somebody has looked into it: not the one it is about. Raises DecidedByAnother, NotFound."""
    actor.require(Capability.AUDIT_READ)
    member = person(actor)
    rows = DisclosureAlert.objects.visible_to(actor).select_for_update(of=("self",), no_key=True)
    found: DisclosureAlert | None = rows.filter(pk=alert.pk).first()
    if found is None:
        raise NotFound("There is no such alert here.")
    if found.membership_id == member.pk:
        raise DecidedByAnother("This is about you, so somebody else must look into it.")
    if found.seen_at is None:
        found.seen_by, found.seen_at = member, at
        found.save(update_fields=["seen_by", "seen_at", "updated_at"])
        audit.record(actor=actor, action="crm.disclosure_alert_seen", target=found, at=at)
    return found


def _require_room(actor: Actor, member: Membership, limit: int, at: datetime, *, by_opening: bool) -> None:
    """One request of a member at a time: thirty means thirty, also when they come at once. Raises DisclosureLimit."""
    Membership.objects.select_for_update(no_key=True).get(pk=member.pk)
    given = OwnerDisclosure.objects.for_organization(actor.organization).filter(
        membership=member, at__gt=at - PERIOD, by_opening=by_opening
    )
    if given.count() >= limit:
        raise DisclosureLimit(f"You were shown {limit} contacts' numbers within an hour; ask again later.", limit=limit)


def _points(contact: Contact) -> list[ContactPoint]:
    return list(contact.points.live().filter(kind__in=NUMBERS).order_by("-is_primary", "pk"))


def _told_lately(actor: Actor, contact: Contact, at: datetime) -> bool:
    """Whether all that is known of the contact was shown to the member during the last day."""
    told = told_points(actor, [contact.pk], at)
    return bool(told) and told.issuperset(point.pk for point in _points(contact))


def _keep(
    actor: Actor,
    member: Membership,
    contact: Contact,
    points: list[ContactPoint],
    reason: str,
    door: str,
    at: datetime,
    *,
    by_opening: bool = False,
) -> None:
    disclosure = OwnerDisclosure.objects.create(
        organization=actor.organization,
        membership=member,
        contact=contact,
        points=[point.pk for point in points],
        reason=reason,
        door=Door(door),
        by_opening=by_opening,
        at=at,
    )
    audit.record(
        actor=actor,
        action="crm.number_disclosed",
        target=contact,
        after={"disclosure": disclosure.pk, "points": disclosure.points, "reason": reason, "door": disclosure.door},
        at=at,
    )


@transaction.atomic
def _alert(actor: Actor, member: Membership, door: str, limit: int, at: datetime) -> None:
    """In a transaction of its own: the refusal undoes everything else, and must not undo that somebody is told."""
    alert, is_new = DisclosureAlert.objects.get_or_create(
        organization=actor.organization,
        membership=member,
        hour=at.replace(minute=0, second=0, microsecond=0),
        defaults={"door": Door(door), "limit": limit},
    )
    if is_new:
        after = {"limit": limit, "door": alert.door}
        audit.record(actor=actor, action="crm.disclosure_limit_reached", target=alert, after=after, at=at)
