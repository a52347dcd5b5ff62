"""Contacts: the list of them, and the page of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from crm.models import Contact, Deal, Ownership
from crm.selectors.numbers import Point, points_of


@dataclass(frozen=True, slots=True)
class ContactRow:
    contact_id: int
    name: str
    kind: str
    is_bad_contact: bool
    unit_count: int
    point: Point | None


@dataclass(frozen=True, slots=True)
class ContactList:
    rows: list[ContactRow]
    next: int | None


@dataclass(frozen=True, slots=True)
class ContactPage:
    """`may_disclose`: some number is hidden, and `crm.services.disclose_owner_number` would show it."""

    contact: Contact
    points: list[Point]
    owns: list[Ownership]
    owned: list[Ownership]
    deals: list[Deal]
    may_disclose: bool


def contact_list(
    *,
    actor: Actor,
    search: str = "",
    owners_only: bool = False,
    before: int | None = None,
    limit: int = 50,
    at: datetime,
) -> ContactList:
    """The contacts this actor may see, with what they own and their first number. Three queries (four if masked)."""
    actor.require(Capability.CRM_READ)
    contacts = Contact.objects.visible_to(actor).search(search)
    if owners_only:
        contacts = contacts.owners()
    if before is not None:
        contacts = contacts.filter(pk__lt=before)
    page: list[Contact] = list(contacts.order_by("-pk")[: limit + 1])
    shown = page[:limit]
    ids = [contact.pk for contact in shown]
    points = points_of(actor, ids, at)
    held = Ownership.objects.visible_to(actor).current().filter(contact__in=ids)
    counts = dict(held.order_by().values_list("contact").annotate(Count("pk")))
    rows = [
        ContactRow(
            contact_id=contact.pk,
            name=contact.display_name,
            kind=contact.kind,
            is_bad_contact=contact.is_bad_contact,
            unit_count=counts.get(contact.pk, 0),
            point=next(iter(points[contact.pk]), None),
        )
        for contact in shown
    ]
    return ContactList(rows, shown[-1].pk if len(page) > limit else None)


def contact_page(*, actor: Actor, contact_id: int, at: datetime) -> ContactPage:
    """One contact: how to reach it, what it owns and owned. Four queries (five if masked). Raises NotFound.

    Of what it owns only the units are listed that this actor may see. Conversations are messaging's to show.
    """
    actor.require(Capability.CRM_READ)
    contact: Contact | None = (
        Contact.objects.visible_to(actor).select_related("assigned_to__user").filter(pk=contact_id).first()
    )
    if contact is None:
        raise NotFound("There is no such contact here.")
    points = points_of(actor, [contact.pk], at)[contact.pk]
    ownerships: list[Ownership] = list(
        Ownership.objects.visible_to(actor)
        .filter(contact=contact, property__deleted_at__isnull=True)
        .select_related("property__project")
        .order_by("-until", "-pk")
    )
    deals = Deal.objects.visible_to(actor).filter(Q(seller=contact) | Q(buyer=contact))
    return ContactPage(
        contact=contact,
        points=points,
        owns=[ownership for ownership in ownerships if ownership.until is None],
        owned=[ownership for ownership in ownerships if ownership.until is not None],
        deals=list(deals.select_related("property", "agent").order_by("-pk")[:50]),
        may_disclose=actor.can(Capability.NUMBERS_ASK) and any(point.is_masked for point in points),
    )
