"""Many obvious duplicates at once: each by itself, so that one that cannot be merged stops no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count

from core.actors import Actor
from core.errors import DomainError
from crm.errors import TooManyAtOnce
from crm.models import DuplicateCandidate, Merge
from crm.models.merges import Noun
from crm.services.merging.joining import KINDS, merge

MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of each pair; `refused` says why, in words."""

    merged: list[Merge] = field(default_factory=list)
    refused: list[tuple[DuplicateCandidate, str]] = field(default_factory=list)


def survivors_of(candidates: Sequence[DuplicateCandidate]) -> dict[int, tuple[int, int]]:
    """For each pair who stays and who goes: the one on which more hangs stays, of two alike the one known longer."""
    weight: dict[tuple[str, int], int] = {}
    for noun, kind in KINDS.items():
        ids = {pk for candidate in candidates if candidate.noun == noun for pk in candidate.ids}
        hanging = (
            ("points", "ownerships", "conversations")
            if noun == Noun.CONTACT
            else ("ownerships", "assignments", "deals")
        )
        rows = kind.model.objects.filter(pk__in=ids)
        counts = sum((Count(name, distinct=True) for name in hanging[1:]), Count(hanging[0], distinct=True))
        weight |= {(noun, pk): count for pk, count in rows.annotate(hanging=counts).values_list("pk", "hanging")}
    chosen = {}
    for candidate in candidates:
        first, second = candidate.ids
        heavier = weight.get((candidate.noun, second), 0) > weight.get((candidate.noun, first), 0)
        chosen[candidate.pk] = (second, first) if heavier else (first, second)
    return chosen


def merge_obvious(*, actor: Actor, candidates: Sequence[DuplicateCandidate], at: datetime) -> Batch:
    """Merge each pair that is obvious, a hundred at most. Where both say something the survivor's word stays.

    Raises TooManyAtOnce, CapabilityMissing; what refuses a single pair is said of that pair.
    """
    if len(candidates) > MOST_AT_ONCE:
        raise TooManyAtOnce(f"Choose {MOST_AT_ONCE} pairs at most; these are {len(candidates)}.", most=MOST_AT_ONCE)
    for noun in {candidate.noun for candidate in candidates}:
        actor.require(KINDS[noun].capability)
    batch, chosen = Batch(), survivors_of(candidates)
    for candidate in candidates:
        survivor, other = chosen[candidate.pk]
        if not candidate.is_obvious:
            batch.refused.append((candidate, "It is not obvious; look at the two and merge them by themselves."))
            continue
        try:
            batch.merged.append(merge(actor=actor, noun=candidate.noun, survivor_id=survivor, other_id=other, at=at))
        except DomainError as error:
            batch.refused.append((candidate, error.message))
    return batch
