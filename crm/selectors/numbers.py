"""Numbers and addresses: who reads them whole, and how they look to the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from core import phones
from core.actors import Actor
from core.roles import Capability
from crm.models import ContactPoint, OwnerDisclosure

DISCLOSED_FOR = timedelta(days=1)
MASK = phones.MASK


@dataclass(frozen=True, slots=True)
class Point:
    """One way to reach a contact as this actor may read it: whole, or with its middle hidden."""

    point_id: int
    kind: str
    kind_label: str
    shown: str
    is_masked: bool
    line_type: str
    status: str
    status_label: str
    is_primary: bool


def reads_numbers(actor: Actor) -> bool:
    """Whether opening the page of a contact shows its numbers whole, which is kept (crm.services.open_contact).

    Lists hide their middle from everybody. The others ask for a contact's numbers one by one, with a reason
    (crm.services.disclose_owner_number), which is counted and kept too.
    """
    return actor.can(Capability.NUMBERS_READ)


def reads_lists_whole(actor: Actor) -> bool:
    """Integrations whose token names the scope read lists of numbers whole; each page is kept as a ListDisclosure."""
    return actor.token is not None and Capability.NUMBERS_READ in actor.token.scopes and reads_numbers(actor)


def masked(kind: str, value: str) -> str:
    """A way to reach somebody that can be told from another, and not be used: see core.phones.masked."""
    return phones.masked(value)


def points_of(actor: Actor, contacts: Iterable[int], at: datetime) -> dict[int, list[Point]]:
    """Ways to reach each contact, primary ones first; whole are those that this member was shown today. Two queries."""
    points: dict[int, list[Point]] = defaultdict(list)
    ids = list(contacts)
    told = told_points(actor, ids, at)
    found = ContactPoint.objects.for_organization(actor.organization).live().filter(contact__in=ids)
    for point in found.order_by("-is_primary", "pk"):
        hidden = point.pk not in told
        points[point.contact_id].append(
            Point(
                point_id=point.pk,
                kind=point.kind,
                kind_label=point.get_kind_display(),
                shown=masked(point.kind, point.value) if hidden else point.value,
                is_masked=hidden,
                line_type=point.line_type,
                status=point.status,
                status_label=point.get_status_display(),
                is_primary=point.is_primary,
            )
        )
    return points


def told_points(actor: Actor, contacts: Iterable[int], at: datetime) -> set[int]:
    """The points that this member was given during the last day: they need not be asked for twice.

    Also under a name that was merged into these since: the points came along (two merges deep).
    """
    ids = list(contacts)
    if actor.membership is None or not ids:
        return set()
    merged = Q(contact__merged_into__in=ids) | Q(contact__merged_into__merged_into__in=ids)
    given = OwnerDisclosure.objects.for_organization(actor.organization).filter(
        Q(contact__in=ids) | merged, membership=actor.membership, at__gt=at - DISCLOSED_FOR
    )
    return {point for points in given.values_list("points", flat=True) for point in points}
