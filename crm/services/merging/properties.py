"""What moves when two units become one, of crm's own tables. Run again, it moves what came late."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import gettext_noop

from core import events
from crm.errors import MergeRefused
from crm.events import OwnershipChanged
from crm.models import Deal, Merge, Ownership, ProjectAssignment, Property
from crm.models.deals import DealKind, DealStage
from crm.models.merges import Noun
from crm.services.merging.elsewhere import move_elsewhere, move_sheet_rows
from crm.services.merging.recording import put, unfolded

WHOLE = 10_000


def refuse_properties(survivor: Property, other: Property) -> None:
    """Raises MergeRefused: a unit is sold once at a time."""
    sales = Deal.objects.live().filter(kind=DealKind.SALE, stage__in=[DealStage.ACCEPTED, DealStage.CONTRACT])
    open_of = dict(sales.filter(property__in=[survivor, other]).values_list("property", "pk"))
    if len(open_of) == 2:
        deals = sorted(open_of.values())
        raise MergeRefused(
            f"Both are being sold: in deals {deals[0]} and {deals[1]}. Close one or mark it as lost first.", deals=deals
        )


def move_property(merge: Merge, at: datetime) -> None:
    survivor, other = merge.survivor_id, merge.merged_id
    _ownerships(merge, at)
    _assignments(merge, at)
    deals = Deal.objects.filter(organization=merge.organization_id, property=other)
    put(merge=merge, rows=deals, noun=gettext_noop("deals"), property_id=survivor)
    move_elsewhere(merge, Property)
    move_sheet_rows(merge, Noun.PROPERTY)


def _ownerships(merge: Merge, at: datetime) -> None:
    """The owners that both name stay once. The other's join them while the shares fit into the whole; if they do not,
    the survivor's are right, and the others have owned until today."""
    survivor, other = merge.survivor_id, merge.merged_id
    rows = Ownership.objects.filter(organization=merge.organization_id)
    ours = {each.contact_id: each for each in rows.current().filter(property=survivor)}
    theirs = list(rows.current().filter(property=other).order_by("pk"))
    same = [each for each in theirs if each.contact_id in ours]
    put(
        merge=merge,
        rows=rows.filter(pk__in=[each.pk for each in same]),
        noun=gettext_noop("owners that both name"),
        deleted_at=at,
    )
    for each in same:
        known = ours[each.contact_id]
        if known.share_basis_points is None and each.share_basis_points is not None:
            put(merge=merge, rows=rows.filter(pk=known.pk), share_basis_points=each.share_basis_points)
            known.share_basis_points = each.share_basis_points
    joining = [each for each in theirs if each.contact_id not in ours]
    shares = sum(each.share_basis_points or 0 for each in [*ours.values(), *joining])
    moving = unfolded(merge, rows.filter(property=other))
    current = Q(until__isnull=True, deleted_at__isnull=True)
    if any(each.is_primary for each in ours.values()):
        put(merge=merge, rows=moving.filter(current, is_primary=True), is_primary=False)
    if ours and shares > WHOLE:
        today = at.astimezone(ZoneInfo(merge.organization.time_zone)).date()
        _end(merge, [each.pk for each in joining], today)
    put(merge=merge, rows=moving.filter(current), noun=gettext_noop("owners"), property_id=survivor)
    put(merge=merge, rows=moving, noun=gettext_noop("former owners"), property_id=survivor)
    if theirs:
        events.publish(OwnershipChanged(organization_id=merge.organization_id, property_id=survivor))


def _end(merge: Merge, ids: list[int], today: date) -> None:
    rows = Ownership.objects.filter(pk__in=ids)
    put(merge=merge, rows=rows.exclude(since__gt=today), noun=gettext_noop("owners whose time ends"), until=today)
    for each in rows.filter(since__gt=today):
        put(merge=merge, rows=rows.filter(pk=each.pk), noun=gettext_noop("owners whose time ends"), until=each.since)


def _assignments(merge: Merge, at: datetime) -> None:
    survivor, other = merge.survivor_id, merge.merged_id
    project = Property.objects.values_list("project", flat=True).get(pk=survivor)
    rows = ProjectAssignment.objects.filter(organization=merge.organization_id)
    active = rows.active()
    held = active.filter(property=survivor, project=project).values("agent")
    same = active.filter(property=other, agent__in=list(held.values_list("agent", flat=True)))
    put(merge=merge, rows=same, noun=gettext_noop("assignments that both have"), deleted_at=at)
    moving = unfolded(merge, rows.filter(property=other))
    put(
        merge=merge,
        rows=moving,
        noun=gettext_noop("assignments"),
        property_id=survivor,
        project_id=project,
    )
