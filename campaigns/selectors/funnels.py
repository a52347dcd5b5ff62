"""How many people of a campaign are where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count

from campaigns.models import Campaign, CampaignMessage, Status
from campaigns.models.recipients import OPEN
from core.actors import Actor

WENT_OUT = (Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.READ)


@dataclass(slots=True)
class Funnel:
    """How many people are where. `by_status` and `by_reason` add up to `people`; the steps below are cumulative."""

    people: int = 0
    responded: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    by_reason: Counter[str] = field(default_factory=Counter)

    def add(self, status: str, skip_reason: str, count: int, responded: int) -> None:
        self.people += count
        self.responded += responded
        self.by_status[status] += count
        if skip_reason:
            self.by_reason[skip_reason] += count

    @property
    def waiting(self) -> int:
        return sum(self.by_status[status] for status in OPEN)

    @property
    def skipped(self) -> int:
        return self.by_status[Status.SKIPPED]

    @property
    def failed(self) -> int:
        return self.by_status[Status.FAILED]

    @property
    def unknown(self) -> int:
        return self.by_status[Status.UNKNOWN]

    @property
    def accepted(self) -> int:
        """WhatsApp took it, whatever came after."""
        return sum(self.by_status[status] for status in WENT_OUT)

    @property
    def delivered(self) -> int:
        return self.by_status[Status.DELIVERED] + self.by_status[Status.READ]

    @property
    def read(self) -> int:
        return self.by_status[Status.READ]

    @property
    def done_percent(self) -> int:
        """How many of those to be written to are settled, out of 100."""
        wanted = self.people - self.skipped
        return 100 * (wanted - self.waiting) // wanted if wanted else 0

    @property
    def parts(self) -> list[tuple[str, int]]:
        """Everybody once, by where they are: the parts of a bar, empty ones left out."""
        by = self.by_status
        parts = [
            ("read", by[Status.READ]),
            ("delivered", by[Status.DELIVERED]),
            ("out", by[Status.ACCEPTED] + by[Status.SENT]),
            ("unknown", self.unknown),
            ("failed", self.failed),
            ("waiting", self.waiting),
            ("skipped", self.skipped),
        ]
        return [(name, count) for name, count in parts if count]


def funnels(*, actor: Actor, campaign_ids: Iterable[int]) -> dict[int, Funnel]:
    """The funnels of several campaigns. One query, however many there are."""
    found: dict[int, Funnel] = {campaign_id: Funnel() for campaign_id in campaign_ids}
    rows = (
        CampaignMessage.objects.for_organization(actor.organization)
        .filter(campaign__in=found)
        .values_list("campaign", "status", "skip_reason")
        .annotate(count=Count("pk"), responded=Count("responded_at"))
        .order_by()
    )
    for campaign_id, status, skip_reason, count, responded in rows:
        found[campaign_id].add(status, skip_reason, count, responded)
    return found


def funnel(*, actor: Actor, campaign: Campaign) -> Funnel:
    """The funnel of one campaign. One query."""
    return funnels(actor=actor, campaign_ids=[campaign.pk])[campaign.pk]
