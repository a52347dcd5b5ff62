"""A question about people that is asked again and again, under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import Exact

from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey
from core.models.base import LIVE
from core.roles import Reach

if TYPE_CHECKING:
    from typing import Self

    from core.actors import Actor


class SegmentQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Agents and supervisors: what they or their reports wrote, as with campaigns."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(created_by__in=actor.membership_ids)


class Segment(SoftDeleteModel):
    """Whom a set of conditions finds, at the moment it is asked: people come into it and leave it by themselves."""

    hidden_with: ClassVar[tuple[str, ...]] = ()

    name = models.CharField(max_length=150)
    definition = models.JSONField(help_text="conditions and groups of them; campaigns/segments")
    created_by = TenantForeignKey("core.Membership", related_name="segments")

    objects = SegmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=LIVE, name="campaigns_segment_name_once"
            ),
            models.CheckConstraint(name="campaigns_segment_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(
                name="campaigns_segment_definition_is_an_object",
                condition=Exact(
                    Func(F("definition"), function="jsonb_typeof", output_field=models.TextField()), "object"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"
