"""Who owns a unit, with what share, since when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from core import audit, events
from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from crm.errors import SharesExceedWhole, ValueInvalid
from crm.events import OwnershipChanged
from crm.models import Contact, Ownership, Property
from crm.models.stock import SHARES_AT_MOST_WHOLE
from crm.services.writing import locked, refusals

WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Share:
    """One owner. The share is in basis points (5,000 is half), None when it is not known."""

    contact: Contact
    basis_points: int | None = None
    is_primary: bool = False


@transaction.atomic
def set_owners(
    *, actor: Actor, property: Property, owners: Sequence[Share], since: date | None = None, at: datetime
) -> list[Ownership]:
    """Say who owns the unit from `since` on (today in the organisation's zone). Returns them, the primary one first.

    History is kept: who is not named any more, or has another share, has owned until that day. A share that was not
    known is filled in. With no primary owner named it is the largest share, or the first. An empty list means that
    nobody is known. Raises SharesExceedWhole, ValueInvalid, NotFound (a unit or contact that the actor does not see).
    """
    actor.require(Capability.STOCK_WRITE)
    unit = locked(Property.objects.visible_to(actor), property, "unit")
    day = since or at.astimezone(ZoneInfo(actor.organization.time_zone)).date()
    wanted = _checked(actor, owners)
    present: dict[int, Ownership] = {each.contact_id: each for each in unit.ownerships.current()}
    before = _told(present.values())
    with refusals():
        _end(present, wanted, day)
        _begin(actor, unit, present, wanted, day)
        with connection.cursor() as cursor:
            name = SHARES_AT_MOST_WHOLE.get_pgid(Ownership())
            cursor.execute(f'SET CONSTRAINTS "{name}" IMMEDIATE')
            cursor.execute(f'SET CONSTRAINTS "{name}" DEFERRED')
    owned = list(unit.ownerships.current().select_related("contact").order_by("-is_primary", "pk"))
    after = _told(owned)
    if after != before:
        audit.record(
            actor=actor,
            action="crm.owners_changed",
            target=unit,
            before={"owners": before},
            after={"owners": after, "since": str(day)},
            at=at,
        )
        events.publish(OwnershipChanged(organization_id=actor.organization.pk, property_id=unit.pk))
    return owned


def _checked(actor: Actor, owners: Sequence[Share]) -> dict[int, Share]:
    wanted = {owner.contact.pk: owner for owner in owners}
    if len(wanted) != len(owners):
        raise ValueInvalid("Name each owner once.", field="owners")
    shares = [owner.basis_points for owner in owners if owner.basis_points is not None]
    if any(not 0 < share <= WHOLE for share in shares):
        raise ValueInvalid("A share is between 1 and 10,000 basis points.", field="share_basis_points")
    if sum(shares) > WHOLE:
        raise SharesExceedWhole(f"These shares sum to {sum(shares) / 100:g} %; 100 % is the whole.", sum=sum(shares))
    if sum(owner.is_primary for owner in owners) > 1:
        raise ValueInvalid("One owner is the primary one.", field="is_primary")
    if Contact.objects.visible_to(actor).filter(pk__in=wanted).count() != len(wanted):
        raise NotFound("There is no such contact here.")
    if owners and not any(owner.is_primary for owner in owners):
        first = max(owners, key=lambda owner: owner.basis_points or 0)
        wanted[first.contact.pk] = Share(first.contact, first.basis_points, is_primary=True)
    return wanted


def _end(present: dict[int, Ownership], wanted: dict[int, Share], day: date) -> None:
    """Former owners leave first, so that the unit has one primary owner at every instant."""
    for contact_id, ownership in list(present.items()):
        owner = wanted.get(contact_id)
        known = ownership.share_basis_points
        if owner is None or (known is not None and known != owner.basis_points):
            ownership.until = day
            ownership.save(update_fields=["until", "updated_at"])
            del present[contact_id]
        elif ownership.is_primary and not owner.is_primary:
            ownership.is_primary = False
            ownership.save(update_fields=["is_primary", "updated_at"])


def _begin(actor: Actor, unit: Property, present: dict[int, Ownership], wanted: dict[int, Share], day: date) -> None:
    for contact_id, owner in wanted.items():
        ownership = present.get(contact_id)
        if ownership is None:
            Ownership.objects.create(
                organization=actor.organization,
                property=unit,
                contact=owner.contact,
                share_basis_points=owner.basis_points,
                is_primary=owner.is_primary,
                since=day,
            )
        elif (ownership.share_basis_points, ownership.is_primary) != (owner.basis_points, owner.is_primary):
            ownership.share_basis_points, ownership.is_primary = owner.basis_points, owner.is_primary
            ownership.save(update_fields=["share_basis_points", "is_primary", "updated_at"])


def _told(ownerships: Iterable[Ownership]) -> list[dict[str, object]]:
    return [
        {"contact": each.contact_id, "share_basis_points": each.share_basis_points, "is_primary": each.is_primary}
        for each in sorted(ownerships, key=lambda each: int(each.contact_id))
    ]
