"""Deciding about cells that were changed on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.db.models import Count, Max, QuerySet, Sum

from core import audit
from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from sheets.errors import AlreadyResolved, ConflictMoved
from sheets.models import Conflict, Resolution, Spreadsheet
from sheets.sync.requests import request_sync


@transaction.atomic
def resolve_conflicts(
    *,
    actor: Actor,
    conflicts: Iterable[Conflict],
    resolution: str,
    at: datetime,
    seen: Mapping[int, str] | None = None,
) -> list[Conflict]:
    """Say which side is right, for one cell or several. The next sync carries it out, and is asked for at once.

    Nothing is lost: both values stay with the conflict, and with the history of the unit. A decision may be changed until
    it is carried out. `seen`: the Conflict.state that whoever decides was shown. Raises AlreadyResolved (a sync carried
    it out), ConflictMoved (it is not as it was shown: nothing is decided), NotFound.
    """
    actor.require(Capability.SHEETS_IMPORT)
    ids = [conflict.pk for conflict in conflicts]
    found = list(
        Conflict.objects.visible_to(actor)
        .filter(pk__in=ids)
        .select_for_update(of=("self",), no_key=True)
        .select_related("spreadsheet")
        .order_by("pk")
    )
    if len(found) != len(set(ids)):
        raise NotFound("There is no such conflict here.")
    for conflict in found:
        if conflict.settled_at is not None:
            raise AlreadyResolved(
                f"Row {conflict.row}, {conflict.column}: this is settled already.", conflict=conflict.pk
            )
        if seen is not None and seen.get(conflict.pk, conflict.state) != conflict.state:
            raise ConflictMoved(
                f"Row {conflict.row}, {conflict.column}: somebody decided or changed it meanwhile. Nothing was decided; "
                "look again.",
                conflict=conflict.pk,
            )
        conflict.resolution = Resolution(resolution)
        conflict.resolved_by, conflict.resolved_at = actor.membership, at
        conflict.save(update_fields=["resolution", "resolved_by", "resolved_at", "updated_at"])
        chosen = conflict.ours if resolution == Resolution.OURS else conflict.theirs
        audit.record(
            actor=actor, action="sheets.conflict_resolved", target=conflict, at=at,
            before={"ours": conflict.ours, "theirs": conflict.theirs}, after={"kept": chosen, "side": resolution},
        )  # fmt: skip
    for sheet in {conflict.spreadsheet_id: conflict.spreadsheet for conflict in found}.values():
        request_sync(actor=actor, spreadsheet=sheet, at=at, if_idle=True)
    return found


@dataclass(frozen=True, slots=True)
class Matching:
    """How many open conflicts fit, and a mark of which they are and what they say."""

    count: int
    state: str


def matching(*, actor: Actor, conflicts: QuerySet[Conflict]) -> Matching:
    """Shown before all of them are decided at once; the mark is sent back then. One query."""
    actor.require(Capability.SHEETS_IMPORT)
    rows = conflicts.filter(organization=actor.organization, resolution="", settled_at__isnull=True).order_by()
    found = rows.aggregate(count=Count("pk"), last=Max("pk"), sum=Sum("pk"), moved=Max("updated_at"))
    said = "\0".join(str(each) for each in found.values())
    return Matching(found["count"], sha256(said.encode()).hexdigest()[:16])


@transaction.atomic
def resolve_matching(*, actor: Actor, conflicts: QuerySet[Conflict], resolution: str, state: str, at: datetime) -> int:
    """Say which side is right for every open conflict that fits, however many. Returns how many.

    `state` is that of `matching`, as it was shown. Raises ConflictMoved when they are others now, or say something else:
    nothing is decided then.
    """
    actor.require(Capability.SHEETS_IMPORT)
    fitting = conflicts.filter(organization=actor.organization, resolution="", settled_at__isnull=True)
    found = list(fitting.select_related(None).select_for_update(of=("self",), no_key=True).order_by("pk"))
    if matching(actor=actor, conflicts=conflicts).state != state:
        raise ConflictMoved(
            f"They are not as they were shown: {len(found)} cells wait now. Nothing was decided; look again.",
            count=len(found),
        )
    side = Resolution(resolution)
    Conflict.objects.filter(pk__in=[each.pk for each in found]).update(
        resolution=side, resolved_by=actor.membership, resolved_at=at, updated_at=at
    )
    told = (
        (
            each,
            {"ours": each.ours, "theirs": each.theirs},
            {"kept": each.ours if side == Resolution.OURS else each.theirs, "side": resolution},
        )
        for each in found
    )
    audit.record_many(actor=actor, action="sheets.conflict_resolved", targets=told, at=at)
    sheets = Spreadsheet.objects.visible_to(actor).linked().filter(pk__in={each.spreadsheet_id for each in found})
    for sheet in sheets.order_by("pk"):
        request_sync(actor=actor, spreadsheet=sheet, at=at, if_idle=True)
    return len(found)
