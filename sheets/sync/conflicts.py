"""Deciding about cells that were changed on both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from core import audit
from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from sheets.errors import AlreadyResolved, ConflictMoved
from sheets.models import Conflict, Resolution
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
