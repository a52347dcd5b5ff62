"""The organisation's list of numbers and addresses that nobody writes to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from core import audit
from core.actors import Actor
from core.errors import NotFound
from core.phones import read_cell
from core.roles import Capability
from crm.errors import ValueInvalid
from crm.models import ContactPoint, DoNotContact
from crm.models.contacts import PointStatus
from crm.models.do_not_contact import LISTED
from crm.services.writing import person, single_spaced

MOST_LINES = 50_000
_BETWEEN = re.compile(r"[,;\t]")


@dataclass(frozen=True, slots=True)
class Listing:
    """What became of a text: new on the list, there already, points of contacts marked, and lines that say nothing."""

    added: int
    known: int
    marked: int
    unread: list[str] = field(default_factory=list)


@transaction.atomic
def list_do_not_contact(*, actor: Actor, text: str, reason: str, source: str = "", at: datetime) -> Listing:
    """Put every number and e-mail address of a text on the list: one a line, or a column of a file among others.

    Whoever has one of them is marked at once, and so is whoever comes later (a trigger). Raises ValueInvalid (no
    reason, nothing to read, more than 50,000 lines).
    """
    actor.require(Capability.STOCK_WRITE)
    member, why = person(actor), single_spaced(reason)[:300]
    if not why:
        raise ValueInvalid("Say why nobody is to write there.", field="reason")
    lines = [line for line in text.replace("\x00", "").lstrip("\ufeff").splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        raise ValueInvalid(f"At most {MOST_LINES:,} lines at once.", field="text", lines=len(lines))
    read = {line: list(_values(line, actor.organization.country)) for line in lines}
    wanted = sorted({value for values in read.values() for value in values})
    unread = [line[:100] for line, values in read.items() if not values]
    if not wanted:
        raise ValueInvalid("There is no number and no e-mail address in this.", field="text")
    known = DoNotContact.objects.forbidden(actor.organization, wanted)
    new = [value for value in wanted if value not in known]
    DoNotContact.objects.bulk_create(
        [
            DoNotContact(organization=actor.organization, value=value, reason=why, source=source[:100], added_by=member)
            for value in new
        ],
        batch_size=5_000,
        ignore_conflicts=True,  # a colleague listed it at this very moment: then it is listed
    )
    points = ContactPoint.objects.for_organization(actor.organization).filter(value__in=new)
    marked = points.exclude(status=PointStatus.DO_NOT_CONTACT).update(
        status=PointStatus.DO_NOT_CONTACT, notes=LISTED, updated_at=at
    )
    after = {"added": len(new), "known": len(known), "marked": marked, "reason": why, "source": source[:100]}
    audit.record(actor=actor, action="crm.do_not_contact_listed", target=actor.organization, after=after, at=at)
    return Listing(added=len(new), known=len(known), marked=marked, unread=unread)


@transaction.atomic
def unlist_do_not_contact(*, actor: Actor, entry: DoNotContact, reason: str, at: datetime) -> DoNotContact:
    """It may be written to again, for a reason. Points that this list stopped are unverified again; those whose contact
    asked not to be reached stay as they are. Raises ValueInvalid, NotFound."""
    actor.require(Capability.STOCK_WRITE)
    member, why = person(actor), single_spaced(reason)[:300]
    if not why:
        raise ValueInvalid("Say why it may be written to again.", field="reason")
    rows = DoNotContact.objects.visible_to(actor).select_for_update(of=("self",), no_key=True)
    found: DoNotContact | None = rows.filter(pk=entry.pk).first()
    if found is None:
        raise NotFound("There is no such entry here.")
    if found.removed_at is not None:
        return found
    found.removed_by, found.removed_at, found.removed_reason = member, at, why
    found.save(update_fields=["removed_by", "removed_at", "removed_reason", "updated_at"])
    stopped = ContactPoint.objects.for_organization(actor.organization).filter(
        value=found.value, status=PointStatus.DO_NOT_CONTACT, notes=LISTED
    )
    freed = stopped.update(status=PointStatus.UNVERIFIED, notes="", updated_at=at)
    after = {"reason": why, "points": freed}
    audit.record(actor=actor, action="crm.do_not_contact_unlisted", target=found, after=after, at=at)
    return found


def _values(line: str, region: str) -> Iterator[str]:
    """Numbers and addresses of a line; what stands beside them in a file (names, notes) says nothing."""
    for cell in _BETWEEN.split(line):
        text = cell.strip().strip('"').strip()
        if "@" in text:
            try:
                validate_email(text)
            except ValidationError:
                continue
            yield text.lower()
        else:
            yield from (number.value for number in read_cell(text, region).numbers)
