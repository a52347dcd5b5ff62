"""Taking a sequence for a change: locked, visible to who asks, and moved only where its table of moves allows."""

from __future__ import annotations

from datetime import datetime

from django.db import OperationalError, transaction

from campaigns.errors import BusyNow, IllegalMove
from campaigns.models import Sequence, SequenceStatus, SequenceStep
from campaigns.models.sequences import SEQUENCE_MOVES
from core import audit
from core.actors import Actor
from core.errors import NotFound


def locked(*, actor: Actor, sequence: Sequence) -> Sequence:
    """The same sequence, locked until the transaction ends. Raises NotFound, and BusyNow when somebody else holds it."""
    rows = Sequence.objects.visible_to(actor).select_related("organization", "channel")
    try:
        with transaction.atomic():
            held = rows.select_for_update(of=("self",), nowait=True, no_key=True)
            found: Sequence | None = held.filter(pk=sequence.pk).first()
    except OperationalError as error:
        raise BusyNow("Somebody else is changing this sequence at this moment; look again.") from error
    if found is None:
        raise NotFound("There is no such sequence here.")
    return found


def steps_of(sequence: Sequence) -> list[SequenceStep]:
    """The steps that are still in it, in their order, with their templates. One query."""
    rows = SequenceStep.objects.filter(organization=sequence.organization_id, sequence=sequence)
    return list(rows.filter(removed_at__isnull=True).select_related("template__channel").order_by("position"))


def move(actor: Actor, sequence: Sequence, to: SequenceStatus, action: str, at: datetime, reason: str = "") -> None:
    """Change the status of a locked sequence, and keep who did. Raises IllegalMove."""
    before = sequence.status
    if to not in SEQUENCE_MOVES[before]:
        raise IllegalMove(
            f"The sequence is {SequenceStatus(before).label.lower()}; it cannot become {to.label.lower()}.",
            status=before,
            wanted=to.value,
        )
    sequence.status, sequence.status_reason = to, reason[:300]
    sequence.save(update_fields=["status", "status_reason", "updated_at"])
    after = {"status": to.value, **({"reason": reason} if reason else {})}
    audit.record(actor=actor, action=action, target=sequence, before={"status": before}, after=after, at=at)
