"""Two contacts, or two units, become one; what would move is seen before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core import audit, events
from core.actors import Actor
from core.deadlocks import tried_twice
from core.errors import NotFound
from core.models import Organization
from core.roles import Capability
from core.tenancy import acting_through
from crm.errors import AlreadyMerged, ValueInvalid
from crm.events import ContactsMerged, ContactsUnmerged, PropertiesMerged, PropertiesUnmerged
from crm.models import Contact, ContactPoint, DuplicateCandidate, Merge, Property
from crm.models.duplicates import CandidateState
from crm.models.merges import Noun
from crm.services.merging.contacts import move_contact, refuse_contacts
from crm.services.merging.fields import FieldLine, checked, lines, settle_fields
from crm.services.merging.properties import move_property, refuse_properties
from crm.services.merging.recording import put
from crm.services.writing import refusals


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between contacts and units."""

    model: Any
    word: str
    capability: Capability
    refuse: Callable[[Any, Any], None]
    move: Callable[[Merge, datetime], None]
    merged: Any
    unmerged: Any


KINDS: dict[str, Kind] = {
    Noun.CONTACT: Kind(
        Contact, "contact", Capability.CONTACTS_MERGE, refuse_contacts, move_contact, ContactsMerged, ContactsUnmerged
    ),
    Noun.PROPERTY: Kind(
        Property,
        "unit",
        Capability.STOCK_WRITE,
        refuse_properties,
        move_property,
        PropertiesMerged,
        PropertiesUnmerged,
    ),
}


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge would do: both rows, field by field, and how many rows of each sort move."""

    noun: str
    survivor: Any
    other: Any
    lines: list[FieldLine]
    moves: dict[str, int]


def kind_of(noun: str) -> Kind:
    """Raises ValueInvalid."""
    if noun not in KINDS:
        raise ValueInvalid(f"{noun!r} cannot be merged; contacts and properties can.", field="noun", value=noun)
    return KINDS[noun]


@tried_twice
def merge(
    *, actor: Actor, noun: str, survivor_id: int, other_id: int, take: Collection[str] = (), at: datetime
) -> Merge:
    """Join two rows into the first. `take` names the fields in which the other one is right; where the survivor says
    nothing, the other's value is taken anyway.

    Everything that pointed to the other points to the survivor, what both have is there once, and whoever asked not to
    be written to under one of them is not. The other leads to the survivor from now on. reverse_merge undoes it all.
    Raises AlreadyMerged, MergeRefused, ValueInvalid, NotFound.
    """
    kind = kind_of(noun)
    actor.require(kind.capability)
    taken = checked(noun, take)
    survivor, other = _locked(actor, kind, survivor_id, other_id)
    kind.refuse(survivor, other)
    before = audit.snapshot(survivor)
    made: Merge = Merge.objects.create(
        organization=actor.organization,
        noun=noun,
        taken=sorted(taken),
        merged_by=actor.membership,
        at=at,
        **{f"survivor_{noun}": survivor, f"merged_{noun}": other},
    )
    with acting_through("merge"), refusals():
        rows = kind.model._base_manager.filter(pk=other.pk)
        put(merge=made, rows=rows, deleted_at=at, merged_into_id=survivor.pk)
        kind.move(made, at)
        settle_fields(merge=made, survivor=survivor, other=other, take=taken)
        _close_candidate(made)
        events.publish(kind.merged(actor.organization.pk, made.pk, survivor.pk, other.pk))
        check_now()
    _remember_consents(made)
    survivor.refresh_from_db()
    after = audit.snapshot(survivor)
    changed = [name for name in after if after[name] != before[name]]
    audit.record(
        actor=actor,
        action=f"crm.{noun}_merged",
        target=survivor,
        before={name: before[name] for name in changed},
        after={
            **{name: after[name] for name in changed},
            "merge": made.pk,
            "merged": other.pk,
            "moved": moves_of(made),
        },
        at=at,
    )
    audit.record(
        actor=actor,
        action=f"crm.{noun}_merged_away",
        target=other,
        after={"merge": made.pk, "into": survivor.pk},
        at=at,
    )
    return made


@tried_twice
def preview_merge(
    *, actor: Actor, noun: str, survivor_id: int, other_id: int, take: Collection[str] = (), at: datetime
) -> MergePreview:
    """What merge would do: it is done and taken back, so that no app's rows are guessed at. Raises as merge."""
    kind = kind_of(noun)
    actor.require(kind.capability)
    taken = checked(noun, take)
    pair = {row.pk: row for row in _with_names(kind, kind.model.objects.visible_to(actor), [survivor_id, other_id])}
    if survivor_id == other_id or len(pair) != 2:
        _refuse_pair(actor, kind, survivor_id, other_id)
    survivor, other = pair[survivor_id], pair[other_id]
    shown = lines(noun, survivor, other, taken)
    with transaction.atomic():
        made = merge(actor=actor, noun=noun, survivor_id=survivor_id, other_id=other_id, take=take, at=at)
        moves = moves_of(made)
        transaction.set_rollback(True)
    return MergePreview(noun, survivor, other, shown, moves)


