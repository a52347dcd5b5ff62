"""Two messages compared: what each came to, how sure that is, and what may be said of it, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from campaigns import intervals
from campaigns.intervals import Interval
from campaigns.models import Campaign, CampaignMessage, CampaignStatus, Status
from campaigns.selectors.funnels import WENT_OUT
from campaigns.selectors.recipients import REPLY_WINDOW
from campaigns.splitting import FIRST, SECOND
from core.actors import Actor
from core.roles import Capability


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two. Shares are of those it went out to; None while that is nobody."""

    variant: str
    people: int
    out: int
    delivered: int
    read: int
    replied: int

    @property
    def read_share(self) -> Interval | None:
        return intervals.share(self.read, self.out)

    @property
    def replied_share(self) -> Interval | None:
        return intervals.share(self.replied, self.out)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`verdict` is early, undecided, first or second. It is about replies, once, after the last reply may have come.

    Looking again and again until a range happens to leave out nought would find a winner where there is none.
    """

    sides: list[Side]
    difference: Interval | None
    verdict: str
    decided_at: datetime | None


def comparison(*, actor: Actor, campaign: Campaign, at: datetime) -> Comparison | None:
    """None for a campaign with one message. One query."""
    actor.require(Capability.CAMPAIGNS_READ)
    if campaign.second_percent is None:
        return None
    rows = (
        CampaignMessage.objects.for_organization(actor.organization)
        .filter(campaign=campaign)
        .exclude(status=Status.SKIPPED)
        .values("variant")
        .annotate(
            people=Count("pk"),
            out=Count("pk", filter=Q(status__in=WENT_OUT)),
            delivered=Count("pk", filter=Q(status__in=[Status.DELIVERED, Status.READ])),
            read=Count("pk", filter=Q(status=Status.READ)),
            replied=Count("pk", filter=Q(status__in=WENT_OUT, responded_at__isnull=False)),
        )
        .order_by()
    )
    found = {row["variant"]: Side(**row) for row in rows}
    first, second = (found.get(name) or Side(name, 0, 0, 0, 0, 0) for name in (FIRST, SECOND))
    decided_at = campaign.finished_at + REPLY_WINDOW if campaign.finished_at else None
    between = None
    if first.replied_share and second.replied_share:
        between = intervals.difference(second.replied_share, first.replied_share)
    return Comparison([first, second], between, _verdict(campaign, between, decided_at, at), decided_at)


def _verdict(campaign: Campaign, between: Interval | None, decided_at: datetime | None, at: datetime) -> str:
    is_over = campaign.status in (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED)
    if not is_over or decided_at is None or at < decided_at:
        return "early"
    if between is None or not between.is_decided:
        return "undecided"
    return "second" if between.low > 0 else "first"
