"""The life of a bulk change: chosen, previewed, confirmed once, run by a worker when it is long, undone once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from core import audit, jobs
from core.actors import Actor
from core.errors import DomainError, NotFound
from core.models import Organization
from core.roles import Capability
from core.tenancy import acting_through
from crm.errors import BulkChangeMoved, BulkTooLarge, ValueInvalid
from crm.models import BulkChange, BulkItem, Contact, Property
from crm.models.bulk import BulkAction, BulkNoun, BulkOutcome, BulkStatus
from crm.services.bulk.actions import ACTIONS, SAME, Act, OneByOne
from crm.services.bulk.sets import GONE, SINCE, Columns, do_set, undo_set
from crm.services.writing import person, refusals

MOST = 50_000
AT_ONCE = 500
CHUNK, SET_OF = 100, 1_000
SHOWN = 50
LEASE = timedelta(minutes=5)
MODELS: dict[str, Any] = {BulkNoun.UNIT: Property, BulkNoun.CONTACT: Contact}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a confirmation would do: counts, and the first rows that are refused with the reason."""

    changed: int
    same: int
    refused: int
    reasons: list[tuple[str, int]]
    examples: list[tuple[str, str]]


@transaction.atomic
def choose_rows(*, actor: Actor, noun: str, rows: QuerySet[Any], filters: Mapping[str, Any]) -> BulkChange:
    """Keep which rows are meant: those of this moment. Raises BulkTooLarge, ValueInvalid (none)."""
    actor.require(Capability.STOCK_WRITE)
    ids = list(rows.order_by("-pk").values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        raise BulkTooLarge(f"More than {MOST:,} rows; narrow them down by a filter.", most=MOST)
    if not ids:
        raise ValueInvalid("There is no row to change.", field="rows")
    return BulkChange.objects.create(
        organization=actor.organization,
        noun=BulkNoun(noun),
        ids=ids,
        filters=dict(filters),
        requested_by=person(actor),
    )


@transaction.atomic
def preview_change(
    *, actor: Actor, change: BulkChange, action: str, given: Mapping[str, Any], keep: list[int] | None = None
) -> Foreseen:
    """Say what is to be done, and what would become of every row. Nothing is written but the wish.

    `keep` narrows the chosen rows further. Raises ValueInvalid, BulkChangeMoved, NotFound.
    """
    change = _mine(actor, change, BulkStatus.DRAFT, BulkStatus.PREVIEWED)
    act = _act(actor, change.noun, action)
    checked = act.check(actor, given)
    if keep is not None:
        wanted = set(keep)
        change.ids = [pk for pk in change.ids if pk in wanted]
        if not change.ids:
            raise ValueInvalid("Leave at least one row chosen.", field="rows")
    change.action, change.value, change.said = BulkAction(action), checked.value, checked.said
    change.status = BulkStatus.PREVIEWED
    change.save(update_fields=["ids", "action", "value", "said", "status", "updated_at"])
    return _foresee(actor, change, act)


@transaction.atomic
def confirm_change(*, actor: Actor, change: BulkChange, seen: str = "", at: datetime) -> BulkChange:
    """Yes. Pressed twice, or in two tabs, it runs once. Short ones are done at once, long ones by a worker.

    `seen` is the `wish` of the preview that was on the screen: another one since, in another tab, is not confirmed by it.
    Raises BulkChangeMoved, NotFound.
    """
    change = _mine(actor, change, BulkStatus.PREVIEWED)
    if seen and seen != change.wish:
        raise BulkChangeMoved(
            _("Something else was chosen since, maybe in another tab. Look at it again."), status="previewed"
        )
    _act(actor, change.noun, change.action)
    change.status, change.confirmed_by, change.confirmed_at, change.leased_until = (
        BulkStatus.RUNNING,
        person(actor),
        at,
        at,
    )
    change.save(update_fields=["status", "confirmed_by", "confirmed_at", "leased_until", "updated_at"])
    told = {"action": change.action, "value": change.value, "rows": len(change.ids), "filters": change.filters}
    audit.record(actor=actor, action="crm.bulk_change_confirmed", target=change, after=told, at=at)
    return _start(actor, change, at)


@transaction.atomic
def undo_change(*, actor: Actor, change: BulkChange, at: datetime) -> BulkChange:
    """Set back what nobody has changed since. Once. Raises BulkChangeMoved, NotFound."""
    change = _mine(actor, change, BulkStatus.DONE)
    _act(actor, change.noun, change.action)
    change.status, change.undone_by, change.undone_at, change.leased_until = BulkStatus.UNDOING, person(actor), at, at
    change.save(update_fields=["status", "undone_by", "undone_at", "leased_until", "updated_at"])
    audit.record(actor=actor, action="crm.bulk_change_undone", target=change, at=at)
    return _start(actor, change, at)


def run_change(*, organization: Organization, change_id: int, at: datetime) -> None:
    """Work one change, or its undoing, off: a hundred rows a transaction, or a thousand where one statement sets them all; never a row twice."""
    changes = BulkChange.objects.for_organization(organization)
    working = Q(status__in=[BulkStatus.RUNNING, BulkStatus.UNDOING])
    if not changes.filter(working, pk=change_id, leased_until__lte=at).update(leased_until=at + LEASE):
        return
    change: BulkChange = changes.select_related("confirmed_by__user", "undone_by__user", "organization").get(
        pk=change_id
    )
    undoing = change.status == BulkStatus.UNDOING
    actor = Actor(change.organization, change.undone_by if undoing else change.confirmed_by)
    for work in _undoing(actor, change, at) if undoing else _doing(actor, change, at):
        with transaction.atomic(), acting_through("page", membership_id=person(actor).pk):
            work()
            changes.filter(pk=change.pk).update(leased_until=timezone.now() + LEASE)
    changes.filter(pk=change.pk, status=change.status).update(
        status=BulkStatus.UNDONE if undoing else BulkStatus.DONE, finished_at=at, leased_until=None, updated_at=at
    )


def sweep_changes(*, organization: Organization, at: datetime) -> None:
    """Changes that a worker lost go on where they stopped."""
    lost = BulkChange.objects.for_organization(organization).filter(
        status__in=[BulkStatus.RUNNING, BulkStatus.UNDOING], leased_until__lt=at
    )
    for change_id in lost.values_list("pk", flat=True):
        jobs.enqueue("crm.run_bulk_change", organization_id=organization.pk, change_id=change_id)


def _start(actor: Actor, change: BulkChange, at: datetime) -> BulkChange:
    if len(change.ids) <= AT_ONCE:
        run_change(organization=actor.organization, change_id=change.pk, at=at)
        change.refresh_from_db()
    else:
        jobs.enqueue("crm.run_bulk_change", organization_id=actor.organization.pk, change_id=change.pk)
    return change


def _doing(actor: Actor, change: BulkChange, at: datetime) -> Iterator[Callable[[], None]]:
    act = ACTIONS[BulkNoun(change.noun), BulkAction(change.action)]
    done = set(change.items.values_list("target_id", flat=True))
    for chunk in _parted([pk for pk in change.ids if pk not in done], act):
        yield lambda chunk=chunk: _do_chunk(actor, change, act, chunk, at)  # type: ignore[misc]


def _do_chunk(actor: Actor, change: BulkChange, act: Act, chunk: list[int], at: datetime) -> None:
    rows = {row.pk: row for row in _rows(actor, change.noun).filter(pk__in=chunk)}
    items = [
        BulkItem(
            organization=actor.organization,
            change=change,
            target_id=pk,
            label=_label(rows[pk]) if pk in rows else f"({pk})",
        )
        for pk in chunk
    ]
    if isinstance(act.by, Columns):
        do_set(actor=actor, rows=_rows(actor, change.noun), items=items, columns=act.by, value=change.value)
    else:
        for item in items:
            _do_one(actor, act.by, item, rows.get(item.target_id), change.value, at)
    BulkItem.objects.bulk_create(items)


def _do_one(actor: Actor, by: OneByOne, item: BulkItem, row: Any, value: Mapping[str, Any], at: datetime) -> None:
    if row is None:
        item.outcome, item.why = BulkOutcome.REFUSED, GONE
        return
    try:
        with refusals():
            written = by.do(actor, row, value, at)
        item.outcome = BulkOutcome.SAME if written is None else BulkOutcome.CHANGED
        item.before, item.after = written or ({}, {})
    except DomainError as refusal:
        item.outcome, item.why = BulkOutcome.REFUSED, refusal.message[:300]


def _undoing(actor: Actor, change: BulkChange, at: datetime) -> Iterator[Callable[[], None]]:
    act = ACTIONS[BulkNoun(change.noun), BulkAction(change.action)]
    left = change.items.filter(outcome=BulkOutcome.CHANGED, is_restored__isnull=True).order_by("pk")
    for chunk in _parted(list(left), act):
        yield lambda chunk=chunk: _undo_chunk(actor, change, act, chunk, at)  # type: ignore[misc]


def _undo_chunk(actor: Actor, change: BulkChange, act: Act, chunk: list[BulkItem], at: datetime) -> None:
    if isinstance(act.by, Columns):
        undo_set(actor=actor, rows=_rows(actor, change.noun), items=chunk, columns=act.by)
        for restored, why in ((True, ""), (False, SINCE)):
            ids = [item.pk for item in chunk if item.is_restored is restored]
            change.items.filter(pk__in=ids).update(is_restored=restored, why=why)
        return
    for item in chunk:
        try:
            with refusals():
                item.is_restored = act.by.undo(actor, item.target_id, item.before, item.after, at)
            item.why = "" if item.is_restored else SINCE
        except DomainError as refusal:
            item.is_restored, item.why = False, refusal.message[:300]
    BulkItem.objects.bulk_update(chunk, ["is_restored", "why"])


def _parted(rows: list[Any], act: Act) -> Iterator[list[Any]]:
    size = SET_OF if isinstance(act.by, Columns) else CHUNK
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _foresee(actor: Actor, change: BulkChange, act: Act) -> Foreseen:
    found: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    examples: list[tuple[str, str]] = []
    seen = 0
    for start in range(0, len(change.ids), 1_000):
        rows = _rows(actor, change.noun).filter(pk__in=change.ids[start : start + 1_000])
        for row in act.told(rows, change.value):
            seen += 1
            why = act.foresee(row, change.value)
            if why is None:
                found["changed"] += 1
            elif why == SAME:
                found["same"] += 1
            else:
                reasons[why] += 1
                if len(examples) < SHOWN:
                    examples.append((_label(row), why))
    gone = len(change.ids) - seen
    if gone:
        reasons[GONE] += gone
    return Foreseen(found["changed"], found["same"], sum(reasons.values()), reasons.most_common(10), examples)


def _rows(actor: Actor, noun: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = MODELS[noun].objects.visible_to(actor)
    return rows.select_related("project") if noun == BulkNoun.UNIT else rows


def _label(row: Any) -> str:
    return str(row.label if isinstance(row, Property) else row.display_name)[:200]


def _act(actor: Actor, noun: str, action: str) -> Act:
    if action not in BulkAction.values or (BulkNoun(noun), BulkAction(action)) not in ACTIONS:
        raise ValueInvalid("Choose what to do.", field="action")
    act = ACTIONS[BulkNoun(noun), BulkAction(action)]
    actor.require(act.capability)
    return act


def _mine(actor: Actor, change: BulkChange, *statuses: BulkStatus) -> BulkChange:
    """Held, and in one of these states: whoever comes second is told what became of it."""
    actor.require(Capability.STOCK_WRITE)
    rows = BulkChange.objects.visible_to(actor).select_for_update(no_key=True)
    found: BulkChange | None = rows.filter(pk=change.pk).first()
    if found is None:
        raise NotFound("There is no such change here.")
    if found.status not in statuses:
        raise BulkChangeMoved(f"This change is past that: {found.get_status_display().lower()}.", status=found.status)
    return found
