"""What moves when two contacts become one, of crm's own tables. Run again, it moves what came late."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_noop

from core import events
from crm.errors import MergeRefused
from crm.events import OwnershipChanged
from crm.models import Contact, ContactPoint, Deal, Merge, Ownership
from crm.models.contacts import PointStatus
from crm.models.merges import Noun
from crm.services.merging.elsewhere import move_elsewhere, move_sheet_rows
from crm.services.merging.recording import put, unfolded

# Of two copies of a number the one that somebody tried says more.
_TRIED = {PointStatus.VALID, PointStatus.INVALID}


def refuse_contacts(survivor: Contact, other: Contact) -> None:
    """Raises MergeRefused: whoever sold to the other is not the other."""
    pair = [survivor.pk, other.pk]
    both = Deal.objects.live().filter(organization=survivor.organization_id, seller__in=pair, buyer__in=pair)
    deal = both.order_by("pk").values_list("pk", flat=True).first()
    if deal is not None:
        raise MergeRefused(f"They are buyer and seller of deal {deal}: they cannot be one person.", deal=deal)


def move_contact(merge: Merge, at: datetime) -> None:
    survivor, other = merge.survivor_id, merge.merged_id
    _points(merge, at)
    _ownerships(merge, at)
    deals = Deal.objects.filter(organization=merge.organization_id)
    put(merge=merge, rows=deals.filter(seller=other), noun=gettext_noop("deals as seller"), seller_id=survivor)
    put(merge=merge, rows=deals.filter(buyer=other), noun=gettext_noop("deals as buyer"), buyer_id=survivor)
    move_elsewhere(merge, Contact)
    move_sheet_rows(merge, Noun.CONTACT)


def _points(merge: Merge, at: datetime) -> None:
    """A number that both have stays once. Whoever asked not to be reached there, is not."""
    survivor, other = merge.survivor_id, merge.merged_id
    rows = ContactPoint.objects.filter(organization=merge.organization_id)
    ours = {(point.kind, point.value): point for point in rows.live().filter(contact=survivor)}
    theirs = list(rows.live().filter(contact=other).order_by("pk"))
    same = [point for point in theirs if (point.kind, point.value) in ours]
    put(
        merge=merge,
        rows=rows.filter(pk__in=[point.pk for point in same]),
        noun=gettext_noop("numbers that both have"),
        deleted_at=at,
        is_primary=False,
    )
    primary = {kind for (kind, _), point in ours.items() if point.is_primary}
    for point in same:
        copy = ours[point.kind, point.value]
        if copy.status not in _TRIED | {PointStatus.DO_NOT_CONTACT} and point.status in _TRIED:
            tried = {
                "status": point.status,
                "validated_at": point.validated_at,
                "verified_by_id": point.verified_by_id,
            }
            put(merge=merge, rows=rows.filter(pk=copy.pk), **tried)
        if point.is_primary and point.kind not in primary:
            put(merge=merge, rows=rows.filter(pk=copy.pk), is_primary=True)
            primary.add(point.kind)
    moving = unfolded(merge, rows.filter(contact=other))
    put(merge=merge, rows=moving.filter(is_primary=True, kind__in=primary), is_primary=False)
    put(merge=merge, rows=moving, noun=gettext_noop("numbers and addresses"), contact_id=survivor)
    forbidden = {point.value for point in [*ours.values(), *theirs] if point.status == PointStatus.DO_NOT_CONTACT}
    forbid(merge, forbidden, [survivor])


def forbid(merge: Merge, values: set[str], contacts: list[int]) -> None:
    points = ContactPoint.objects.live().filter(organization=merge.organization_id, contact__in=contacts)
    copies = points.filter(value__in=values).exclude(status=PointStatus.DO_NOT_CONTACT)
    put(merge=merge, rows=copies, status=PointStatus.DO_NOT_CONTACT)


def _ownerships(merge: Merge, at: datetime) -> None:
    """Who owns a part of a unit under both names owns both parts."""
    survivor, other = merge.survivor_id, merge.merged_id
    rows = Ownership.objects.filter(organization=merge.organization_id)
    current = {each.property_id: each for each in rows.current().filter(contact=survivor)}
    for theirs in rows.current().filter(contact=other, property__in=current).order_by("pk"):
        ours = current[theirs.property_id]
        known = [each.share_basis_points for each in (ours, theirs) if each.share_basis_points is not None]
        days = [each.since for each in (ours, theirs) if each.since is not None]
        put(
            merge=merge,
            rows=rows.filter(pk=theirs.pk),
            noun=gettext_noop("units that both own, shares added up"),
            deleted_at=at,
        )
        put(
            merge=merge,
            rows=rows.filter(pk=ours.pk),
            share_basis_points=sum(known) if known else None,
            is_primary=ours.is_primary or theirs.is_primary,
            since=min(days) if days else None,
        )
    moving = unfolded(merge, rows.filter(contact=other))
    current_too = Q(until__isnull=True, deleted_at__isnull=True)
    moved = list(moving.filter(current_too).values_list("property", flat=True))
    put(merge=merge, rows=moving.filter(current_too), noun=gettext_noop("units owned"), contact_id=survivor)
    put(merge=merge, rows=moving, noun=gettext_noop("units owned before"), contact_id=survivor)
    for unit in sorted({*moved, *current}):
        events.publish(OwnershipChanged(organization_id=merge.organization_id, property_id=unit))
