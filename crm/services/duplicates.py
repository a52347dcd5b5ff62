"""Possible duplicates: found at the door and by a job, proposed, dismissed, taken up again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, Q

from core import audit
from core.actors import Actor, system
from core.errors import NotFound
from core.jobs import enqueue
from core.models import Organization
from core.roles import Capability
from crm.duplicates import Pair, Reason, contact_pairs, judge, unit_pairs
from crm.duplicates.judging import reason_of
from crm.errors import CandidateClosed, ValueInvalid
from crm.models import Contact, DuplicateCandidate, DuplicateSearch, Property
from crm.models.duplicates import CandidateState, SearchStatus
from crm.models.merges import Noun
from crm.transliteration import name_key

AT_A_TIME = 5_000
LEASE = timedelta(minutes=10)
# Searches by themselves come no closer than this.
REST = timedelta(hours=6)
PAIRS = {Noun.CONTACT: contact_pairs, Noun.PROPERTY: unit_pairs}
MODELS: dict[str, Any] = {Noun.CONTACT: Contact, Noun.PROPERTY: Property}
# The phases of a search, in order: keys of names, then each noun.
PHASES = 3


@transaction.atomic
def look_for_duplicates(*, actor: Actor, noun: str, ids: Sequence[int], at: datetime) -> list[DuplicateCandidate]:
    """What may be the same as these rows, the most likely first: for whoever has just added or opened them.

    What is found is kept, and what was dismissed is not told again. Own-only members are told of what they see.
    """
    actor.require(Capability.CRM_READ)
    if noun == Noun.CONTACT:
        fill_name_keys(organization=actor.organization, contacts=ids)
    keep_pairs(organization=actor.organization, noun=noun, pairs=PAIRS[Noun(noun)](actor.organization.pk, ids), at=at)
    rows = DuplicateCandidate.objects.visible_to(actor).open()
    of_these = Q(**{f"first_{noun}__in": ids}) | Q(**{f"second_{noun}__in": ids})
    joined = (f"first_{noun}", f"second_{noun}")
    return list(rows.filter(of_these).select_related(*joined).order_by("-score", "pk")[:20])


@transaction.atomic
def propose_duplicate(*, actor: Actor, noun: str, first_id: int, second_id: int, at: datetime) -> DuplicateCandidate:
    """A member says that two are one: whoever may merge looks at it. Raises NotFound, ValueInvalid, CandidateClosed."""
    actor.require(Capability.CRM_WRITE)
    if noun not in MODELS or first_id == second_id:
        raise ValueInvalid("Name two contacts or two units.", field="second")
    if MODELS[noun].objects.visible_to(actor).filter(pk__in=[first_id, second_id]).count() != 2:
        raise NotFound(f"There are no two such {'contacts' if noun == Noun.CONTACT else 'units'} here.")
    said = Reason("proposed", actor.user.name if actor.user else "Majlis")
    first, second = sorted([first_id, second_id])
    found = next(
        (
            pair
            for pair in PAIRS[Noun(noun)](actor.organization.pk, [first])
            if (pair.first, pair.second) == (first, second)
        ),
        None,
    )
    reasons = (*(found.reasons if found else ()), said)
    keep_pairs(organization=actor.organization, noun=noun, pairs=[Pair(first, second, reasons, judge(reasons))], at=at)
    candidate: DuplicateCandidate = DuplicateCandidate.objects.get(
        organization=actor.organization, **{f"first_{noun}": first, f"second_{noun}": second}
    )
    candidate.proposed_by = actor.membership
    candidate.save(update_fields=["proposed_by", "updated_at"])
    audit.record(actor=actor, action="crm.duplicate_proposed", target=candidate, after={"pair": [first, second]}, at=at)
    return candidate


@transaction.atomic
def dismiss_candidate(*, actor: Actor, candidate: DuplicateCandidate, at: datetime) -> DuplicateCandidate:
    """They are not the same: not offered again, unless something new speaks for it. Raises CandidateClosed, NotFound."""
    row = _locked(actor, candidate)
    if row.state == CandidateState.DISMISSED:
        return row
    row.state, row.dismissed_by, row.dismissed_at = CandidateState.DISMISSED, actor.membership, at
    row.dismissed_keys = [reason_of(data).key for data in row.reasons]
    return _saved(actor, row, "crm.duplicate_dismissed", at)


@transaction.atomic
def reopen_candidate(*, actor: Actor, candidate: DuplicateCandidate, at: datetime) -> DuplicateCandidate:
    """Dismissed by mistake. Raises CandidateClosed, NotFound."""
    row = _locked(actor, candidate)
    row.state, row.dismissed_by, row.dismissed_at, row.dismissed_keys = CandidateState.OPEN, None, None, []
    return _saved(actor, row, "crm.duplicate_reopened", at)


def fill_name_keys(*, organization: Organization, contacts: Sequence[int] | None = None, after: int = 0) -> int | None:
    """Work out missing keys of names: of these contacts, or of the next thousands. Returns the last id, None at the end."""
    rows = Contact.objects.for_organization(organization).filter(name_key="").exclude(normalized_name="")
    rows = rows.filter(pk__gt=after) if contacts is None else rows.filter(pk__in=contacts)
    found = list(rows.order_by("pk").values_list("pk", "normalized_name")[:AT_A_TIME])
    if found:
        with connection.cursor() as cursor:
            cursor.execute(FILL, [[pk for pk, _ in found], [name_key(name) for _, name in found], organization.pk])
    return found[-1][0] if len(found) == AT_A_TIME else None


def keep_pairs(*, organization: Organization, noun: str, pairs: Iterable[Pair], at: datetime) -> int:
    """Write what was found. A dismissed pair stays so while nothing new speaks for it. Returns how many are open."""
    kept = DuplicateCandidate.objects.for_organization(organization).filter(noun=noun)
    known = {row.ids: row for row in kept.filter(Q(state=CandidateState.DISMISSED) | Q(proposed_by__isnull=False))}
    rows: list[DuplicateCandidate] = []
    for pair in pairs:
        reasons, verdict = list(pair.reasons), pair.verdict
        before = known.get((pair.first, pair.second))
        if before is not None:
            if before.state == CandidateState.DISMISSED and {r.key for r in reasons} <= set(before.dismissed_keys):
                continue
            said = [reason_of(data) for data in before.reasons if data["code"] == "proposed"]
            reasons += [reason for reason in said if reason not in reasons]
            verdict = judge(reasons)
        rows.append(
            DuplicateCandidate(
                organization=organization,
                noun=noun,
                reasons=[reason.as_json() for reason in reasons],
                codes=sorted({reason.code for reason in reasons}),
                score=verdict.score,
                is_obvious=verdict.is_obvious,
                found_at=at,
                **{f"first_{noun}_id": pair.first, f"second_{noun}_id": pair.second},
            )
        )
    DuplicateCandidate.objects.bulk_create(
        rows,
        batch_size=1_000,
        update_conflicts=True,
        unique_fields=["organization", "first_contact", "second_contact", "first_property", "second_property"],
        update_fields=["reasons", "codes", "score", "is_obvious", "state", "found_at", "updated_at"],
    )
    return len(rows)


# ── the whole organisation, by a job ─────────────────────────────────────────


@transaction.atomic
def start_search(*, actor: Actor, at: datetime) -> DuplicateSearch:
    """Look through the whole organisation; the search that is on its way already, if there is one."""
    actor.require(Capability.CONTACTS_MERGE)
    running = DuplicateSearch.objects.for_organization(actor.organization).exclude(status=SearchStatus.DONE)
    try:
        with transaction.atomic():
            search = DuplicateSearch.objects.create(
                organization=actor.organization, requested_by=actor.membership, started_at=at
            )
    except IntegrityError:
        found: DuplicateSearch = running.get()
        return found
    audit.record(actor=actor, action="crm.duplicates_searched", target=search, at=at)
    enqueue("crm.find_duplicates", organization_id=actor.organization.pk, search_id=search.pk)
    return search


def go_on(*, organization: Organization, search_id: int, at: datetime) -> DuplicateSearch | None:
    """Work a search off from where it stands. Each piece is committed by itself; None when another worker is at it."""
    mine = DuplicateSearch.objects.for_organization(organization).filter(pk=search_id).exclude(status=SearchStatus.DONE)
    free = mine.filter(Q(leased_until__isnull=True) | Q(leased_until__lt=at))
    if not free.update(status=SearchStatus.RUNNING, leased_until=at + LEASE):
        return None
    search: DuplicateSearch = mine.get()
    while search.phase == 0:
        last = fill_name_keys(organization=organization, after=search.cursor)
        search.phase, search.cursor = (1, 0) if last is None else (0, last)
        search.save(update_fields=["phase", "cursor", "updated_at"])
    for phase, noun in ((1, Noun.CONTACT), (2, Noun.PROPERTY)):
        if search.phase != phase:
            continue
        with transaction.atomic():
            found = keep_pairs(organization=organization, noun=noun, pairs=PAIRS[noun](organization.pk), at=at)
            stale = DuplicateCandidate.objects.for_organization(organization).filter(
                noun=noun, proposed_by__isnull=True
            )
            stale.filter(state=CandidateState.OPEN, found_at__lt=search.started_at).delete()
            search.phase, search.found = phase + 1, search.found + found
            search.save(update_fields=["phase", "found", "updated_at"])
    search.status, search.finished_at, search.leased_until = SearchStatus.DONE, at, None
    search.save(update_fields=["status", "finished_at", "leased_until", "updated_at"])
    return search


def sweep(*, organization: Organization, at: datetime) -> None:
    """Go on with searches that lost their worker; start one where rows were added or changed since the last."""
    searches = DuplicateSearch.objects.for_organization(organization)
    for search in searches.exclude(status=SearchStatus.DONE).filter(
        Q(leased_until__lt=at) | Q(leased_until__isnull=True, started_at__lt=at - LEASE)
    ):
        enqueue("crm.find_duplicates", organization_id=organization.pk, search_id=search.pk)
    last = searches.aggregate(last=Max("started_at"))["last"]
    if last is not None and last > at - REST:
        return
    if any(_has_changed(model, organization, last) for model in MODELS.values()):
        start_search(actor=system(organization), at=at)


def _has_changed(model: Any, organization: Organization, since: datetime | None) -> bool:
    rows = model.objects.for_organization(organization).live()
    return bool((rows if since is None else rows.filter(updated_at__gt=since)).exists())


def _locked(actor: Actor, candidate: DuplicateCandidate) -> DuplicateCandidate:
    needed = Capability.CONTACTS_MERGE if candidate.noun == Noun.CONTACT else Capability.STOCK_WRITE
    actor.require(needed)
    rows = DuplicateCandidate.objects.visible_to(actor).select_for_update(of=("self",), no_key=True)
    row: DuplicateCandidate | None = rows.filter(pk=candidate.pk).first()
    if row is None:
        raise NotFound("There is no such pair here.")
    if row.state == CandidateState.MERGED:
        raise CandidateClosed("These two were merged; undo the merge first.", candidate=row.pk)
    return row


def _saved(actor: Actor, row: DuplicateCandidate, action: str, at: datetime) -> DuplicateCandidate:
    row.save()
    audit.record(actor=actor, action=action, target=row, after={"pair": list(row.ids)}, at=at)
    return row


FILL = """
    UPDATE crm_contact c SET name_key = k.key FROM unnest(%s::bigint[], %s::text[]) AS k(id, key)
     WHERE c.organization_id = %s AND c.id = k.id
"""
