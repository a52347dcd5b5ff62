"""Reads for pages, the API and reports. Every total is a sum over the recipients' rows, made when it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q

from campaigns.models import Campaign, CampaignEngine, CampaignMessage, CampaignStatus, SkipReason, Status
from campaigns.models.recipients import OPEN
from campaigns.quiet import quiet_until
from core.actors import Actor
from core.roles import Capability
from messaging.error_codes import explain

# An engine shows that it lives twice a second; the sweeper looks after it every 15.
SILENT_AFTER = timedelta(seconds=45)
PACE_OVER = timedelta(seconds=60)

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


@dataclass(frozen=True, slots=True)
class Cause:
    """Why some did not get it, and how many. `status`, `skip_reason` and `error_code` find the rows behind it."""

    count: int
    meaning: str
    next_step: str
    status: str
    skip_reason: str = ""
    error_code: int | None = None


def causes(*, actor: Actor, campaign: Campaign) -> list[Cause]:
    """Skips, failures and doubts in plain words, the most frequent first. One query."""
    rows = (
        CampaignMessage.objects.for_organization(actor.organization)
        .filter(campaign=campaign, status__in=[Status.SKIPPED, Status.FAILED, Status.UNKNOWN])
        .values_list("status", "skip_reason", "error_code")
        .annotate(count=Count("pk"))
        .order_by()
    )
    found = []
    for status, skip_reason, error_code, count in rows:
        if status == Status.SKIPPED:
            meaning, step = f"{SkipReason(skip_reason).label}.", NEXT_STEPS.get(skip_reason, "")
        elif status == Status.UNKNOWN:
            meaning = "It may have been sent: WhatsApp's answer never reached us."
            step = "Nothing to do: WhatsApp's next status settles it. It is never sent again by itself."
        else:
            said = explain(error_code)
            meaning, step = said.meaning, said.next_step
        found.append(Cause(count, meaning, step, status, skip_reason, error_code))
    return sorted(found, key=lambda cause: -cause.count)


NEXT_STEPS = {
    SkipReason.NO_NUMBER: "Add a mobile number to these contacts.",
    SkipReason.LANDLINE: "Ask them for a mobile number.",
    SkipReason.INVALID_NUMBER: "Correct the numbers on these contacts.",
    SkipReason.REVIEW: "Look at the numbers that wait to be reviewed.",
    SkipReason.OPTED_OUT: "Nothing: only they can undo it, by writing START.",
    SkipReason.VARIABLE: "Fill in what is missing, or give the variable a fallback.",
    SkipReason.RECENT: "Write to them another day.",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How a campaign is moving. `sentence` says in words what it is doing, or why it is not moving."""

    funnel: Funnel
    sent_last_minute: int
    per_second: float
    seconds_left: int | None
    oldest_waiting_since: datetime | None
    heartbeat_at: datetime | None
    sentence: str


def progress(*, actor: Actor, campaign: Campaign, at: datetime) -> Progress:
    """Three queries, however many recipients."""
    actor.require(Capability.CAMPAIGNS_READ)
    found = funnel(actor=actor, campaign=campaign)
    recent = (
        CampaignMessage.objects.for_organization(actor.organization)
        .filter(campaign=campaign)
        .aggregate(
            sent=Count("pk", filter=Q(accepted_at__gt=at - PACE_OVER)),
            since=Min("accepted_at", filter=Q(accepted_at__gt=at - PACE_OVER)),
            last=Max("accepted_at"),
            oldest=Min("created_at", filter=Q(status=Status.PENDING)),
        )
    )
    engine = CampaignEngine.objects.for_organization(actor.organization).filter(campaign=campaign).first()
    span = (recent["last"] - recent["since"]).total_seconds() if recent["sent"] else 0
    per_second = round((recent["sent"] - 1) / span, 1) if span > 0 else 0.0
    moves = campaign.status == CampaignStatus.RUNNING and per_second > 0
    return Progress(
        funnel=found,
        sent_last_minute=recent["sent"],
        per_second=per_second,
        seconds_left=int(found.waiting / per_second) if moves else None,
        oldest_waiting_since=recent["oldest"],
        heartbeat_at=engine.heartbeat_at if engine else None,
        sentence=_sentence(campaign, found, engine, per_second, at),
    )


def _sentence(campaign: Campaign, found: Funnel, engine: CampaignEngine | None, per_second: float, at: datetime) -> str:
    if campaign.status != CampaignStatus.RUNNING:
        return _standing(campaign, found)
    until = quiet_until(
        at=at, time_zone=campaign.organization.time_zone, start=campaign.quiet_from, end=campaign.quiet_until
    )
    if until is not None:
        return f"It waits for the quiet hours to end at {until:%H:%M}; {found.waiting:,} are waiting."
    if engine is not None and engine.note:
        return engine.note
    silent = engine is None or engine.heartbeat_at is None or at - engine.heartbeat_at > SILENT_AFTER
    if silent:
        return f"No worker is sending it. One is called every 15 seconds; {found.waiting:,} are waiting."
    if per_second:
        return f"It is being sent, {per_second:g} a second; {found.waiting:,} are waiting."
    return f"It is about to be sent; {found.waiting:,} are waiting."


def _standing(campaign: Campaign, found: Funnel) -> str:
    status, why = CampaignStatus(campaign.status), campaign.status_reason
    if status is CampaignStatus.PAUSED:
        return f"Paused: {why or 'somebody paused it.'} {found.waiting:,} are waiting."
    if status is CampaignStatus.SCHEDULED:
        return f"It starts at {campaign.starts_at:%Y-%m-%d %H:%M} UTC."
    if status is CampaignStatus.COMPLETED:
        return f"Completed: {found.accepted:,} went out, {found.skipped:,} skipped, {found.failed:,} failed." + (
            f" {found.unknown:,} are in doubt." if found.unknown else ""
        )
    if status is CampaignStatus.APPROVED:
        return why or "Approved; somebody has to start it."
    if status is CampaignStatus.IN_REVIEW:
        return "It waits for somebody else than its author to approve it."
    return why or status.label
