"""The way back: both rows as they were, and what happened since stays where it happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core import audit, events
from core.actors import Actor
from core.deadlocks import tried_twice
from core.errors import NotFound
from core.tenancy import acting_through
from crm.errors import AlreadyMerged, MergeReversed, UndoLaterFirst
from crm.models import Contact, ContactPoint, Merge
from crm.models.contacts import PointStatus
from crm.models.merges import Noun
from crm.services.merging.fields import give_national_id_back
from crm.services.merging.joining import check_now, kind_of
from crm.services.merging.recording import put_back
from crm.services.writing import refusals


@tried_twice
def reverse_merge(*, actor: Actor, merge: Merge, at: datetime) -> Merge:
    """Undo a merge. What a person changed since, and what came to the survivor since, stays; `kept` says what.

    Consents are as each had them before, save for those who said no since: they said it for both. Merges into one row
    are undone from the last on. Raises MergeReversed, UndoLaterFirst, AlreadyMerged (the survivor is gone), NotFound,
    and whatever REFUSALS names (a number that is in use again): then nothing is undone.
    """
    kind = kind_of(merge.noun)
    actor.require(kind.capability)
    ids = sorted([merge.survivor_id, merge.merged_id])
    rows = kind.model.objects.for_organization(actor.organization)
    held = {row.pk: row for row in rows.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")}
    made: Merge | None = (
        Merge.objects.visible_to(actor).select_for_update(of=("self",), no_key=True).filter(pk=merge.pk).first()
    )  # now: it may have been undone while we waited
    if made is None or len(held) != 2:
        raise NotFound("There is no such merge here.")
    if made.reversed_at is not None:
        raise MergeReversed("This merge was already undone.")
    _refuse_out_of_order(made)
    survivor, other = held[made.survivor_id], held[made.merged_id]
    if survivor.deleted_at is not None:
        raise AlreadyMerged(f"The {kind.word} that stayed was deleted; restore it from the trash first.")
    before = audit.snapshot(survivor)
    said_no = _said_no_since(made) if made.noun == Noun.CONTACT else None
    kept: list[dict[str, Any]] = []
    with acting_through("merge"), refusals():
        if not give_national_id_back(made):
            kept.append({"model": "crm.contact", "columns": ["national_id"], "ids": [survivor.pk]})
        for step in made.steps.order_by("-pk"):
            kept += put_back(step=step, at=at)
        if said_no is not None:
            _spread_no(made, *said_no)
        made.reversed_at, made.reversed_by, made.kept = at, actor.membership, kept
        made.save(update_fields=["reversed_at", "reversed_by", "kept", "updated_at"])
        events.publish(kind.unmerged(actor.organization.pk, made.pk, survivor.pk, other.pk))
        check_now()
    survivor.refresh_from_db()
    after = audit.snapshot(survivor)
    changed = [name for name in after if after[name] != before[name]]
    told = {"merge": made.pk, "restored": other.pk, "kept": kept}
    audit.record(
        actor=actor,
        action=f"crm.{made.noun}_unmerged",
        target=survivor,
        before={name: before[name] for name in changed},
        after={**{name: after[name] for name in changed}, **told},
        at=at,
    )
    audit.record(actor=actor, action=f"crm.{made.noun}_restored", target=other, after={"merge": made.pk}, at=at)
    return made


def _refuse_out_of_order(made: Merge) -> None:
    standing = Merge.objects.standing().filter(organization=made.organization_id, noun=made.noun)
    later = standing.filter(**{f"survivor_{made.noun}": made.survivor_id}, pk__gt=made.pk)
    onward = standing.filter(**{f"merged_{made.noun}": made.survivor_id})
    first = (later | onward).order_by("-pk").values_list("pk", flat=True).first()
    if first is not None:
        raise UndoLaterFirst(f"A later merge stands on this one: undo merge {first} first.", merge=first)


def _said_no_since(made: Merge) -> tuple[set[str], bool]:
    """Numbers that were marked `do not contact` since, and whether the contact was marked as a bad one since."""
    then = made.consents.get("points", {})
    points = ContactPoint.objects.live().filter(contact=made.survivor_id, status=PointStatus.DO_NOT_CONTACT)
    since = {
        value for pk, value in points.values_list("pk", "value") if then.get(str(pk)) != PointStatus.DO_NOT_CONTACT
    }
    is_bad = Contact.objects.values_list("is_bad_contact", flat=True).get(pk=made.survivor_id)
    return since, is_bad and not made.consents.get("is_bad", False)


def _spread_no(made: Merge, values: set[str], is_bad: bool) -> None:
    both = [made.survivor_id, made.merged_id]
    copies = ContactPoint.objects.live().filter(organization=made.organization_id, contact__in=both, value__in=values)
    copies.update(status=PointStatus.DO_NOT_CONTACT)
    if is_bad:
        Contact.objects.filter(pk__in=both).update(is_bad_contact=True)
