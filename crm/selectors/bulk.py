"""The page of one change of many rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from crm.models import BulkChange, BulkItem
from crm.models.bulk import BulkOutcome

SHOWN = 100


@dataclass(frozen=True, slots=True)
class BulkPage:
    """How far it is, and the first rows that were refused, or kept when it was set back."""

    change: BulkChange
    total: int
    changed: int
    same: int
    refused: int
    restored: int
    kept: int
    refusals: list[BulkItem]
    stayed: list[BulkItem]

    @property
    def done(self) -> int:
        return self.changed + self.same + self.refused

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 100


def bulk_page(*, actor: Actor, change_id: int) -> BulkPage:
    """One change with its figures. Four queries. Raises NotFound."""
    actor.require(Capability.STOCK_WRITE)
    rows = BulkChange.objects.visible_to(actor).select_related(
        "requested_by__user", "confirmed_by__user", "undone_by__user"
    )
    change: Any = rows.filter(pk=change_id).first()
    if change is None:
        raise NotFound("There is no such change here.")
    items = change.items.order_by()
    counts = {
        (outcome, restored): count
        for outcome, restored, count in items.values_list("outcome", "is_restored").annotate(Count("pk"))
    }

    def of(outcome: str) -> int:
        return sum(count for (found, _restored), count in counts.items() if found == outcome)

    return BulkPage(
        change=change,
        total=len(change.ids),
        changed=of(BulkOutcome.CHANGED),
        same=of(BulkOutcome.SAME),
        refused=of(BulkOutcome.REFUSED),
        restored=counts.get((BulkOutcome.CHANGED, True), 0),
        kept=counts.get((BulkOutcome.CHANGED, False), 0),
        refusals=list(items.filter(outcome=BulkOutcome.REFUSED).order_by("pk")[:SHOWN]),
        stayed=list(items.filter(is_restored=False).order_by("pk")[:SHOWN]),
    )


def bulk_changes(*, actor: Actor, limit: int = 50) -> list[BulkChange]:
    """The latest changes of many rows in the organisation. One query."""
    actor.require(Capability.STOCK_WRITE)
    rows = BulkChange.objects.visible_to(actor).exclude(status="draft").select_related("requested_by__user")
    return list(rows.order_by("-pk")[:limit])
