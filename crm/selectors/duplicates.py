"""What pages show of possible duplicates and of merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from crm.duplicates import words_of
from crm.duplicates.judging import reason_of
from crm.models import Contact, DuplicateCandidate, DuplicateSearch, Merge, Property
from crm.models.duplicates import CandidateState, SearchStatus
from crm.models.merges import Noun
from crm.selectors.numbers import masked

PAIR = ("first_contact", "second_contact", "first_property__project", "second_property__project")
MERGED = ("survivor_contact", "merged_contact", "survivor_property", "merged_property", "merged_by__user", "reversed_by__user")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    pk: int
    name: str
    about: str


@dataclass(frozen=True, slots=True)
class CandidateRow:
    candidate: DuplicateCandidate
    first: Side
    second: Side
    reasons: list[str]
    may_merge: bool


@dataclass(frozen=True, slots=True)
class CandidateList:
    """The most likely first. `next` is the `after` of the following page, empty at the end."""

    rows: list[CandidateRow]
    next: str


@dataclass(frozen=True, slots=True)
class Others:
    """One row, and those that a search finds beside it."""

    own: Side
    others: list[Side]


@dataclass(frozen=True, slots=True)
class MergeRow:
    merge: Merge
    survivor: Side
    merged: Side
    by: str
    reversed_by: str
    may_undo: bool


def may_merge(actor: Actor, noun: str) -> bool:
    return actor.can(Capability.CONTACTS_MERGE if noun == Noun.CONTACT else Capability.STOCK_WRITE)


def candidate_list(
    *,
    actor: Actor,
    noun: str = "",
    state: str = CandidateState.OPEN,
    code: str = "",
    only_obvious: bool = False,
    after: str = "",
    limit: int = 50,
) -> CandidateList:
    """Pairs that this actor may see. One query."""
    actor.require(Capability.CRM_READ)
    rows = DuplicateCandidate.objects.visible_to(actor)
    rows = rows.open() if state == CandidateState.OPEN else rows.filter(state=state)
    if noun:
        rows = rows.filter(noun=noun)
    if code:
        rows = rows.filter(codes__contains=[code])
    if only_obvious:
        rows = rows.filter(is_obvious=True)
    score, _, pk = after.partition("-")
    if score.isdecimal() and pk.isdecimal() and len(after) < 30:
        rows = rows.filter(Q(score__lt=int(score)) | Q(score=int(score), pk__lt=int(pk)))
    page = list(rows.select_related(*PAIR).order_by("-score", "-pk")[: limit + 1])
    shown = page[:limit]
    last = f"{shown[-1].score}-{shown[-1].pk}" if len(page) > limit else ""
    return CandidateList([_candidate_row(actor, row) for row in shown], last)


def candidates_in(*, actor: Actor, ids: Sequence[int]) -> list[CandidateRow]:
    """Chosen pairs that still wait. One query."""
    rows = DuplicateCandidate.objects.visible_to(actor).open().filter(pk__in=ids)
    return [_candidate_row(actor, row) for row in rows.select_related(*PAIR).order_by("-score", "-pk")]


def duplicates_of(actor: Actor, row: Contact | Property) -> dict[str, Any] | None:
    """For the page of one contact or unit: what it may be the same as, and what was merged into it. Two queries."""
    noun = Noun.CONTACT if isinstance(row, Contact) else Noun.PROPERTY
    found = DuplicateCandidate.objects.visible_to(actor).open().of(noun, row.pk).select_related(*PAIR)
    candidates = [_candidate_row(actor, each) for each in found.order_by("-score", "-pk")[:10]]
    merges = Merge.objects.visible_to(actor).standing().filter(**{f"survivor_{noun}": row.pk}).select_related(*MERGED)
    merged = [_merge_row(actor, each) for each in merges.order_by("-pk")[:10]]
    if not candidates and not merged:
        return None
    others = [(each, each.second if each.first.pk == row.pk else each.first) for each in candidates]
    return {"candidates": others, "merges": merged, "noun": noun, "row": row}


def others_like(*, actor: Actor, noun: str, pk: int, text: str, limit: int = 20) -> Others:
    """What a member may mean who says that this one is there twice. Two queries; one without a text. Raises NotFound."""
    actor.require(Capability.CRM_READ)
    if noun not in Noun.values:
        raise NotFound("There is no such list.")
    rows: QuerySet[Any] = Contact.objects.visible_to(actor)
    if noun == Noun.PROPERTY:
        rows = Property.objects.visible_to(actor).select_related("project")
    own = rows.filter(pk=pk).first()
    if own is None:
        raise NotFound("It is not there, or not yours to see.")
    found = rows.search(text).exclude(pk=pk).order_by("-pk")[:limit] if text else []  # type: ignore[attr-defined]
    return Others(side_of(own), [side_of(row) for row in found])


def merge_list(*, actor: Actor, before: int | None = None, limit: int = 50) -> tuple[list[MergeRow], int | None]:
    """What was merged, newest first, and the `before` of the next page. One query."""
    actor.require(Capability.CRM_READ)
    rows = Merge.objects.visible_to(actor).select_related(*MERGED)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    page = list(rows.order_by("-pk")[: limit + 1])
    shown = page[:limit]
    return [_merge_row(actor, row) for row in shown], shown[-1].pk if len(page) > limit else None


def latest_search(actor: Actor) -> DuplicateSearch | None:
    found: DuplicateSearch | None = DuplicateSearch.objects.visible_to(actor).order_by("-pk").first()
    return found


def is_searching(search: DuplicateSearch | None) -> bool:
    return search is not None and search.status != SearchStatus.DONE


def reasons_of(row: DuplicateCandidate) -> list[str]:
    """In words, as every list says it: the middle of numbers is hidden."""
    return [words_of(reason_of(data), hide=masked) for data in row.reasons]


def side_of(row: Any) -> Side:
    if isinstance(row, Property):
        identifiers = [row.project.name, row.p_number, row.registration, row.get_status_display()]
        return Side(row.pk, row.label, " · ".join(text for text in identifiers if text))
    parts = [row.get_kind_display(), row.nationality, row.source]
    return Side(row.pk, row.display_name, " · ".join(text for text in parts if text))


def sides_of(row: DuplicateCandidate) -> tuple[Side, Side]:
    return side_of(row.first_contact or row.first_property), side_of(row.second_contact or row.second_property)


def _candidate_row(actor: Actor, row: DuplicateCandidate) -> CandidateRow:
    first, second = sides_of(row)
    return CandidateRow(
        candidate=row,
        first=first,
        second=second,
        reasons=reasons_of(row),
        may_merge=may_merge(actor, row.noun),
    )


def _merge_row(actor: Actor, row: Merge) -> MergeRow:
    def side(of: Any) -> Side:
        return Side(of.pk, of.display_name if isinstance(of, Contact) else of.label, "")

    return MergeRow(
        merge=row,
        survivor=side(row.survivor_contact or row.survivor_property),
        merged=side(row.merged_contact or row.merged_property),
        by=row.merged_by.user.name if row.merged_by else "Majlis",
        reversed_by=row.reversed_by.user.name if row.reversed_by else "Majlis",
        may_undo=row.reversed_at is None and may_merge(actor, row.noun),
    )
