"""A row of which another turned out to be the same thing: hidden, and known to lead to the one that stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Self

from django.db import models
from django.db.models import F, Q

from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey

# Merges of merges: nobody has more in a row, and a ring cannot be made.
LONGEST_CHAIN = 50


class MergeableQuerySet(SoftDeleteQuerySet):
    def survivors_of(self, ids: Iterable[int]) -> dict[int, int]:
        """Where each of these leads now: itself, unless it was merged. One query, and one more a link of the chain."""
        found = {pk: pk for pk in ids}
        ends = set(found)
        for _ in range(LONGEST_CHAIN):
            onward = dict(self.filter(pk__in=ends, merged_into__isnull=False).values_list("pk", "merged_into"))
            if not onward:
                break
            found = {pk: onward.get(end, end) for pk, end in found.items()}
            ends = set(onward.values())
        return found

    def survivor_of(self, pk: int) -> Self:
        """The live row that a merged one leads to; empty for one that was never merged."""
        end = self.survivors_of([pk])[pk]
        return self.filter(pk=end if end != pk else None).live()

    def lineage_of(self, pk: int) -> Sequence[int]:
        """The row and all that were merged into it, directly or through others: their trail is its trail too."""
        found, latest = [pk], [pk]
        while latest:
            latest = list(self.filter(merged_into__in=latest).order_by("pk").values_list("pk", flat=True))
            found += latest
        return found


class Mergeable(SoftDeleteModel):
    """`merged_into` is the row that stayed; this one is hidden, in no trash, and comes back by undoing the merge."""

    merged_into = TenantForeignKey("self", null=True, blank=True, editable=False, related_name="+", db_index=False)

    objects = MergeableQuerySet.as_manager()

    class Meta:
        abstract = True


def merged_is_hidden(table: str) -> models.CheckConstraint:
    condition = Q(merged_into__isnull=True) | (Q(deleted_at__isnull=False) & ~Q(merged_into=F("id")))
    return models.CheckConstraint(name=f"{table}_merged_is_hidden", condition=condition)


def merged_into_index(table: str) -> models.Index:
    """What was merged into this row."""
    return models.Index(
        fields=["organization", "merged_into"], condition=Q(merged_into__isnull=False), name=f"{table}_merged_into"
    )
