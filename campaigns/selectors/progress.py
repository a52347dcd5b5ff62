"""How a campaign is moving, and in one sentence why it is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.models import Campaign, CampaignEngine, CampaignMessage, CampaignStatus, Status
from campaigns.quiet import quiet_until
from campaigns.selectors.funnels import Funnel, funnel
from core.actors import Actor
from core.roles import Capability

# An engine shows that it lives twice a second; the sweeper looks after it every 15.
SILENT_AFTER = timedelta(seconds=45)
PACE_OVER = timedelta(seconds=60)


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
    """Four queries, however many recipients."""
    actor.require(Capability.CAMPAIGNS_READ)
    found = funnel(actor=actor, campaign=campaign)
    rows = CampaignMessage.objects.for_organization(actor.organization).filter(campaign=campaign)
    recent = rows.filter(accepted_at__gt=at - PACE_OVER).aggregate(
        sent=Count("pk"), since=Min("accepted_at"), last=Max("accepted_at")
    )
    # They are written to in this order, so the first is the one that has waited longest.
    oldest = rows.filter(status=Status.PENDING).order_by("pk").values_list("created_at", flat=True).first()
    engine = CampaignEngine.objects.for_organization(actor.organization).filter(campaign=campaign).first()
    span = (recent["last"] - recent["since"]).total_seconds() if recent["sent"] else 0
    per_second = round((recent["sent"] - 1) / span, 1) if span > 0 else 0.0
    moves = campaign.status == CampaignStatus.RUNNING and per_second > 0
    return Progress(
        funnel=found,
        sent_last_minute=recent["sent"],
        per_second=per_second,
        seconds_left=int(found.waiting / per_second) if moves else None,
        oldest_waiting_since=oldest,
        heartbeat_at=engine.heartbeat_at if engine else None,
        sentence=_sentence(campaign, found, engine, per_second, at),
    )


def _sentence(campaign: Campaign, found: Funnel, engine: CampaignEngine | None, per_second: float, at: datetime) -> str:
    if campaign.status != CampaignStatus.RUNNING:
        return _standing(campaign, found)
    values = {"waiting": f"{found.waiting:,}", "pace": f"{per_second:g}"}
    until = quiet_until(
        at=at, time_zone=campaign.organization.time_zone, start=campaign.quiet_from, end=campaign.quiet_until
    )
    if until is not None:
        values["until"] = f"{until:%H:%M}"
        return _("It waits for the quiet hours to end at %(until)s; %(waiting)s are waiting.") % values
    if engine is not None and engine.note:
        return _(engine.note)
    if engine is None or engine.heartbeat_at is None or at - engine.heartbeat_at > SILENT_AFTER:
        return _("No worker is sending it. One is called every 15 seconds; %(waiting)s are waiting.") % values
    if per_second:
        return _("It is being sent, %(pace)s a second; %(waiting)s are waiting.") % values
    return _("It is about to be sent; %(waiting)s are waiting.") % values


def _standing(campaign: Campaign, found: Funnel) -> str:
    status = CampaignStatus(campaign.status)
    why = _(campaign.status_reason) if campaign.status_reason else ""
    if status is CampaignStatus.PAUSED:
        values = {"why": why or _("somebody paused it."), "waiting": f"{found.waiting:,}"}
        return _("Paused: %(why)s %(waiting)s are waiting.") % values
    if status is CampaignStatus.SCHEDULED and campaign.starts_at is not None:
        return _("It starts at %(when)s.") % {"when": date_format(timezone.localtime(campaign.starts_at), "j M Y, H:i")}
    if status is CampaignStatus.COMPLETED:
        return _completed(found)
    if status is CampaignStatus.APPROVED:
        return why or _("Approved; somebody has to start it.")
    if status is CampaignStatus.IN_REVIEW:
        return _("It waits for somebody else than its author to approve it.")
    if status is CampaignStatus.DRAFT and not why:
        return _("A draft: nothing is sent until somebody else has approved it.")
    return why or _(str(status.label))


def _completed(found: Funnel) -> str:
    values = {name: f"{getattr(found, name):,}" for name in ("accepted", "skipped", "failed", "unknown")}
    if found.unknown:
        return (
            _("Completed: %(accepted)s went out, %(skipped)s skipped, %(failed)s failed. %(unknown)s are in doubt.")
            % values
        )
    return _("Completed: %(accepted)s went out, %(skipped)s skipped, %(failed)s failed.") % values
