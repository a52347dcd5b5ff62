"""Many rows in one statement, where an action sets columns of the row itself and nothing else.

Each row is still asked what the service of one row asks; history is kept by the triggers, once a statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from core import audit
from core.actors import Actor
from core.errors import DomainError
from crm.models import BulkItem
from crm.models.bulk import BulkOutcome

GONE = "It is not there any more, or not yours to see."
SINCE = "It was changed since, and stays as it is."


@dataclass(frozen=True, slots=True)
class Columns:
    """`of` says what the action makes of one row, by column. Raises what the service of one row raises.

    No column has a key of another row or a rule between rows, so that no row is refused for the sake of another.
    """

    action: str
    of: Callable[[Any, Mapping[str, Any]], dict[str, Any]]


def do_set(*, actor: Actor, rows: QuerySet[Any], items: Iterable[BulkItem], columns: Columns, value: Any) -> None:
    """Write what the action makes of the rows of these items, and say in each item what became of it."""
    held, written = _held(rows, items), {}
    for item in items:
        row = held.get(item.target_id)
        if row is None:
            item.outcome, item.why = BulkOutcome.REFUSED, GONE
            continue
        try:
            made = columns.of(row, value)
        except DomainError as refusal:
            item.outcome, item.why = BulkOutcome.REFUSED, refusal.message[:300]
            continue
        was = {name: getattr(row, name) for name in made}
        if was == made:
            item.outcome = BulkOutcome.SAME
        else:
            item.outcome, item.before, item.after = BulkOutcome.CHANGED, was, made
            written[row.pk] = made
    _write(actor, held, written, columns.action)


def undo_set(*, actor: Actor, rows: QuerySet[Any], items: Iterable[BulkItem], columns: Columns) -> None:
    """Set back what still is as the action made it, and say in each item whether it was."""
    held, written = _held(rows, items), {}
    for item in items:
        row = held.get(item.target_id)
        item.is_restored = row is not None and all(getattr(row, name) == made for name, made in item.after.items())
        item.why = "" if item.is_restored else SINCE
        if item.is_restored:
            written[item.target_id] = item.before
    _write(actor, held, written, columns.action, undone=True)


def _held(rows: QuerySet[Any], items: Iterable[BulkItem]) -> dict[int, Any]:
    found = rows.filter(pk__in=[item.target_id for item in items]).order_by("pk")
    return {row.pk: row for row in found.select_for_update(of=("self",), no_key=True)}


def _write(actor: Actor, held: Mapping[int, Any], written: dict[int, dict[str, Any]], action: str, **told: Any) -> None:
    """One UPDATE for all that become the same, and one line of the trail for each."""
    at = timezone.now()
    alike: dict[str, list[int]] = defaultdict(list)
    for pk, made in written.items():
        alike[repr(made)].append(pk)
    for ids in alike.values():
        type(held[ids[0]])._base_manager.filter(pk__in=ids).update(**written[ids[0]], updated_at=at)
    targets = [
        (held[pk], {name: getattr(held[pk], name) for name in made}, {**made, **told}) for pk, made in written.items()
    ]
    audit.record_many(actor=actor, action=action, targets=targets, at=at)
