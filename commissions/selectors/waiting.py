"""What waits for a decision: approvals, disputes, what is overdue, what came back."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from commissions.models import Commission, Status
from core.actors import Actor
from core.roles import Capability


def pending_approvals(*, actor: Actor) -> QuerySet[Commission]:
    """What waits for an approval, oldest first, with deal, unit and agent; those the actor may not approve are in it
    too, and are refused with the reason. One query when read."""
    actor.require(Capability.COMMISSIONS_READ)
    pending: QuerySet[Commission] = Commission.objects.visible_to(actor).filter(status=Status.PENDING)
    return pending.select_related("deal__property__project", "deal__agent", "created_by__user").order_by("id")


def status_counts(*, actor: Actor) -> dict[Status, int]:
    """How many commissions are in each status, for badges. One query."""
    actor.require(Capability.COMMISSIONS_READ)
    rows = Commission.objects.visible_to(actor).order_by().values_list("status").annotate(count=Count("pk"))
    counts = dict(rows)
    return {status: counts.get(status.value, 0) for status in Status}