def moves_of(made: Merge) -> dict[str, int]:
    """How many rows of each sort it moved, in the order in which it did."""
    counted: Counter[str] = Counter()
    for noun, ids in made.steps.order_by("pk").values_list("noun", "ids"):
        if noun:
            counted[noun] += len(ids)
    return dict(counted)


@transaction.atomic
def settle_merge(*, merge_id: int, at: datetime) -> int:
    """Move what came to the merged row after all: a campaign or an import that had read it before. Returns how many."""
    made = Merge.objects.standing().select_for_update(no_key=True).filter(pk=merge_id).first()
    if made is None:
        return 0
    before = made.steps.count()
    kind = KINDS[made.noun]
    _hold(kind, made.organization, made.survivor_id, made.merged_id)
    ends = kind.model.objects.survivors_of([made.survivor_id])
    if ends[made.survivor_id] != made.survivor_id:
        return 0  # the survivor was merged too: that merge's stragglers come first, by its own sweep
    with acting_through("merge"), refusals():
        kind.move(made, at)
        events.publish(kind.merged(made.organization_id, made.pk, made.survivor_id, made.merged_id))
    late = list(made.steps.order_by("pk").values_list("ids", flat=True))[before:]
    return sum(map(len, late))


def _locked(actor: Actor, kind: Kind, survivor_id: int, other_id: int) -> tuple[Any, Any]:
    """Both, as they are once nobody else merges them or undoes it."""
    _hold(kind, actor.organization, survivor_id, other_id)
    found = {row.pk: row for row in kind.model.objects.visible_to(actor).filter(pk__in=[survivor_id, other_id])}
    if survivor_id == other_id or len(found) != 2:
        _refuse_pair(actor, kind, survivor_id, other_id)
    return found[survivor_id], found[other_id]


def _hold(kind: Kind, organization: Organization, *ids: int) -> None:
    """Held in the order of their ids: of two who merge the same pair at once, either way round, one waits. The hidden
    one too: whoever undoes the merge at this moment is waited for, and then it is there again."""
    rows = kind.model.objects.for_organization(organization).filter(pk__in=ids).order_by("pk")
    list(rows.select_for_update(of=("self",), no_key=True).values_list("pk"))


def _refuse_pair(actor: Actor, kind: Kind, survivor_id: int, other_id: int) -> None:
    if survivor_id == other_id:
        raise ValueInvalid(f"A {kind.word} cannot be merged with itself.", field="other")
    here = kind.model.objects.for_organization(actor.organization)
    for pk in (other_id, survivor_id):
        end = here.survivor_of(pk).visible_to(actor).values_list("pk", flat=True).first()
        if end is not None:
            raise AlreadyMerged(
                f"One of them was merged meanwhile; look at {kind.word} {end}.", survivor=end, merged=pk
            )
    raise NotFound(f"There is no such {kind.word} here.")


def _with_names(kind: Kind, rows: Any, ids: list[int]) -> list[Any]:
    joined = ("assigned_to__user",) if kind.model is Contact else ("project", "property_type")
    return list(rows.filter(pk__in=ids).select_related(*joined))


def _close_candidate(made: Merge) -> None:
    first, second = sorted([made.survivor_id, made.merged_id])
    pairs = DuplicateCandidate.objects.filter(
        organization=made.organization_id, **{f"first_{made.noun}": first, f"second_{made.noun}": second}
    )
    put(merge=made, rows=pairs, state=CandidateState.MERGED)


def _remember_consents(made: Merge) -> None:
    """How the merge left them: whoever says no afterwards, says it for both when the merge is undone."""
    if made.noun != Noun.CONTACT:
        return
    points = ContactPoint.objects.live().filter(contact=made.survivor_id)
    bad = Contact.objects.values_list("is_bad_contact", flat=True).get(pk=made.survivor_id)
    made.consents = {"points": {str(pk): status for pk, status in points.values_list("pk", "status")}, "is_bad": bad}
    made.save(update_fields=["consents", "updated_at"])


def check_now() -> None:
    """What is checked at the end of the transaction, where a refusal can still be said in words."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
