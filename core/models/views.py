"""Lists of the back office as somebody likes to see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from core.models.base import TenantForeignKey, TenantModel, TenantQuerySet
from core.models.people import Membership

if TYPE_CHECKING:
    from core.actors import Actor


class SavedViewQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """One's own, and what is shared with everybody in the back office."""
        return super().visible_to(actor).filter(Q(membership=actor.membership) | Q(is_shared=True))


class SavedView(TenantModel):
    """What stands behind the question mark of a list's address, under a name: filters, order and search."""

    membership = TenantForeignKey(Membership, related_name="saved_views")
    list_name = models.CharField(max_length=60, help_text="the label of its model, such as crm.property")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2_000, help_text="as in an address, such as status__exact=sold&o=-3")
    is_shared = models.BooleanField(default=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "membership", "list_name", "name"], name="core_saved_view_name_once"
            ),
            models.CheckConstraint(name="core_saved_view_has_a_name", condition=~Q(name="") & ~Q(query="")),
            # What somebody typed may be a number that others were not given.
            models.CheckConstraint(
                name="core_saved_view_shared_without_search",
                condition=Q(is_shared=False) | ~Q(query__regex="(^|&)q="),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"
