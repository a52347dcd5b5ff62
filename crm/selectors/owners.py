"""The list of owners: contacts that own something now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from core.actors import Actor
from core.roles import Capability
from crm.filtering import OWNER_ORDERS, OwnerFilter
from crm.keyset import NEWEST, page_of
from crm.models import Contact, Ownership
from crm.selectors.numbers import Point, points_of
from crm.selectors.units import COUNTED_TO


@dataclass(frozen=True, slots=True)
class OwnerRow:
    contact_id: int
    name: str
    kind: str
    language: str
    is_bad_contact: bool
    unit_count: int
    points: list[Point]


@dataclass(frozen=True, slots=True)
class OwnerList:
    """One page. `next` is the `after` of the following page, "" at the end; `count` stops at COUNTED_TO and one more."""

    rows: list[OwnerRow]
    next: str
    count: int


def owner_list(
    *,
    actor: Actor,
    asked: Mapping[str, Any] | None = None,
    after: str = "",
    limit: int = 50,
    counted: bool = False,
    at: datetime,
) -> OwnerList:
    """The owners this actor may see, as an address asks (crm/filtering.py), with how many of the units that this actor
    sees are theirs, and their numbers with the middle hidden. Four queries, one more to count."""
    actor.require(Capability.CRM_READ)
    narrowed = narrowed_owners(actor, asked or {})
    order = OWNER_ORDERS.get((asked or {}).get("sort", ""), NEWEST)
    page, following = page_of(narrowed, order, after, limit)
    ids = [contact.pk for contact in page]
    points = points_of(actor, ids, at)
    held = Ownership.objects.visible_to(actor).current().filter(contact__in=ids)
    counts = dict(held.order_by().values_list("contact").annotate(Count("pk")))
    rows = [
        OwnerRow(
            contact_id=contact.pk,
            name=contact.display_name,
            kind=contact.kind,
            language=contact.language,
            is_bad_contact=contact.is_bad_contact,
            unit_count=counts.get(contact.pk, 0),
            points=points[contact.pk],
        )
        for contact in page
    ]
    return OwnerList(rows, following, narrowed.order_by()[: COUNTED_TO + 1].count() if counted else 0)


def narrowed_owners(actor: Actor, asked: Mapping[str, Any]) -> QuerySet[Contact]:
    """What `owners/?<asked>` shows to this actor. Parameters that make no sense are passed over; the page says so."""
    found: QuerySet[Contact] = OwnerFilter(asked, queryset=Contact.objects.visible_to(actor).owners(), actor=actor).qs
    return found
