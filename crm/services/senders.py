"""Who is writing to us: from a WhatsApp sender to a contact."""

from __future__ import annotations

import hashlib
from datetime import datetime

import phonenumbers
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from core import audit
from core.actors import Actor
from core.phones import masked, read_cell
from core.roles import Capability
from crm.errors import SenderUnknown
from crm.models import Contact, ContactPoint, Ownership
from crm.models.contacts import ContactKind, LineType, PointKind, PointStatus
from crm.models.merges import Noun
from crm.names import divide, is_company, normalize_name, tidy
from crm.services.duplicates import look_for_duplicates


@transaction.atomic
def contact_for_sender(*, actor: Actor, phone: str | None, bsuid: str | None, name: str, at: datetime) -> Contact:
    """The contact that this WhatsApp sender is; one is made when we know neither the id nor the number.

    `phone` is WhatsApp's (digits with country code, with or without +), `bsuid` its business-scoped user id; at least
    one is there. The id decides first. A number may be shared by several contacts: then it is the one who has already
    written from it, else the primary owner of a unit, else any owner, else the oldest contact. Whatever of the two was
    new is attached to the contact. Two webhooks at once make one contact. Raises SenderUnknown.
    """
    actor.require(Capability.CRM_WRITE)
    number = "+" + "".join(filter(str.isdigit, phone)) if phone and any(map(str.isdigit, phone)) else ""
    identity = (bsuid or "").strip()
    if not number and not identity:
        raise SenderUnknown("A sender needs a number or a WhatsApp user id.")
    _one_at_a_time(actor, number, identity)
    contact = _held(_by_bsuid(actor, identity)) or _held(_by_number(actor, number))
    # Merged or deleted while we waited for it: its number or id leads to another now, or to nobody.
    contact = contact or _held(_by_bsuid(actor, identity)) or _held(_by_number(actor, number))
    if contact is None:
        contact = _new_contact(actor, name, number, at)
    _attach(actor, contact, number, identity, at)
    return contact


def follow_sender(*, actor: Actor, contact: Contact, phone: str, bsuid: str, at: datetime) -> None:
    """Somebody we know has another number, or another WhatsApp user id: both are kept on the contact.

    Whoever else has that number or id may be the same person: the pair is offered for merging, never merged by guess.
    """
    actor.require(Capability.CRM_WRITE)
    digits = "".join(filter(str.isdigit, phone))
    number, identity = f"+{digits}" if digits else "", bsuid.strip()
    _one_at_a_time(actor, number, identity)
    _attach(actor, contact, number, identity, at)


def _held(contact: Contact | None) -> Contact | None:
    """The contact, which nobody merges or deletes until the transaction ends: what hangs on it stays in sight."""
    if contact is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM crm_contact WHERE id = %s AND deleted_at IS NULL FOR SHARE", [contact.pk])
        return contact if cursor.fetchone() else None


def _one_at_a_time(actor: Actor, *identities: str) -> None:
    """Until the transaction ends, nobody else looks for these senders. Locks in order, so that none wait in a ring."""
    keys = sorted(
        int.from_bytes(hashlib.blake2b(f"{actor.organization.pk}:{each}".encode(), digest_size=8).digest(), signed=True)
        for each in identities
        if each
    )
    with connection.cursor() as cursor:
        for key in keys:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def _by_bsuid(actor: Actor, identity: str) -> Contact | None:
    if not identity:
        return None
    points = ContactPoint.objects.for_organization(actor.organization).live().filter(contact__deleted_at__isnull=True)
    point = points.filter(kind=PointKind.BSUID, value=identity).select_related("contact").order_by("contact_id").first()
    return point.contact if point else None


def _by_number(actor: Actor, number: str) -> Contact | None:
    if not number:
        return None
    points = ContactPoint.objects.for_organization(actor.organization).live().filter(value=number)
    owned = Ownership.objects.current().filter(contact=OuterRef("pk"))
    candidates = (
        Contact.objects.for_organization(actor.organization)
        .live()
        .filter(pk__in=points.filter(kind__in=[PointKind.PHONE, PointKind.WHATSAPP]).values("contact"))
    )
    found: Contact | None = (
        candidates.annotate(
            wrote=Exists(points.filter(kind=PointKind.WHATSAPP, contact=OuterRef("pk"))),
            owns_first=Exists(owned.filter(is_primary=True)),
            owns=Exists(owned),
        )
        .order_by("-wrote", "-owns_first", "-owns", "pk")
        .first()
    )
    return found


def _new_contact(actor: Actor, name: str, number: str, at: datetime) -> Contact:
    # Lists show names to those who read numbers masked, so a number is never the name.
    shown = tidy(name) or (masked(number) if number else "WhatsApp user")
    company = is_company(shown)
    first, last = divide(tidy(name))
    contact = Contact.objects.create(
        organization=actor.organization,
        kind=ContactKind.COMPANY if company else ContactKind.PERSON,
        display_name=shown,
        first_name=first,
        last_name=last,
        normalized_name=normalize_name(tidy(name)),
        source="whatsapp",
    )
    audit.record(actor=actor, action="crm.contact_added", target=contact, after={"source": "whatsapp"}, at=at)
    return contact


def _attach(actor: Actor, contact: Contact, number: str, identity: str, at: datetime) -> None:
    """Keep what the sender showed. That he writes from it is proof that WhatsApp reaches it."""
    wanted = [(PointKind.BSUID, identity), (PointKind.WHATSAPP, number)]
    added = []
    points = contact.points.live()
    known = {(point.kind, point.value) for point in points}
    has_primary = {point.kind for point in points if point.is_primary}
    for kind, value in wanted:
        if not value or (kind, value) in known:
            continue
        point = ContactPoint.objects.create(
            organization=actor.organization,
            contact=contact,
            kind=kind,
            value=value,
            raw=value,
            country=_country(value) if kind == PointKind.WHATSAPP else "",
            line_type=LineType.MOBILE if kind == PointKind.WHATSAPP else LineType.UNKNOWN,
            status=PointStatus.VALID,
            is_primary=kind not in has_primary,
            validated_at=at,
        )
        audit.record(actor=actor, action="crm.contact_point_added", target=point, after={"kind": kind}, at=at)
        added.append(value)
    others = ContactPoint.objects.for_organization(actor.organization).live().exclude(contact=contact)
    if added and others.filter(value__in=added).exists():
        look_for_duplicates(actor=actor, noun=Noun.CONTACT, ids=[contact.pk], at=at)


def _country(number: str) -> str:
    cell = read_cell(number, "AE")
    if cell.numbers:
        return cell.numbers[0].country
    try:
        return phonenumbers.region_code_for_country_code(phonenumbers.parse(number).country_code or 0)
    except phonenumbers.NumberParseException:
        return ""
