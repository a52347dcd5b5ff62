"""Contacts and the ways to reach them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from core import audit
from core.actors import Actor
from core.encryption import blind_index
from core.errors import NotFound
from core.models import Membership
from core.phones import normalize, read_cell
from core.roles import Capability, Reach
from crm.errors import AssigneeNotAllowed, EmailInvalid, ValueInvalid
from crm.errors import DoNotContact as DoNotContactError
from crm.models import Contact, ContactPoint, DoNotContact
from crm.models.contacts import ContactKind, LineType, PointKind, PointStatus
from crm.names import divide, is_company, normalize_name, tidy
from crm.services.writing import add, change, locked, refusals, single_spaced
from crm.transliteration import name_key


class ContactFields(TypedDict, total=False):
    """`national_id` is encrypted when it is kept, and never shown again."""

    kind: str
    display_name: str
    first_name: str
    last_name: str
    language: str
    nationality: str
    national_id: str
    address: str
    tags: list[str]
    source: str
    assigned_to: Membership | None


@transaction.atomic
def create_contact(*, actor: Actor, **fields: Unpack[ContactFields]) -> Contact:
    """A person or a company. Kind, first and last name are told from the name where they are not given.

    What an own-only member adds is assigned to that member. Raises ValueInvalid, AlreadyThere (national id),
    AssigneeNotAllowed, NotFound.
    """
    actor.require(Capability.CRM_WRITE)
    name = tidy(fields.get("display_name", ""))
    if "kind" not in fields:
        fields["kind"] = ContactKind.COMPANY if is_company(name) else ContactKind.PERSON
    if fields.get("assigned_to") is None and actor.reach is not Reach.ORGANIZATION:
        fields["assigned_to"] = actor.membership
    contact = Contact(organization=actor.organization)
    for field, value in _values(actor, {**fields, "display_name": name}).items():
        setattr(contact, field, value)
    return add(actor=actor, row=contact, action="crm.contact_added")


@transaction.atomic
def update_contact(*, actor: Actor, contact: Contact, **changes: Unpack[ContactFields]) -> Contact:
    """Change what is named; a new name is divided anew unless its parts are given. Raises as create_contact."""
    actor.require(Capability.CRM_WRITE)
    contact = locked(Contact.objects.visible_to(actor), contact, "contact")
    return change(actor=actor, row=contact, action="crm.contact_changed", changes=_values(actor, changes))


@transaction.atomic
def mark_bad_contact(*, actor: Actor, contact: Contact, reason: str, is_bad: bool = True) -> Contact:
    """Nobody is to write to this contact first: campaigns leave it out. `is_bad=False` takes it back."""
    actor.require(Capability.CRM_WRITE)
    contact = locked(Contact.objects.visible_to(actor), contact, "contact")
    action = "crm.contact_marked_bad" if is_bad else "crm.contact_marked_good"
    return change(
        actor=actor, row=contact, action=action, changes={"is_bad_contact": is_bad}, reason=single_spaced(reason)
    )


@transaction.atomic
def add_contact_point(
    *, actor: Actor, contact: Contact, kind: str, value: str, is_primary: bool = False, notes: str = ""
) -> ContactPoint:
    """One more way to reach a contact. Numbers are read as in the organisation's country and kept in E.164.

    The first of its kind is the primary one. Raises PhoneInvalid, EmailInvalid, ValueInvalid, AlreadyThere, NotFound.
    """
    actor.require(Capability.CRM_WRITE)
    contact = locked(Contact.objects.visible_to(actor), contact, "contact")
    point = ContactPoint(
        organization=actor.organization,
        contact=contact,
        kind=kind,
        raw=value.strip()[:254],
        notes=single_spaced(notes),
        **_read(actor, kind, value),
    )
    has_primary = contact.points.live().filter(kind=kind, is_primary=True).exists()
    point.is_primary = not has_primary
    add(actor=actor, row=point, action="crm.contact_point_added")
    return _make_primary(actor, point) if is_primary else point


@transaction.atomic
def update_contact_point(
    *, actor: Actor, point: ContactPoint, is_primary: bool = False, notes: str | None = None
) -> ContactPoint:
    """Make it the primary one of its kind, or note something. A wrong value is deleted and the right one added."""
    actor.require(Capability.CRM_WRITE)
    point = locked(ContactPoint.objects.visible_to(actor), point, "number or address")
    if notes is not None:
        values = {"notes": single_spaced(notes)}
        point = change(actor=actor, row=point, action="crm.contact_point_changed", changes=values)
    return _make_primary(actor, point) if is_primary else point


@transaction.atomic
def verify_contact_point(*, actor: Actor, point: ContactPoint, is_valid: bool = True, at: datetime) -> ContactPoint:
    """Somebody tried it: it reaches the contact, or it does not. Raises DoNotContact."""
    actor.require(Capability.CRM_WRITE)
    point = locked(ContactPoint.objects.visible_to(actor), point, "number or address")
    if point.status == PointStatus.DO_NOT_CONTACT:
        raise DoNotContactError(
            "The contact asked not to be reached here; lift that first, with a reason.", point=point.pk
        )
    status = PointStatus.VALID if is_valid else PointStatus.INVALID
    values = {"status": status, "validated_at": at, "verified_by": actor.membership}
    return change(actor=actor, row=point, action=f"crm.contact_point_{status}", changes=values)


@transaction.atomic
def mark_do_not_contact(*, actor: Actor, point: ContactPoint, reason: str) -> ContactPoint:
    """The contact does not want to be reached here, by any message of ours."""
    actor.require(Capability.CRM_WRITE)
    point = locked(ContactPoint.objects.visible_to(actor), point, "number or address")
    values = {"status": PointStatus.DO_NOT_CONTACT}
    action = "crm.contact_point_do_not_contact"
    return change(actor=actor, row=point, action=action, changes=values, reason=single_spaced(reason))


@transaction.atomic
def lift_do_not_contact(*, actor: Actor, point: ContactPoint, reason: str) -> ContactPoint:
    """The contact changed their mind, or it was a slip: unverified again. The office does this, with a reason."""
    actor.require(Capability.STOCK_WRITE)
    point = locked(ContactPoint.objects.visible_to(actor), point, "number or address")
    if not single_spaced(reason):
        raise ValueInvalid("Say why this may be used again.", field="reason")
    if point.status != PointStatus.DO_NOT_CONTACT:
        return point
    if DoNotContact.objects.forbidden(actor.organization, [point.value]):
        raise DoNotContactError("It is on the organisation's do-not-contact list: remove it there.", point=point.pk)
    values = {"status": PointStatus.UNVERIFIED, "verified_by": None}
    action = "crm.contact_point_do_not_contact_lifted"
    return change(actor=actor, row=point, action=action, changes=values, reason=single_spaced(reason))


def _values(actor: Actor, fields: ContactFields) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: single_spaced(value) if isinstance(value, str) and name != "address" else value
        for name, value in fields.items()
    }
    if "display_name" in values:
        name = values["display_name"] = tidy(values["display_name"])
        if not name:
            raise ValueInvalid("A contact needs a name.", field="display_name")
        first, last = divide(name)
        values = {"first_name": first, "last_name": last, **values}
        values |= {"normalized_name": normalize_name(name), "name_key": name_key(name)}
    if "national_id" in values:
        number = "".join(filter(str.isalnum, values["national_id"])).upper()
        values |= {"national_id": number, "national_id_index": blind_index(number)}
    assignee = values.get("assigned_to")
    if assignee is not None:
        if assignee.organization_id != actor.organization.pk:
            raise NotFound("There is no such member here.")
        if actor.reach is not Reach.ORGANIZATION and assignee.pk not in actor.membership_ids:
            raise AssigneeNotAllowed("You can give contacts to yourself and to your team.", membership=assignee.pk)
    return values


def _read(actor: Actor, kind: str, value: str) -> dict[str, Any]:
    if kind in {PointKind.PHONE, PointKind.WHATSAPP}:
        region = actor.organization.country
        number = read_cell(normalize(value, region), region).numbers[0]
        return {"value": number.value, "country": number.country, "line_type": LineType(number.line)}
    text = value.strip()
    if kind == PointKind.EMAIL:
        try:
            validate_email(text)
        except ValidationError:
            raise EmailInvalid("Write one e-mail address, such as name@example.com.", value=text[:100]) from None
        return {"value": text.lower()}
    if not text:
        raise ValueInvalid("There is nothing to reach here.", field="value")
    return {"value": text}


def _make_primary(actor: Actor, point: ContactPoint) -> ContactPoint:
    """The contact is held, so that two who choose at once do not both win."""
    if point.is_primary:
        return point
    locked(Contact.objects.for_organization(actor.organization), point.contact, "contact")
    others = ContactPoint.objects.live().filter(contact=point.contact_id, kind=point.kind, is_primary=True)
    former = list(others.values_list("pk", flat=True))
    others.update(is_primary=False)
    point.is_primary = True
    with refusals():
        point.save(update_fields=["is_primary", "updated_at"])
    audit.record(
        actor=actor,
        action="crm.contact_point_made_primary",
        target=point,
        before={"primary": former},
        after={"primary": [point.pk]},
    )
    return point
